"""All exercises by name, in the order of the lessons."""

from nn_helpers.exercises import (
    lesson01,
    lesson02,
    lesson03,
    lesson04,
    lesson05,
    lesson06,
    lesson07,
    lesson08,
    lesson09,
)

LESSONS = lesson01, lesson02, lesson03, lesson04, lesson05, lesson06, lesson07, lesson08, lesson09
EXERCISES = {exercise.name: exercise for lesson in LESSONS for exercise in lesson.EXERCISES}
