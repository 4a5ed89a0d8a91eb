"""Exercises that name the mistake.

In a lesson: write the function, then let ``check`` say whether it is right or which mistake it
makes. `hint` helps, `solution` shows the answer, and `yours_or_ours` puts your function to work. In a work
copy, what is right is kept in `my_network.py`, and `my_network` puts all of it to work together.
"""

from nn_helpers.exercises.checking.api import check, hint, solution, yours_or_ours
from nn_helpers.exercises.checking.verdict import Verdict
from nn_helpers.exercises.mine import my_network

__all__ = ["Verdict", "check", "hint", "my_network", "solution", "yours_or_ours"]
