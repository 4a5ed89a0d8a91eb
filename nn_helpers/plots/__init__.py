"""Every picture of the lessons: functions of plain data that return a figure.

Nothing here uses pyplot: a figure is an object, shown when it is a cell's last line, and forgotten
when nobody holds it. Colours are those of Okabe and Ito, which colour-blind readers can tell apart;
lines differ in their dashes as well.
"""

from nn_helpers.plots.base import COLOURS, DASHES, Picture, check_path, save
from nn_helpers.plots.evaluation import confusion_matrix, learning_rates
from nn_helpers.plots.images import contact_sheet, first_layer, picture_grid, picture_rows
from nn_helpers.plots.layers import (
    activation_graphs,
    decision_regions,
    difference_errors,
    one_feature,
    predictions,
    saturated_and_dead,
    taken_apart,
)
from nn_helpers.plots.networks import (
    matrix_product,
    network_diagram,
    sizes_through_layers,
    weighted_pictures,
    wiring_diagram,
)
from nn_helpers.plots.optimizers import (
    descent_paths,
    first_steps,
    gradient_angles,
    learning_rate_sweep,
    losses_by_step,
    runs_in_bands,
    time_by_batch_size,
)
from nn_helpers.plots.probabilities import (
    bars_at_temperatures,
    cost_of_probability,
    first_losses,
    loss_over_temperature,
    p_minus_y,
    picture_with_scores,
    softmax_jacobian,
    two_classes,
)
from nn_helpers.plots.training import compare_histories, training_curves

__all__ = [
    "COLOURS",
    "DASHES",
    "Picture",
    "activation_graphs",
    "bars_at_temperatures",
    "check_path",
    "compare_histories",
    "confusion_matrix",
    "contact_sheet",
    "cost_of_probability",
    "decision_regions",
    "descent_paths",
    "difference_errors",
    "first_layer",
    "first_losses",
    "first_steps",
    "gradient_angles",
    "learning_rate_sweep",
    "learning_rates",
    "loss_over_temperature",
    "losses_by_step",
    "matrix_product",
    "network_diagram",
    "one_feature",
    "p_minus_y",
    "picture_grid",
    "picture_rows",
    "picture_with_scores",
    "predictions",
    "runs_in_bands",
    "saturated_and_dead",
    "save",
    "sizes_through_layers",
    "softmax_jacobian",
    "taken_apart",
    "time_by_batch_size",
    "training_curves",
    "two_classes",
    "weighted_pictures",
    "wiring_diagram",
]
