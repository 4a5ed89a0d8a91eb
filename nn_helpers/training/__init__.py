"""Training: steps (a) to (e) of an epoch as a generator, and `train`, which runs it.

`steps` has the generator that everything runs: `train`, the widgets, the tests, the command line. `run` has
`train` and `compare_optimizers`, `history` what they return, `progress` the bar and Ctrl-C, and `checkpoints`
what a training that goes on later needs. The arguments travel as one `plan`.
"""

from nn_helpers.training.history import History, Record
from nn_helpers.training.run import compare_optimizers, train
from nn_helpers.training.steps import TrainingDivergedError, evaluate, training_steps
