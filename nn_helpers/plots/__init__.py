"""Every picture of the lessons: functions of plain data that return a figure.

Nothing here uses pyplot: a figure is an object, shown when it is a cell's last line, and forgotten
when nobody holds it. Colours are those of Okabe and Ito, which colour-blind readers can tell apart;
lines differ in their dashes as well.
"""

from nn_helpers.plots._base import COLOURS, DASHES, Picture, save
from nn_helpers.plots.pictures import contact_sheet
from nn_helpers.plots.training import compare_histories, training_curves

__all__ = ["COLOURS", "DASHES", "Picture", "compare_histories", "contact_sheet", "save", "training_curves"]
