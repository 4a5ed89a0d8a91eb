"""Figures: each shows what it was given, with title, axes and units, and needs no pyplot."""

import contextlib
import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
from faults import CTRL_C, DISK_FULL, ERRNO, FORBIDDEN, failing_disk, names

from nn_helpers import History, Record, plots
from nn_helpers.plots.base import legend_below


def history(losses, accuracy=0.5):
    """Two steps an epoch."""
    records = [
        Record(i, (i + 1) // 2, loss, loss, 0.0, accuracy, 0.1, i / 10, i % 2 == 0)
        for i, loss in enumerate(losses, start=1)
    ]
    return History(records)


def pixels(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())


def test_compared_histories_are_drawn_over_epochs_and_over_time():
    figure = plots.compare_histories({"SGD": history([4, 2, 2, 1]), "Adam": history([3, 1, 0.5, 0.5])})
    over_epochs, over_time = figure.axes
    np.testing.assert_array_equal(over_epochs.lines[0].get_xdata(), [1, 2])
    np.testing.assert_array_equal(over_epochs.lines[0].get_ydata(), [3, 1.5])
    np.testing.assert_array_equal(over_time.lines[1].get_xdata(), [0.2, 0.4])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["SGD", "Adam"]
    assert over_epochs.get_xlabel() == "epoch"
    assert over_time.get_xlabel() == "time spent training (s)"
    assert over_epochs.get_ylabel() == "training loss (nats)"
    assert over_epochs.get_title() == "Training loss over epochs"
    (accuracy,) = plots.compare_histories({"a": history([1, 1], 0.25)}, "accuracy", over=["epoch"]).axes
    assert accuracy.lines[0].get_ydata()[0] == 25
    (seconds,) = plots.compare_histories({"a": history([1, 1])}, over="seconds").axes
    assert seconds.get_xlabel() == "time spent training (s)"
    assert accuracy.get_ylabel() == "training accuracy (%)"


def test_lines_differ_in_colour_and_in_dashes():
    figure = plots.compare_histories({str(i): history([i, i]) for i in range(6)})
    lines = figure.axes[0].lines
    assert len({line.get_color() for line in lines}) == 6
    assert len({str(line._unscaled_dash_pattern) for line in lines}) == 6


def test_a_legend_hides_no_line():
    figure = plots.compare_histories({"a": history([1, 2, 3, 4]), "b": history([4, 3, 2, 1])})
    figure.canvas.draw()
    legend = figure.legends[0].get_window_extent()
    assert not any(legend.overlaps(ax.get_window_extent()) for ax in figure.axes)


def test_unknown_quantities_and_axes_are_refused():
    with pytest.raises(ValueError, match="unknown quantity 'losses'; known: 'loss', 'data_loss', 'accuracy'"):
        plots.compare_histories({"a": history([1, 1])}, "losses")
    with pytest.raises(ValueError, match="unknown over 'steps'; known: 'epoch', 'seconds'"):
        plots.compare_histories({"a": history([1, 1])}, over=["steps"])


def test_training_curves_leave_out_a_validation_that_was_not_measured():
    loss, accuracy = plots.training_curves(history([2, 1, 1, 1], accuracy=0.75).epochs()).axes
    assert [line.get_label() for line in loss.lines] == ["training"]
    np.testing.assert_array_equal(accuracy.lines[0].get_ydata(), [75, 75])
    assert plots.training_curves(History().epochs()).axes  # a run that ended at once has nothing to show
    for ax in (loss, accuracy):
        assert ax.get_title()
        assert ax.get_xlabel() == "epoch"


@pytest.mark.parametrize("draw", [lambda h: h.plot(), lambda h: plots.compare_histories({"a": h})])
def test_a_flat_loss_does_not_touch_the_frame(draw):
    for losses in ([2.3, 2.3, 2.3, 2.3], [2.31, 2.31, 2.3, 2.3]):
        ax = draw(history(losses)).axes[0]
        assert ax.get_ylim()[0] == 0
        assert ax.get_ylim()[1] >= 1.02 * max(losses)


def test_training_curves_speak_of_l2_only_where_there_is_some():
    plain = {"epoch": np.ones(1), "data_loss": np.ones(1), "val_loss": np.ones(1), "reg_loss": np.zeros(1)}
    plain |= {"accuracy": np.ones(1), "val_accuracy": np.ones(1)}
    loss, _ = plots.training_curves(plain).axes
    assert (loss.get_title(), loss.get_ylabel()) == ("Cross-entropy", "loss (nats)")
    loss, _ = plots.training_curves({**plain, "reg_loss": np.ones(1)}).axes
    assert (loss.get_title(), loss.get_ylabel()) == ("Cross-entropy, without L2", "data loss (nats)")


def test_a_contact_sheet_shows_each_class_in_its_row():
    images = np.zeros((4, 5, 5, 3), np.uint8)
    images[:, :, :, 0] = np.array([10, 20, 30, 40])[:, None, None]
    figure = plots.contact_sheet(images, np.array([1, 0, 1, 1]), ["cat", "dog"], columns=2)
    cat, dog = figure.axes
    assert (cat.get_ylabel(), dog.get_ylabel()) == ("cat", "dog")
    row = dog.images[0].get_array()
    assert row[1, 1, 0] == 10
    assert row[1, -2, 0] == 30
    assert (cat.images[0].get_array()[:, 7:] == 255).all()  # one image only: the rest stays white


@pytest.mark.parametrize("columns", [0, -1, 2.0, "2", True])
def test_columns_are_a_whole_number(columns):
    images, labels = np.zeros((2, 4, 4, 3), np.uint8), np.array([0, 1])
    for draw in (
        lambda: plots.contact_sheet(images, labels, ["cat", "dog"], columns),
        lambda: plots.first_layer({"mine": np.zeros((48, 2))}, columns, (4, 4, 3)),
        lambda: plots.image_grid(images, ["cat", "dog"], columns),
        lambda: plots.predictions(images, labels, labels, ["cat", "dog"], columns),
    ):
        with pytest.raises((TypeError, ValueError), match=r"columns must be .*, got"):
            draw()


def test_a_contact_sheet_cuts_off_no_name():
    names = ["automobile", "airplane"]
    figure = plots.contact_sheet(np.zeros((2, 32, 32, 3), np.uint8), np.array([0, 1]), names)
    figure.canvas.draw()
    for ax in figure.axes:
        assert ax.yaxis.label.get_window_extent().x0 >= 0


def test_the_same_figure_is_the_same_file_and_not_blank():
    make = lambda: plots.compare_histories({"a": history([2, 1, 1, 0])})  # noqa: E731
    assert make()._repr_png_() == make()._repr_png_()
    assert make()._repr_png_().startswith(b"\x89PNG")
    assert len(np.unique(pixels(make()).reshape(-1, 4), axis=0)) > 10


def test_a_saved_figure_is_the_one_that_is_shown(tmp_path):
    figure = plots.training_curves(history([1, 1]).epochs())
    plots.save(figure, str(tmp_path / "figure.png"))
    assert (tmp_path / "figure.png").read_bytes() == figure._repr_png_()
    assert names(tmp_path) == ["figure.png"]


@pytest.mark.parametrize("fault", [DISK_FULL, FORBIDDEN, CTRL_C])
@pytest.mark.parametrize("write", ["save", "check_path"])
def test_wherever_the_disk_fails_a_whole_figure_is_there(tmp_path, fault, write):
    path = tmp_path / "figure.png"
    old, new = (plots.Figure(figsize=(1, 1), facecolor=colour) for colour in ("white", "red"))
    after = new._repr_png_() if write == "save" else old._repr_png_()
    for at in itertools.count(1):
        plots.save(old, path)
        error = None
        with failing_disk(tmp_path, at, fault) as disk, contextlib.suppress(KeyboardInterrupt):
            error = write_error(path, new if write == "save" else None)
        if not disk.failed:
            break
        assert path.read_bytes() in (after, old._repr_png_())
        if error:
            assert path.read_bytes() == old._repr_png_()
            assert f"the figure cannot be written: {os.strerror(ERRNO[fault])}" in str(error)
            assert str(error).endswith(repr(str(path)))
        if fault == DISK_FULL:
            assert names(tmp_path) == ["figure.png"]
        for part in tmp_path.glob(".*"):  # where nothing may be removed either
            part.unlink()
    assert at > 3  # open, write, fsync, replace
    assert error is None
    assert path.read_bytes() == after
    assert names(tmp_path) == ["figure.png"]


def write_error(path, figure):
    """Save a figure, or look whether one could be saved; return the error."""
    try:
        plots.check_path(path) if figure is None else plots.save(figure, path)
    except OSError as error:
        return error
    return None


def test_where_no_figure_can_be_this_is_said(tmp_path, monkeypatch):
    figure = plots.Figure(figsize=(1, 1))
    (tmp_path / "folder.png").mkdir()
    for path, error, words in (
        (tmp_path / "folder.png", IsADirectoryError, r"folder\.png is a folder; path must be a file"),
        (tmp_path / "no" / "a.png", FileNotFoundError, "there is no folder .*no; make it, or correct path"),
    ):
        for write in (plots.check_path, lambda path: plots.save(figure, path)):
            with pytest.raises(error, match=words):
                write(path)
    (tmp_path / "mine.png").write_bytes(b"mine")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match=r"mine\.png is write-protected; choose another path"):
        plots.save(figure, tmp_path / "mine.png")
    assert names(tmp_path) == ["folder.png", "mine.png"]


