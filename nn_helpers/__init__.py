"""Layers, losses, a network, optimizers, figures: what the lessons are made of.

The modules can be read in this order: `layers`, `losses`, `network`, `optimizers`, `schedules`, `training`.
Importing the package loads NumPy and nothing heavier.
"""

from types import ModuleType

from nn_helpers.course.lesson import lesson
from nn_helpers.data import (
    ArrayDataset,
    Dataset,
    Split,
    batches,
    download_cifar10,
    flip_and_shift,
    load_cifar10,
    load_images,
    points,
    sketches,
)
from nn_helpers.gradcheck import numerical_gradient, relative_error
from nn_helpers.layers import (
    affine_backward,
    affine_forward,
    batchnorm_backward,
    batchnorm_forward,
    dropout_backward,
    dropout_forward,
    leaky_relu_backward,
    leaky_relu_forward,
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    tanh_backward,
    tanh_forward,
)
from nn_helpers.losses import cross_entropy, l2_penalty, log_softmax, softmax
from nn_helpers.network import ClassificationNet
from nn_helpers.optimizers import SGD, Adam, AdamW, Momentum, RMSprop, make_optimizer
from nn_helpers.schedules import Constant, CosineWithWarmup, StepDecay
from nn_helpers.support.version import __version__
from nn_helpers.training import (
    History,
    Record,
    TrainingDivergedError,
    compare_optimizers,
    evaluate,
    train,
    training_steps,
)

# Every name above, and none of the rooms that came in with them.
__all__ = [name for name, value in globals().items() if name[0] != "_" and not isinstance(value, ModuleType)]
__all__.remove("ModuleType")
