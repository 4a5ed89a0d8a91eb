"""The canvas: what is sent to the page and when, what comes back, and the figure of the same marks."""

import json
import shutil
import subprocess
import time
from pathlib import Path

import comm
import numpy as np
import pytest
from ipywidgets.widgets.widget import _remove_buffers

from nn_helpers.widgets import playground
from nn_helpers.widgets.axes import Axes
from nn_helpers.widgets.canvas import AHEAD, Canvas, Sheet

HERE = Path(__file__).parent


def test_the_pages_functions():
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    ran = subprocess.run(["node", "--test", HERE / "canvas.test.mjs"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.fixture
def sheet():
    return Sheet(100, 50, "a line")


def shown(canvas, number, ago=0.0):
    """Let the page say that it has shown a frame."""
    canvas._hear(canvas, {"shown": number, "ago": ago}, [])


def moved(canvas):
    """Return what the last frame changes: by sheet and mark, the data."""
    _, words, _, arrays = canvas._frame
    found, start = {}, 0
    for i, j, data in json.loads(words):
        found[i, j] = arrays[start : start + data] if isinstance(data, int) else data
        start += data if isinstance(data, int) else 0
    assert start == len(arrays)
    return found


def test_scene_and_frame_are_json_and_raw_numbers(sheet):
    words = sheet.texts([(1, 2, "words")])
    line = sheet.line([[0, 0], [3, 4]])
    sheet.images([(0, 0, 10, 10)], np.array([[[0, 1]]]), palette=[[0, 0, 0], [255, 255, 255]])
    sheet.spot("here", (0, 0, 10, 10), "a place")
    canvas = Canvas([sheet])
    state, _, buffers = _remove_buffers(canvas.get_state(["_scene", "_frame"]))
    (scene,) = json.loads(json.loads(json.dumps(state))["_scene"][0])
    assert scene["label"] == "a line"
    assert [mark["data"] for mark in scene["marks"][1:3]] == [
        16,
        2,
    ]  # float32 of the line, uint8 of the image
    assert [len(each) for each in buffers] == [18, 0]  # and nothing moves yet
    line.show([[1, 1], [2, 2], [3, 3]])
    words.show([(3, 4, "others")])
    canvas.draw()
    assert canvas._frame[0] == 2
    assert moved(canvas) == {(0, 0): [[3, 4, "others"]], (0, 1): np.float32([1, 1, 2, 2, 3, 3]).tobytes()}


def test_the_scene_is_sent_again_only_when_there_are_other_marks(sheet):
    line = sheet.line([[0, 0], [3, 4]])
    canvas = Canvas([sheet])
    scene = canvas._scene
    line.show([[5, 6]])
    canvas.draw()
    assert canvas._scene is scene
    shown(canvas, 2)
    sheet.clear()
    canvas.draw()
    assert json.loads(canvas._scene[0])[0]["marks"] == []


def test_a_frame_has_what_is_new_alone_and_a_page_that_begins_gets_everything(sheet):
    line, other = sheet.line([[0, 0]]), sheet.line([[1, 1]])
    canvas = Canvas([sheet])
    line.show([[2, 2]])
    canvas.draw()
    other.show([[3, 3]])
    canvas.draw()
    assert list(moved(canvas)) == [(0, 1)]
    before = canvas._scene
    canvas._hear(canvas, {"begins": True}, [])
    assert before[2] < canvas._scene[2] == canvas._frame[0]  # the page sees that it is up to date
    assert bytes(canvas._scene[1]) == np.float32([2, 2, 3, 3]).tobytes()
    assert moved(canvas) == {}


def test_no_more_frames_go_out_than_the_page_can_show_and_the_last_one_always_does(sheet):
    line = sheet.line([[0, 0]])
    canvas = Canvas([sheet])
    for i in range(100):
        line.show([[i, i]])
        canvas.draw()
    assert canvas.sent == AHEAD
    assert not canvas.ready
    shown(canvas, 1)
    assert canvas.sent == AHEAD + 1
    assert moved(canvas)[0, 0] == np.float32([99, 99]).tobytes()
    shown(canvas, AHEAD + 1)
    assert canvas.sent == AHEAD + 1  # nothing new
    assert canvas.ready


def test_a_page_that_is_late_gets_fewer_frames_at_a_time_until_it_has_caught_up(sheet, monkeypatch):
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    canvas, most = Canvas([sheet]), []
    for took, ago in [(0.1, 0.0), *[(2.0, 0.0)] * 5, (2.0, 1.9), *[(0.1, 0.0)] * 4]:
        while canvas.ready:
            canvas.draw()
        most.append(canvas.sent - canvas.shown)
        now += took
        shown(canvas, canvas.sent, ago)
    assert most == [48, 48, 24, 12, 6, 6, 6, 12, 24, 48, 48]


def test_a_page_that_says_nonsense_lets_no_backlog_grow(sheet):
    canvas = Canvas([sheet])
    shown(canvas, 1000)
    for _ in range(AHEAD + 2):
        canvas.draw()
    assert canvas.sent == 1 + AHEAD


def test_events_go_where_they_are_wanted_and_nowhere_after_closing(sheet):
    heard = []
    sheet.spot("here", (0, 0, 9, 9), "A place")
    canvas = Canvas([sheet], on_event=heard.append)
    for spot in ("here", "there"):  # where nothing is, any more
        canvas._hear(canvas, {"event": "press", "spot": spot}, [])
    assert heard == [{"event": "press", "spot": "here"}]
    canvas.close()
    canvas._hear(canvas, {"event": "press", "spot": "here"}, [])
    assert len(heard) == 1


def test_the_figure_shows_every_kind_of_mark():
    def inked(draw):
        sheet = Sheet(80, 80, "")
        draw(sheet)
        figure = Canvas([sheet]).figure()
        figure.canvas.draw()
        return (np.asarray(figure.canvas.buffer_rgba())[..., :3] != 255).any(axis=2)

    assert not inked(lambda sheet: sheet.spot("here", (0, 0, 10, 10), "a place")).any()
    assert inked(lambda sheet: sheet.line([[0, 40], [80, 40]]))[38:42, 10:70].any(axis=0).all()
    assert inked(lambda sheet: sheet.texts([(40, 40, "W")], align="center"))[30:50, 30:50].any()
    assert inked(lambda sheet: sheet.points([[20, 60]], "#000"))[60, 20]
    assert inked(lambda sheet: sheet.rects([[10, 20, 30, 40]], "ink"))[22:58, 12:38].all()
    outline = inked(lambda sheet: sheet.rects([[10, 20, 30, 40]], "ink", stroke=2))
    assert outline[20, 25]
    assert not outline[40, 25]
    palette = [[255, 255, 255], [0, 0, 0]]
    image = inked(lambda sheet: sheet.images([(0, 0, 80, 40)], np.array([[[0, 1]]]), palette, smooth=False))
    assert image[5:35, 45:75].all()
    assert not image[:, :35].any()
    wires = inked(lambda sheet: sheet.wires([[0, 20, 80, 20], [0, 60, 80, 60]], [1, 0.1, 1], ["a", "b"], 10))
    assert wires[:40].sum() > 4 * wires[40:].sum() > 0


def test_sheets_that_find_no_place_beside_each_other_stand_below():
    def size(*widths):
        figure = Canvas([Sheet(width, 100, "") for width in widths]).figure()
        return tuple(np.round(figure.get_size_inches() * 80).astype(int))

    assert size(500, 400) == (908, 108)
    assert size(500, 500, 200) == (708, 216)


def test_axes_place_values_and_find_them_again():
    axes = Axes(Sheet(200, 200, ""), (0, 0, 200, 200), (0, 10), (-1, 1))
    assert axes.place([0, 10, 99], [-1, 1, 5]).tolist() == [
        [axes.left, axes.bottom], [axes.right, axes.top], [axes.right, axes.top],
    ]  # fmt: skip
    assert axes.values(*axes.place(2.5, 0.25)) == pytest.approx((2.5, 0.25))
    axes.limit((0, 100), (-1, 1))
    assert axes.values(*axes.place(25, 0.25)) == pytest.approx((25, 0.25))


def test_axes_have_a_number_and_a_line_of_the_grid_at_each_tick():
    sheet = Sheet(200, 200, "")
    axes = Axes(sheet, (0, 0, 200, 200), (0, 10), (0, 1), "title", "step", "loss", ticks=(5, 2))
    words = [each[2] for mark in sheet.marks if mark.kind == "texts" for each in mark.data]
    assert words == ["title", "step", "loss", "0", "2", "4", "6", "8", "10", "0", "0.5", "1"]
    grid = next(mark for mark in sheet.marks if mark.kind == "line").data
    assert np.nanmax(grid[:, 0]) == axes.right
    assert len(grid) == 3 * 9


def test_a_vertical_label_keeps_its_distance_from_the_numbers_beside_it(sheet):
    Axes(sheet, (0, 0, 200, 120), (0, 1), (-3, 3), ylabel="log₁₀ of the value (beyond ±3: at the edge)")
    texts = Canvas([sheet]).figure().axes[0].texts
    boxes = {each.get_text(): each.get_window_extent() for each in texts}
    label = next(box for words, box in boxes.items() if words.startswith("log"))
    assert min(boxes[number].x0 for number in ("-1.5", "1.5", "0")) - label.x1 >= 4
    assert label.x0 >= 0


@pytest.mark.parametrize(("data", "fastest"), [("moons sizes=8,8,8", 33), ("images", 17)])
def test_a_second_of_frames_is_at_most_one_and_a_half_megabytes(monkeypatch, data, fastest):
    sent = []

    class Counting(comm.DummyComm):
        def publish_msg(self, _, data=None, buffers=None, **options):
            sent.append(len(json.dumps(data)) + sum(map(len, buffers or ())))

    monkeypatch.setattr(comm, "create_comm", Counting)
    panel = playground(data)
    assert panel.most_frames == fastest
    panel.run(3)
    shown(panel.canvas, panel.canvas.sent)
    shown(panel.canvas, panel.canvas.sent)
    sent.clear()
    monkeypatch.setattr(type(panel), "running", True)  # then pictures and numbers take turns
    for panel.frames in (0, 1):
        panel.advance()
        panel.draw()
    assert len(sent) > 1
    assert sum(sent) / 2 * fastest < 1_500_000
    monkeypatch.undo()


def test_what_is_clocked_is_drawn_as_far_as_the_clock_in_the_figure_too(sheet):
    sheet.line([[10, 25], [50, 25], [90, 25]], "#ff0000", 3, clocked=True)
    sheet.points([[10, 10], [50, 10], [90, 10]], "#0000ff", size=4, clocked=True)
    canvas, seen = Canvas([sheet]), []
    for at in (0, 1, 2, 99):
        canvas.play(at, 20, 2)
        assert canvas._clock == (at, 20, 2)
        figure = canvas.figure()
        figure.canvas.draw()
        pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)
        line, point = (pixels[y, :, i] - pixels[y, :, 2 - i] > 200 for y, i in ((25, 0), (10, 2)))
        seen.append((line[30], line[70], [x for x in (10, 50, 90) if point[x]]))
    assert seen == [(False, False, [10]), (True, False, [50]), (True, True, [90]), (True, True, [90])]


def test_bars_stand_on_zero_and_reach_to_their_heights_or_the_edge():
    axes = Axes(Sheet(200, 200, ""), (0, 0, 200, 200), (0, 10), (-1, 1))
    up, down, far = axes.bars(np.array([0, 1, 2]), np.array([1, 2, 4]), np.array([0.5, -0.5, 9.0]))
    assert (up[1], up[1] + up[3]) == pytest.approx((axes.y(0.5), axes.y(0)))
    assert (down[1], down[1] + down[3]) == pytest.approx((axes.y(0), axes.y(-0.5)))
    assert (far[1], far[0], far[2]) == pytest.approx((axes.top, axes.x(2), axes.x(4) - axes.x(2)))
