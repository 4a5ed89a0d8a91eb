"""A canvas in the page: sheets of marks, drawn by `canvas.mjs` there, and as a figure where no kernel runs.

::

    sheet = Sheet(300, 200, "The loss over the steps")
    loss = sheet.line(xy)                            # pixels, from the upper left corner
    canvas = Canvas([sheet], on_event=print)         # an ipywidget, for a panel's children
    loss.show(new_xy)                                # from now on the line is part of every frame
    canvas.draw()

What Python says, in two traits: *the scene*, all sheets and marks, which is sent when marks were added or a
sheet cleared; and *a frame*: its number, the data of all marks that `Mark.show` has changed since the frame
before, and a sentence for screen readers, ``canvas.say``. Both are JSON with one buffer of all arrays,
float32 or uint8, whose lengths stand in their places.

What the page says, in messages: ``{"shown": n, "ago": s}`` when frame n came to the screen, s seconds ago;
``{"begins": true}`` when it begins with a scene from which frames have gone on, and needs another; and
events, to ``on_event``: ``{"event": "press" | "enter" | "leave", "spot": id}`` of `Sheet.spot`, by mouse or
keyboard; and ``{"event": "pointer", "phase": "down" | "move" | "up", "sheet": number, "x": x, "y": y}`` of a
sheet with ``pointer=True``.

What moves at an even pace moves in the page: a line that is ``clocked`` shows its first points, as many as
the page's clock has counted, and points only the last of these. `Canvas.play` sets the clock and its speed.

At most `AHEAD` frames are on their way, and fewer to a page that shows them late, as over a slow network:
`draw` keeps the last picture back until the page has shown them, so that no backlog can grow. Whoever makes
pictures for the screen alone asks ``canvas.ready`` before. A page that sleeps says nothing and is sent
nothing.

A notebook without a kernel shows ``canvas.figure()``, the same marks drawn by Matplotlib.
"""

import json
import time
from collections import deque
from pathlib import Path

import anywidget
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle
from traitlets import Any

from nn_helpers.plots import COLOURS, Figure

AHEAD = 48  # frames that may be on their way to the page, which says once a second what it has shown
LEAST, LATE = 6, 0.6  # as many to a page that is late; seconds from a frame to the word that it was shown
GAP = 8  # pixels between sheets
WIDTH = 960  # pixels of a figure that is saved
# The page has its theme's.
INKS = {"ink": "#222222", "faint": "#767676", "grid": "#dddddd", "paper": "#ffffff"}
SHAPES = ("o", "^", "s", "D")  # of points, as Matplotlib names them


class Mark:
    """Something that is drawn: its kind, its data, and how it looks."""

    def __init__(self, kind, data, look):
        self.kind, self.data, self.look, self.fresh = kind, data, look, False

    def show(self, data):
        """Draw other data with the next frame: of the same kind, as many as you like."""
        self.data, self.fresh = data, True

    def packed(self):
        """Return the data as the page takes it: numbers as bytes, the rest as JSON."""
        if self.kind in ("texts", "spot"):
            return self.data
        kind = np.uint8 if self.kind == "images" else np.float32
        return np.ascontiguousarray(self.data, kind).tobytes()


class Sheet:
    """A drawing of its own, which a narrow page puts below the others. Places are in pixels.

    A colour is "ink", "faint", "grid" or "paper", which follow the theme, or any of CSS, such as "#0072B2".

    Parameters
    ----------
    width, height : int
    label : str
        What is to be seen, for a screen reader; `relabel` says it anew.
    pointer : bool
        Whether the mouse is told of, pressed, moved and let go.
    """

    def __init__(self, width, height, label, pointer=False):
        self.width, self.height, self.label, self.pointer = width, height, label, pointer
        self.clear()

    def clear(self):
        """Take all marks away."""
        self.marks = []

    def _add(self, kind, data, **look):
        self.marks.append(Mark(kind, data, look))
        return self.marks[-1]

    def texts(self, texts, colour="ink", size=12, align="left", bold=False, turned=False):
        """Write texts, each (x, y, words); y is the middle of the line. Turned ones go upwards."""
        return self._add("texts", texts, colour=colour, size=size, align=align, bold=bold, turned=turned)

    def line(self, xy, colour="ink", width=1.5, dash=(), clocked=False):
        """Draw a line through xy (N, 2), with a gap where it is NaN; `dash` are pixels drawn and left out."""
        return self._add("line", xy, colour=colour, width=width, dash=list(dash), clocked=clocked)

    def points(self, xy, colour, shape=0, size=5, alpha=1.0, clocked=False):
        """Draw a point at each of xy (N, 2): circle, triangle, square or diamond, by their number."""
        look = {"shape": shape, "size": size, "alpha": alpha, "clocked": clocked}
        return self._add("points", xy, colour=colour, **look)

    def rects(self, boxes, colour, stroke=0, alpha=1.0):
        """Fill boxes (N, 4), each x, y, width, height; with `stroke`, draw an outline of that width."""
        return self._add("rects", boxes, colour=colour, stroke=stroke, alpha=alpha)

    def images(self, boxes, pixels, palette=None, smooth=True):
        """Draw images in boxes (N, 4): uint8 (N, H, W, 3), or (N, H, W) as numbers of a palette's colours.

        A palette is uint8 (K, 3).
        """
        colours = None if palette is None else np.asarray(palette, np.uint8).ravel().tolist()
        boxes = np.asarray(boxes, float).tolist()
        return self._add(
            "images", pixels, boxes=boxes, size=list(pixels.shape[1:3]), palette=colours, smooth=smooth
        )

    def wires(self, ends, values, names, widest=6.0):
        """Draw wires, each as wide as its value is large: blue above 0, orange and dashed below.

        Parameters
        ----------
        ends : float array (N, 4)
            x and y of the left end and of the right end.
        values : float array (N + 1,)
            The last one says what is as wide as `widest`.
        names : list of str
            What the page calls each when the mouse is on it, before its number.
        """
        return self._add(
            "wires", values, ends=np.asarray(ends, float).tolist(), names=names, widest=widest,
            colours=[COLOURS[0], COLOURS[1]],
        )  # fmt: skip

    def spot(self, name, box, words, group=""):
        """Make a place that can be pressed, x, y, width, height; the words say what it is and how it stands.

        Tab goes from group to group, and the arrow keys from spot to spot of a group. `show` says other
        words.
        """
        return self._add("spot", words, id=name, box=list(box), group=group)


