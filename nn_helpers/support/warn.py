"""Warnings that point at the caller's line outside this package."""

import sys
import warnings


def warn(message):
    """Warn, naming the first line outside this package that led here."""
    package = __name__.partition(".")[0]
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, RuntimeWarning, stacklevel=level)
