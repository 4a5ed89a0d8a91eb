"""A figure in a widget, drawn anew many times a second."""

import io

import ipywidgets as widgets
import numpy as np
from PIL import Image


class Canvas:
    """A figure in an image widget.

    Parameters
    ----------
    figure : Picture
    alt : str
        What is to be seen, in words: for a screen reader, and as the picture's tooltip.

    Attributes
    ----------
    widget : ipywidgets.Image
    moving : list of matplotlib artists
        What changes from frame to frame. The rest, such as axes and labels, is drawn once and kept until
        `redraw`. While there are none, each frame draws only what stays, from memory.
    """

    def __init__(self, figure, alt=""):
        self.figure, self.moving = figure, []
        self.widget = widgets.Image(format="png", tooltip=alt, layout=widgets.Layout(max_width="100%"))
        self._still = None

    def move(self, *artists):
        """Add to what changes from frame to frame; returns the last of them."""
        for artist in artists:
            artist.set_animated(True)
            self.moving.append(artist)
        self._still = None
        return artists[-1]

    def redraw(self):
        """Draw everything, after limits, titles or labels have changed."""
        self._still = None
        self.draw()

    def draw(self):
        """Draw what moves on what stays, and send the picture to the page."""
        canvas = self.figure.canvas
        if self._still is None:
            canvas.draw()  # without the animated artists
            if self.figure.get_layout_engine() is not None:
                self.figure.set_layout_engine("none")  # the places are found; a frame must not move them
            self._still = canvas.copy_from_bbox(self.figure.bbox)
        else:
            canvas.restore_region(self._still)
        for artist in self.moving:
            self.figure.draw_artist(artist)
        self.widget.value = png(canvas)


def png(canvas):
    """Return what an Agg canvas shows as a PNG file; compressed little, since it is looked at once."""
    buffer = io.BytesIO()
    pixels = np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])  # opaque: without alpha
    Image.fromarray(pixels).save(buffer, format="png", compress_level=1)
    return buffer.getvalue()
