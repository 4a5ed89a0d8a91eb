"""The widgets in Jupyter Notebook 7, where it is installed: some of the tests in JupyterLab once more."""
# ruff: noqa: F401  # what is imported is tests, and fixtures that are arguments of tests

import pytest
from browser import Lab, server_in_temporary_folder, what_is_missing

from in_a_browser.test_all_others import (
    all_in_one_cell,
    page,
    same_page,
    test_a_keyboard_reaches_every_control,
    test_a_learners_function_that_raises_shows_and_the_next_run_goes_on,
    test_depth_and_optimizer,
    test_nothing_is_cut_off_and_nothing_wider_than_the_page,
    test_text_stands_out_in_the_light_and_in_the_dark,
    test_the_backprop_stepper,
    test_the_race_is_played_and_its_controls_act_on_it,
    test_who_races_where_and_from_where,
)
from in_a_browser.test_the_playground import (
    notebook,
    opened,
    test_a_slider_dragged_while_it_trains_acts_on_the_run,
    test_after_a_restart_of_the_kernel_the_cell_works_again,
    test_copy_as_code_copies_the_code,
    test_everything_can_be_reached_and_moved_with_the_keyboard,
    test_start_trains_before_your_eyes_and_pause_ends_it,
)


@pytest.fixture(scope="module")
def lab(browser):
    """Notebook 7, in the place of JupyterLab."""
    if reason := what_is_missing("notebook"):
        pytest.skip(reason)
    with server_in_temporary_folder("notebook") as server, Lab(server, browser) as lab:
        yield lab
