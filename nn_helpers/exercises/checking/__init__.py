"""From a learner's function to a verdict: run it, compare its results, and name the mistake."""
