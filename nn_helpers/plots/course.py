"""What a class stumbled over, for its wall."""

import textwrap

import numpy as np

from nn_helpers.plots.base import COLOURS, finish, legend_below, subplots

KINDS = {
    "right on the first try": {"color": COLOURS[0]},
    "right later": {"color": COLOURS[5]},
    "not right yet": {"facecolor": "white", "edgecolor": COLOURS[1], "hatch": "///"},
}
UNDER_NUMBERS = {"facecolor": "white", "edgecolor": "none", "pad": 1}


def stumbles(exercises, questions, learners):
    """Show how each exercise went, with its most frequent mistake, and which questions were guessed wrong.

    Parameters
    ----------
    exercises : dict of str to (int, int, int, str)
        How many were right on the first try, right later, and not right yet; and words beside the bar.
    questions : dict of str to (int, int)
        How many answered it wrong, of how many.
    learners : int

    Returns
    -------
    Figure
    """
    asked = [textwrap.fill(name, 64) for name in questions]
    rows = np.cumsum([0.56 + 0.23 * (1 + text.count("\n")) for text in asked])
    height = 2 + max(0.36 * len(exercises), 0.75 * sum(rows[-1:]))
    figure, (left, right) = subplots(16, height, 1, 2, width_ratios=[2, 1])
    end = np.zeros(len(exercises))
    for i, (kind, look) in enumerate(KINDS.items()):
        number = np.array([n[i] for n in exercises.values()])
        left.barh(
            list(exercises), np.where(number, number, np.nan), left=end, height=0.72, label=kind, **look
        )
        for name, count, at in zip(exercises, number, end + number / 2, strict=True):
            left.text(
                at, name, str(count or ""), ha="center", va="center", bbox=UNDER_NUMBERS if count else None
            )
        end += number
    for name, at in zip(exercises, end, strict=True):
        left.text(at, name, f"  {exercises[name][3]}", va="center", parse_math=False)
    left.set_title("The exercises, and the most frequent mistake in each", loc="left")
    left.margins(y=0.01)
    left.set(xlim=(0, 2.1 * learners), xticks=[0, learners])
    left.set_xlabel("learners", loc="left")
    for at, text, (wrong, of) in zip(rows, asked, questions.values(), strict=True):
        right.barh(at, 100 * wrong / of, height=0.3, color=COLOURS[1])
        right.text(0, at - 0.2, text, va="bottom", parse_math=False)
        right.text(102, at, f"{wrong} of {of}", va="center")
    right.set_title("Answered wrong at first", loc="left")
    right.set(xlabel="of those who answered (%)", xlim=(0, 115), xticks=range(0, 101, 25), yticks=[])
    right.set_ylim(0, sum(rows[-1:]) + 0.4)
    for ax in (left, right):
        ax.invert_yaxis()
        ax.spines["left"].set_visible(False)
        ax.tick_params(axis="y", length=0)
        finish(ax, grid=False)
    figure.suptitle(f"What {learners} learner{'s' * (learners != 1)} stumbled over", fontsize=18)
    return legend_below(figure)
