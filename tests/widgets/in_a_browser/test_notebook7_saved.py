"""What is saved of widgets in Jupyter Notebook 7, where it is installed."""
# ruff: noqa: F401  # what is imported is tests, and fixtures that are arguments of tests

from in_a_browser.test_notebook7 import lab
from in_a_browser.test_what_is_saved import (
    notebook,
    opened,
    test_after_a_restart_too_and_after_a_reload_it_is_the_widget,
    test_on_the_next_day_a_figure_and_a_sentence_stand_where_the_widget_was,
)
