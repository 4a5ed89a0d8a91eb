"""Exercises that name the mistake.

In a lesson: write the function, then let ``check`` say whether it is right or which mistake it
makes. `hint` helps, `solution` shows the answer, and `yours_or_ours` puts your function to work.
"""

from nn_helpers.exercises.checking.api import check, hint, solution, yours_or_ours
from nn_helpers.exercises.checking.verdict import Verdict

__all__ = ["Verdict", "check", "hint", "solution", "yours_or_ours"]
