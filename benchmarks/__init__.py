"""How fast the network is, beside PyTorch, scikit-learn, textbook NumPy and what the machine allows.

``python -m benchmarks --help``. Every contender runs in a process of its own; they take turns, so that
a machine that slows down slows them all; and before anything is timed, they have to agree.
"""
