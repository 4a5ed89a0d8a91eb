"""Texts for whatever standard output is."""

import sys


def printable(thing):
    """Return a thing as a text that standard output can print; what it has no sign for becomes an escape."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return str(thing).encode(encoding, "backslashreplace").decode(encoding)
