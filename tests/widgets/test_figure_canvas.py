"""A figure in an image widget: what is kept and what is drawn."""

import io

import numpy as np
import pytest
from PIL import Image

from nn_helpers.plots import Figure
from nn_helpers.widgets.figure_canvas import FigureCanvas, png


@pytest.fixture
def canvas():
    return FigureCanvas(Figure(figsize=(6, 3), dpi=50, layout="none"))


def pixels(canvas):
    canvas.draw()
    return np.asarray(Image.open(io.BytesIO(canvas.widget.value)))


def test_a_png_file_holds_the_very_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 4), dtype=np.uint8)
    assert (np.asarray(Image.open(io.BytesIO(png(pixels)))) == pixels).all()


def test_what_rests_is_kept_until_it_is_renewed(canvas):
    ax = canvas.figure.subplots()
    ax.set_axis_off()
    text = canvas.rest(ax.text(0.5, 0.5, "before"))
    before = pixels(canvas)
    text.set_text("after, and longer")
    assert (pixels(canvas) == before).all()
    canvas.renew(text)
    renewed = pixels(canvas)
    assert (renewed != before).any()
    canvas.redraw()
    assert (pixels(canvas) == renewed).all()


def test_what_rests_is_renewed_in_groups_those_before_being_kept(canvas):
    ax = canvas.figure.subplots()
    ax.set_axis_off()
    first, second, third = (canvas.rest(ax.text(0.3 * i, 0.3 * i, "before")) for i in range(3))
    pixels(canvas)
    for text in (first, second, third):
        text.set_text("after, and longer")
    canvas.renew(second)
    later = pixels(canvas)
    first.set_text("before")
    canvas.redraw()
    assert (pixels(canvas) == later).all()


def test_what_is_cleared_is_gone_and_can_be_drawn_on_again(canvas):
    first, second = canvas.figure.subplots(1, 2)
    for ax in (first, second):
        ax.set(xlim=(0, 1), ylim=(0, 1))
        canvas.move(*ax.plot([0, 1], [0, 1]))
    canvas.rest(first.text(0.5, 0.1, "words"))
    both = pixels(canvas)
    canvas.clear(first)
    assert [artist.axes for artist in canvas.moving] == [second]
    assert not any(canvas.resting)
    assert (pixels(canvas) != both).any()