def test_figures_need_no_pyplot():
    program = "import sys, nn_helpers.plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_former_names_are_the_same_functions():
    assert plots.Picture is plots.Figure
    assert plots.picture_grid is plots.image_grid
    assert plots.picture_rows is plots.image_rows
    assert plots.picture_with_scores is plots.image_with_scores
    assert plots.weighted_pictures is plots.weighted_images


# shared_batch


def test_a_shared_batch_has_a_lane_for_each_thread_and_the_measured_times_beside_the_ideal():
    lanes, times = plots.shared_batch(100, {1: 12.0, 2: 7.0, 3: 6.5}).axes
    shown = " ".join(text.get_text() for text in lanes.texts)
    for words in ("x[:50]", "x[50:]", "dlogits[:50]", "dlogits[50:]", "θ[:P/2]", "θ[P/2:]", "of all\n100"):
        assert words in shown
    assert [label.get_text() for label in lanes.get_yticklabels()] == ["thread 0", "thread 1"]
    assert [bar.get_height() for bar in times.patches] == [12.0, 7.0, 6.5]
    assert [text.get_text() for text in times.texts] == ["12.0", "7.0", "6.5"]
    np.testing.assert_array_equal(times.lines[0].get_ydata(), [12, 6, 4])
    assert (times.get_xlabel(), times.get_ylabel()) == ("threads", "time of a step (ms)")


@pytest.mark.parametrize("labels", [("a", "b"), ("2 layers", "30 layers", "30 normalised", "30 with both")])
def test_a_legend_stays_within_its_figure(labels):
    figure, ax = plots.subplots(4.8, 3.6)
    for name in labels:
        ax.plot([1, 2], [1, 2], marker=".", label=name)
    legend_below(figure)
    figure.canvas.draw()
    box = figure.legends[0].get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
