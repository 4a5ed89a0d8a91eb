"""A figure in a widget, drawn anew many times a second."""

import struct
import zlib

import ipywidgets as widgets
import numpy as np
from traitlets import Unicode


class FigureCanvas:
    """A figure in an image widget.

    Parameters
    ----------
    figure : Figure
    alt : str
        What is to be seen, in words: for a screen reader, and as its tooltip.

    Attributes
    ----------
    widget : ipywidgets.Image
    moving : list of matplotlib artists
        What changes from frame to frame. The rest, such as axes and labels, is drawn once and kept until
        `redraw`. While there are none, each frame draws only what stays, from memory.
    resting : list of lists of matplotlib artists
        What changes now and then, in groups drawn one after the other. A group is kept, with those before it,
        until `renew`, which costs less than drawing the axes anew.
    """

    def __init__(self, figure, alt=""):
        self.figure, self.moving, self.resting = figure, [], []
        layout = widgets.Layout(max_width="100%", align_self="flex-start")  # smaller, but never larger
        self.widget = DescribedImage(format="png", tooltip=alt, layout=layout)
        self._kept = []  # pixels without what moves: without what rests, then with one group of it more each

    ready = True  # for another frame

    def hold_sync(self):
        """Send nothing to the page meanwhile."""
        return self.widget.hold_sync()

    def move(self, *artists):
        """Add to what changes from frame to frame; returns the last of them."""
        self.moving += artists
        return self._animate(artists)

    def rest(self, *artists):
        """Add a group to what changes now and then; returns the last of them."""
        self.resting.append(list(artists))
        return self._animate(artists)

    def _animate(self, artists):
        for artist in artists:
            artist.set_animated(True)
        self.outdate()
        return artists[-1]

    def clear(self, ax):
        """Empty axes, and forget what moved or rested there."""
        for artists in (self.moving, *self.resting):
            artists[:] = [artist for artist in artists if artist.axes is not ax]
        ax.clear()
        self.outdate()

    def outdate(self):
        """Let the next frame draw everything, after limits, titles or labels have changed."""
        self._kept.clear()

    def renew(self, artist):
        """Let the next frame draw anew the group of what rests in which this artist is."""
        group = next(i for i, artists in enumerate(self.resting) if artist in artists)
        del self._kept[group + 1 :]

    def redraw(self):
        """Draw everything, after limits, titles or labels have changed."""
        self.outdate()
        self.draw()

    def draw(self):
        """Draw what moves on what stays, and send the frame to the page."""
        canvas = self.figure.canvas
        if not self._kept:
            canvas.draw()  # without the animated artists
            if self.figure.get_layout_engine() is not None:
                self.figure.set_layout_engine("none")  # the places are found; a frame must not move them
            self._keep()
        canvas.restore_region(self._kept[-1])
        for artists in self.resting[len(self._kept) - 1 :]:
            self._draw(artists)
            self._keep()
        self._draw(self.moving)
        self.widget.value = png(canvas.buffer_rgba())

    def _keep(self):
        self._kept.append(self.figure.canvas.copy_from_bbox(self.figure.bbox))

    def _draw(self, artists):
        for artist in artists:
            self.figure.draw_artist(artist)


class DescribedImage(widgets.Image):
    """An image with a tooltip. In the page, ipywidgets sets one only where it finds a description."""

    description = Unicode("").tag(sync=True)


def png(pixels):
    """Return pixels, a uint8 array (height, width, 4), as a PNG file, little compressed: it is seen once.

    Each row of pixels is stored as its difference to the row above. Most of that is 0, so that this takes
    half the time of an encoder that tries all of PNG's filters.
    """
    pixels = np.asarray(pixels)
    height, width, channels = pixels.shape
    rows = np.empty((height, 1 + width * channels), np.uint8)
    rows[:, 0] = 2  # PNG's number for "the difference to the row above"
    flat = pixels.reshape(height, -1)
    rows[0, 1:] = flat[0]
    np.subtract(flat[1:], flat[:-1], out=rows[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)  # 8 bits, red, green, blue, alpha
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _chunk(kind, content):
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
