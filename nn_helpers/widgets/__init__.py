"""Widgets for notebooks: each is one line in a cell, and trains or draws what the lessons explain."""

from nn_helpers.widgets.playground import playground

__all__ = ["playground"]
