"""Widgets for notebooks: each is one line in a cell, and trains or draws what the lessons explain."""
# what is imported here is what the package offers

from nn_helpers.widgets.activation_explorer import activation_explorer
from nn_helpers.widgets.backprop_stepper import backprop_stepper
from nn_helpers.widgets.depth_and_optimizer import depth_and_optimizer
from nn_helpers.widgets.optimizer_race import optimizer_race
from nn_helpers.widgets.playground import playground
from nn_helpers.widgets.signal_explorer import signal_explorer
from nn_helpers.widgets.softmax_explorer import softmax_explorer
