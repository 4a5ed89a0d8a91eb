"""Every figure of the lessons: functions of plain data that return a figure.

Nothing here uses pyplot: a figure is an object, shown when it is a cell's last line, and forgotten
when nobody holds it. Colours are those of Okabe and Ito, which colour-blind readers can tell apart;
lines differ in their dashes as well.
"""
# what is imported here is what the package offers

from nn_helpers.plots.base import COLOURS, DASHES, MARKERS, Figure, check_path, finish, save, style, subplots
from nn_helpers.plots.course import stumbles
from nn_helpers.plots.evaluation import accuracies_over, confusion_matrix, learning_rates, scores_in_bands
from nn_helpers.plots.images import contact_sheet, first_layer, image_grid, image_rows
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
    weighted_images,
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
    image_with_scores,
    loss_over_temperature,
    p_minus_y,
    softmax_jacobian,
    two_classes,
)
from nn_helpers.plots.training import compare_histories, shared_batch, training_curves

# Former names, which lessons and programs may still use.
Picture = Figure
picture_grid, picture_rows = image_grid, image_rows
picture_with_scores, weighted_pictures = image_with_scores, weighted_images
