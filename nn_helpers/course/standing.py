"""Where the learner stands, by the record: lesson by lesson, and where to go on."""

from typing import NamedTuple

from nn_helpers.support import record

TITLES = {
    "00": "Start here",
    "01": "Layers and ReLU",
    "02": "Affine layers, forwards and backwards",
    "03": "Softmax and cross-entropy",
    "04": "Optimizers: ways down",
    "05": "CIFAR-10: everything together",
    "06": "Why did it fail? A clinic",
    "07": "Deep and healthy",
    "08": "Tuning without fooling yourself",
    "09": "From NumPy to PyTorch",
}


class Tried(NamedTuple):
    """An exercise, whose `number` counts from 1, and how it came to be right, or not yet.

    `verdicts` has, for each time that `check` looked at what was written, whether it was right, and the names
    of its mistakes; one that has no name is "".
    """

    name: str
    number: int
    verdicts: tuple = ()
    hints: int = 0
    solution: bool = False

    @property
    def tries(self):
        """How often `check` looked at what was written."""
        return len(self.verdicts)

    @property
    def right(self):
        """Whether it was right once."""
        return any(right for right, _ in self.verdicts)

    @property
    def mistakes(self):
        """The names of the mistakes that `check` has found, in their order."""
        return tuple(dict.fromkeys(name for _, mistakes in self.verdicts for name in mistakes))

    def right_after(self, mistake=None):
        """Return which try was right, the first after a mistake or the first at all; 0 if none was."""
        made = [i for i, (_, mistakes) in enumerate(self.verdicts) if mistake in (None, *mistakes)]
        return next((i + 1 for i in range(min(made, default=0), self.tries) if self.verdicts[i][0]), 0)


class Guess(NamedTuple):
    """A guess before a cell found out, and whether it was right; then the same idea, asked again later."""

    question: str
    right: bool
    later: bool | None = None


class Standing(NamedTuple):
    """What is done of a lesson, since it was last begun anew."""

    lesson: str
    begun: bool
    finished: bool
    exercises: tuple
    guesses: tuple

    @property
    def right(self):
        """How many exercises are right."""
        return sum(exercise.right for exercise in self.exercises)

    @property
    def done(self):
        """Whether nothing is left to do."""
        return self.finished and self.right == len(self.exercises)

    @property
    def share(self):
        """How much is done, from 0 to 1; the questions at the end count like an exercise."""
        return (self.right + self.finished) / (len(self.exercises) + 1)

    @property
    def next_step(self):
        """What to do now, in a sentence."""
        open_one = next((exercise for exercise in self.exercises if not exercise.right), None)
        if open_one:
            verb = "Go on at" if self.right else "Begin with"
            return f"{verb} exercise {open_one.number}, {open_one.name}."
        if not self.finished:
            left = "The questions at its end are left."
            return left if self.exercises else "Run its cells, down to the questions at its end."
        after = [lesson for lesson in TITLES if lesson > self.lesson]
        return f"Go on in lesson {after[0]}." if after else "It was the last one."

    def in_words(self):
        """Return what is done and what to do now, on one line."""
        total, done = len(self.exercises), "done"
        if not self.done and total:
            done = f"{self.right} of {total} exercises right"
        elif not self.done:
            done = "begun" if self.begun else "not begun"
        return f"Lesson {self.lesson}: {done}. {self.next_step}"


def standings(events=None):
    """Return the `Standing` of each lesson, in their order, by these events or by the record that is here."""
    from nn_helpers.exercises.catalogue import EXERCISES

    events = record.read() if events is None else events
    return [_standing(lesson, events, EXERCISES.values()) for lesson in TITLES]


def _standing(lesson, events, exercises):
    names = [exercise.name for exercise in exercises if exercise.lesson.startswith(lesson)]
    own = [event for event in record.since_reset(events, lesson) if event.lesson == lesson]
    return Standing(
        lesson,
        any(event.event in ("begun", "checked", "predicted") for event in own),
        any(event.event == "finished" for event in own),
        tuple(_tried(name, number, own) for number, name in enumerate(names, 1)),
        tuple(_guesses(own, events)),
    )


def _tried(name, number, events):
    own = [event for event in events if event.exercise == name]
    verdicts = [event for event in own if event.event == "checked" and event.kind in ("right", "mistake")]
    return Tried(
        name,
        number,
        tuple(
            (event.kind == "right", event.mistakes or ("",) * (event.kind == "mistake")) for event in verdicts
        ),
        sum(event.event == "hint" for event in own),
        any(event.event == "solution" for event in own),
    )


def _guesses(own, events):
    later = {event.question: event.right for event in events if event.event == "recalled"}
    first = {}
    for event in own:
        if event.event == "revealed" and event.right is not None:
            first.setdefault(event.question, event.right)
    return [Guess(name, right, later.get(name)) for name, right in first.items()]


def current(all_standings):
    """Return where to go on: the lesson last begun, or else the first that is not done."""
    begun = [event.lesson for event in record.read() if event.event == "begun"]
    by_lesson = {standing.lesson: standing for standing in all_standings}
    last = by_lesson.get(begun[-1]) if begun else None
    if last and not last.done:
        return last
    return next((standing for standing in all_standings if not standing.done), all_standings[-1])
