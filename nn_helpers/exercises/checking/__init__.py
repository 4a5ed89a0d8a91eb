"""The way from a learner's function to a verdict: run it, compare its results, name the mistake."""