class Canvas(anywidget.AnyWidget):
    """Sheets in the page. See the module's docstring.

    Parameters
    ----------
    sheets : list of Sheet
    post : function, optional
        How to call something on the kernel's main loop: a panel's `post`.
    on_event : function of dict, optional
        Called, on the kernel's main loop, with what was pressed or pointed at.
    """

    _esm = (Path(__file__).parent / "canvas.mjs").read_text(encoding="utf-8")
    _css = (Path(__file__).parent / "canvas.css").read_text(encoding="utf-8")
    _scene = Any().tag(sync=True)
    _frame = Any().tag(sync=True)
    _clock = Any((0, 0, 0)).tag(sync=True)

    def __init__(self, sheets, post=None, on_event=None):
        super().__init__()
        self.sheets, self.say, self.sent, self.shown = sheets, "", 0, 0
        self._post, self._on_event = post or (lambda action, *arguments: action(*arguments)), on_event
        self._waits, self._in_scene = False, None
        self._ahead, self._times = AHEAD, deque(maxlen=AHEAD)  # when the last frames were sent
        self.on_msg(self._hear)
        self.draw()

    @property
    def ready(self):
        """Whether the page can take another frame now."""
        return self.sent - self.shown < self._ahead

    def draw(self):
        """Bring the page up to date: now, or as soon as it has shown what is on its way."""
        self._waits = not self.ready
        if self._waits:
            return
        marks = [tuple(sheet.marks) for sheet in self.sheets]
        self._times.append(time.monotonic())
        self.sent += 1
        with self.hold_sync():  # one message
            if marks != self._in_scene:
                self._in_scene, self._scene = marks, self._packed_scene()
            fresh = [(i, j, mark) for i, each in enumerate(marks)
                     for j, mark in enumerate(each) if mark.fresh]  # fmt: skip
            data, arrays = packed([mark for *_, mark in fresh])
            data = [(i, j, each) for (i, j, _), each in zip(fresh, data, strict=True)]
            self._frame = [self.sent, as_json(data), self.say, arrays]

    def play(self, at, speed=0.0, end=0):
        """Set the page's clock, which counts so many a second until the end; without a speed it stands."""
        self._clock = at, speed, end

    def _packed_scene(self):
        data, arrays = packed([mark for sheet in self.sheets for mark in sheet.marks])
        data = iter(data)
        sheets = [
            {"width": sheet.width, "height": sheet.height, "label": sheet.label, "pointer": sheet.pointer,
             "marks": [{"kind": mark.kind, **mark.look, "data": next(data)} for mark in sheet.marks]}
            for sheet in self.sheets
        ]  # fmt: skip
        return [as_json(sheets), arrays, self.sent]

    def _hear(self, _, message, __):
        """Take what the page says, on whatever thread this comes."""
        if "shown" in message:
            shown = min(message["shown"], self.sent)
            if shown > self.shown:
                self.shown, took = shown, time.monotonic() - self._times[shown - self.sent - 1]
                late = took - message["ago"] > LATE
                self._ahead = max(self._ahead // 2, LEAST) if late else min(2 * self._ahead, AHEAD)
            if self._waits:
                self._post(self.draw)
        elif "begins" in message:
            self._in_scene = None
            self._post(self.draw)
        elif self._on_event is not None:
            self._post(self._happen, message)

    def _happen(self, event):
        """Tell of an event, unless the spot that was pressed has gone meanwhile."""
        marks = [mark for sheet in self.sheets for mark in sheet.marks if mark.kind == "spot"]
        if "spot" not in event or event["spot"] in [mark.look["id"] for mark in marks]:
            self._on_event(event)

    def close(self):
        """Take the canvas from the page, and forget whom to call."""
        super().close()
        self._post = self._on_event = None

    def figure(self):
        """Return what the sheets show as a figure, for where no kernel runs."""
        places, x, y, deepest = [], 0, 0, 0
        for sheet in self.sheets:
            if x and x + sheet.width > WIDTH:
                x, y = 0, deepest
            places.append((x, y))
            x, deepest = x + sheet.width + GAP, max(deepest, y + sheet.height + GAP)
        width = max(x + sheet.width for (x, _), sheet in zip(places, self.sheets, strict=True))
        figure = Figure(figsize=(width / 80, deepest / 80), dpi=80, layout="none")
        for (x, y), sheet in zip(places, self.sheets, strict=True):
            share = sheet.width / width, sheet.height / deepest
            ax = figure.add_axes((x / width, 1 - y / deepest - share[1], *share))
            ax.set_axis_off()
            for i, mark in enumerate(sheet.marks):
                data = mark.data
                if mark.look.get("clocked"):
                    data = data[: self._clock[0] + 1][-1 if mark.kind == "points" else 0 :]
                _DRAWN.get(mark.kind, lambda *_: None)(ax, data, mark.look, i)
            ax.set(xlim=(0, sheet.width), ylim=(sheet.height, 0), aspect="auto")
        return figure


def packed(marks):
    """Return the data of marks, with the length of an array in its place, and one buffer of all arrays."""
    data = [mark.packed() for mark in marks]
    for mark in marks:
        mark.fresh = False
    arrays = b"".join(each for each in data if isinstance(each, bytes))
    return [len(each) if isinstance(each, bytes) else each for each in data], arrays


def as_json(data):
    """Return lists and dicts as text: in them ipywidgets would look for buffers, which takes its time."""
    return json.dumps(data, default=float, allow_nan=False)


# How Matplotlib draws each kind of mark; its points are 0.9 pixels of these figures.
POINT = 72 / 80


def _texts(ax, texts, look, i):
    for x, y, words in texts:
        ax.text(x, y, words, color=_ink(look), size=look["size"] * POINT, ha=look["align"], zorder=i,
                va="center_baseline", weight="bold" if look["bold"] else "normal",
                rotation=90 * look["turned"], rotation_mode="anchor")  # fmt: skip


def _line(ax, xy, look, i):
    x, y = np.reshape(xy, (-1, 2)).T
    dash = (0, [each / look["width"] for each in look["dash"]]) if look["dash"] else "-"
    ax.plot(x, y, color=_ink(look), linewidth=look["width"] * POINT, linestyle=dash, zorder=i)


def _points(ax, xy, look, i):
    x, y = np.reshape(xy, (-1, 2)).T
    shape = SHAPES[look["shape"] % len(SHAPES)]
    ax.plot(x, y, shape, color=_ink(look), markersize=2 * look["size"] * POINT * 0.8, zorder=i,
            alpha=look["alpha"], markeredgecolor="white", markeredgewidth=0.7)  # fmt: skip


def _rects(ax, boxes, look, i):
    for x, y, width, height in np.reshape(boxes, (-1, 4)):
        fill = {"fill": False, "edgecolor": _ink(look)} if look["stroke"] else {"facecolor": _ink(look)}
        ax.add_patch(Rectangle((x, y), width, height, **fill, linewidth=look["stroke"] * POINT, zorder=i,
                               alpha=look["alpha"]))  # fmt: skip


def _images(ax, pixels, look, i):
    palette = None if look["palette"] is None else np.reshape(look["palette"], (-1, 3))
    for image, (x, y, width, height) in zip(pixels, look["boxes"], strict=False):
        shown = image if palette is None else palette[image].astype(np.uint8)
        ax.imshow(shown, extent=(x, x + width, y + height, y), zorder=i,
                  interpolation="bilinear" if look["smooth"] else "nearest")  # fmt: skip


def _wires(ax, values, look, i):
    t = np.linspace(0, 1, 16)[:, np.newaxis]
    bend = 3 * t**2 - 2 * t**3  # the cubic curve that the page draws
    ends = np.reshape(look["ends"], (-1, 2, 2))
    along = 1.5 * t - 1.5 * t**2 + t**3
    ways = [np.hstack([a[0] + along * (b[0] - a[0]), a[1] + bend * (b[1] - a[1])]) for a, b in ends]
    *values, largest = np.nan_to_num(np.asarray(values, float))
    lines = LineCollection(
        ways, zorder=i, colors=[look["colours"][int(value < 0)] for value in values],
        linestyles=["--" if value < 0 else "-" for value in values],
        linewidths=POINT * look["widest"] * np.clip(np.abs(values) / (largest or 1), 0.05, 1),
    )  # fmt: skip
    ax.add_collection(lines)


_DRAWN = {
    "texts": _texts, "line": _line, "points": _points, "rects": _rects, "images": _images, "wires": _wires,
}  # fmt: skip


def _ink(look):
    return INKS.get(look["colour"], look["colour"])
