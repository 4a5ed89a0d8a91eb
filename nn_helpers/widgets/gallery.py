"""The playground's settings as text, and the gallery: settings that work or fail, with questions."""

import tomllib
from pathlib import Path

GALLERY = tomllib.loads((Path(__file__).parent / "gallery.toml").read_text(encoding="utf-8"))["entry"]
MEASURES = ("loss", "val_loss", "accuracy", "val_accuracy", "dead")  # what a question can be about


def read_settings(function, text):
    """Return the settings of a text such as ``"sizes=8,4 lr=0.3"``.

    Parameters
    ----------
    function : str
        For errors.
    text : str
    """
    settings = {}
    for part in text.split():
        name, equals, value = part.partition("=")
        if not (name and equals and value):
            raise ValueError(
                f'{function}: settings follow the data as name=value, as in "spirals sizes=8,4 lr=0.3"; '
                f"got {part!r}"
            )
        each = [] if value == "none" else [_number(part) for part in value.split(",")]
        settings[name] = each if name == "sizes" or (name == "activation" and each[1:]) else _number(value)
    return settings


def _number(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def check_sizes(function, sizes, deepest, widest):
    """Return the widths of the hidden layers, or refuse them."""
    fits = isinstance(sizes, list | tuple) and len(sizes) <= deepest
    if not fits or not all(type(size) is int and 1 <= size <= widest for size in sizes):
        raise ValueError(
            f"{function}: sizes must be a list of at most {deepest} whole numbers from 1 to {widest}, such "
            f"as [8, 4]; got {sizes!r:.60}"
        )
    return sizes


class Question:
    """What an entry of the gallery asks, from the settings as it has them.

    Parameters
    ----------
    entry : dict
    standing : dict
        What all controls say at first, by name.
    """

    def __init__(self, entry, standing):
        self.entry, self.first = entry, standing

    def text(self):
        """Return why it works or fails, and the question."""
        return f"{self.entry['why']} {self.entry['question']}"

    def answered(self, step, measured, standing):
        """Say whether a change of the right control, and of no other, has led where the question asks.

        Parameters
        ----------
        step : int
        measured : dict of str to float
            By the names in MEASURES.
        standing : dict
            What the controls say now.
        """
        entry, width = self.entry, {"width", "sizes"}  # of all layers, and of each: in the picture
        right = width if entry["change"] in width else {entry["change"]}
        changed = {name for name, value in standing.items() if self.first.get(name) != value}
        value = measured[entry["measure"]]
        reached = value >= entry["least"] if "least" in entry else value <= entry["most"]
        in_time = entry.get("after", 1) <= step <= entry["within"]
        return bool(reached and in_time and changed and changed <= right)
