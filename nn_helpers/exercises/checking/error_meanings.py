"""Tell a learner what an error that their function raises usually means.

The sentences stand in ``error_meanings.toml``.
"""

import re
import tomllib
from pathlib import Path

from nn_helpers.exercises.checking.wording import without_addresses

MEANINGS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["meaning"]


def meaning(error):
    """Return a sentence on what such an error usually means, or an empty string."""
    said, kinds = message(error), {kind.__name__ for kind in type(error).__mro__}
    fits = (each for each in MEANINGS if kinds & {*each["errors"]} and re.search(each.get("words", ""), said))
    return " ".join(next(fits, {"means": ""})["means"].split())


def message(error):
    """Return an error's message, on one line and not too long."""
    try:
        text = " ".join(without_addresses(str(error)).split())
    except Exception:  # its own __str__ may fail
        return ""
    return text if len(text) <= 200 else text[:199] + "…"


def error_in_words(outcome, explain=True):
    """Say which error was raised, where, and what it usually means."""
    place = ""
    if outcome.where:
        function, line, text = outcome.where
        place = f" in line {line} of {function}" if function.isidentifier() else ""
        place += f":\n    {text}" if text else ":"
    said = f"{type(outcome.error).__name__}: {message(outcome.error)}".removesuffix(": ")
    why = meaning(outcome.error) if explain else ""
    return f"It raised an error{place or ':'}\n    {said}\n{why}".rstrip()
