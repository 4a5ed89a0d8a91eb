"""Images drawn by NumPy: CIFAR-10's ten classes, for when CIFAR-10 itself is not at hand.

Every image is a scene, a subject in a random pose, light and noise. A shape is a *signed distance*:
for each pixel, how far it lies outside (positive) or inside (negative) the shape, in pixels. Clipping
``0.5 − distance`` to [0, 1] tells how much of the pixel the shape covers, which is all that painting
with smooth edges needs.

A seed draws the same pixels on every machine: the uniforms come from PCG64, and only operations that
IEEE 754 rounds in one way (+ − × ÷ √, comparisons, floor) follow. Sines, exponentials, sums and matrix
products may differ in the last bit from one processor to the next, so none is used.
"""

import numpy as np

from nn_helpers.data.dataset import CLASS_NAMES, Dataset, Split
from nn_helpers.support.validation import whole_number

_SIDE = 32  # pixels
_BLOCK = 500  # images drawn at a time: enough for NumPy to be fast, few enough to stay in the cache

# Palettes: red, green and blue as on the web.
_SKY = ["669eeb", "9ec2eb", "c2c7d1", "ebb385", "3d5794", "e6eef6"]
_CLOUD = ["f2f2f5", "ccd6e6", "8c94a3"]
_LAND = ["5c8a38", "859e52", "3d612e", "b89e6b", "dbe0eb", "7a6148"]
_WOOD = ["33572e", "668557", "9eb894", "574738"]
_ROOM = ["ccbd9e", "998070", "b3c2cc", "754d42", "5c667a", "e8e0d0"]
_ROAD = ["6b6b70", "99948f", "4d4d57", "8f806b"]
_SEA = ["295c8f", "3d7a99", "5c7585", "1f3d66", "4d8f8f", "a3b8bd"]
_COAT = ["754d2e", "b37a42", "292424", "e6e0d6", "858078", "d6ad70", "573324"]
_HIDE = ["946138", "b3804d", "6b5242", "80756b"]
_METAL = ["ebebeb", "a8adb8", "d9d2c4"]
_PAINT = ["cc2424", "2447a8", "ebebeb", "242429", "a8adb8", "ebc229", "297547", "e07524"]
_PLUME = ["b37a42", "292424", "e6e0d6", "858078", "573324", "385ca8", "c22e24", "e0bd33", "3d7552"]
_BILL = ["e6a829", "c25c24"]
_SKIN = ["529e33", "70b34d", "387538", "808538", "7a5c38", "d19e29", "c24229", "3d70ad"]


def _rgb(code):
    """Return a web colour as a float32 array (3, 1) in 0 … 1."""
    return np.array([[int(code[i : i + 2], 16)] for i in (0, 2, 4)], np.float32) / 255


_DARK, _LIGHT, _GLASS = _rgb("121214"), _rgb("f2f0e6"), _rgb("9ec2d6")
_AMBER, _GREEN, _PINK = _rgb("e6a829"), _rgb("99c747"), _rgb("e68085")


class _Sheet:
    """n images of one kind, drawn at once.

    Attributes
    ----------
    image : float32 array (n, 3, 1024)
        Red, green and blue planes, nominally in 0 … 1.
    x, y : float32 arrays (n, 1024)
        Where each pixel lies in the subject's own coordinates: the subject faces right, fills about
        −1 … 1, and y points up. Before `pose`, the whole image is −1 … 1.
    scale : float32 array (n, 1)
        Pixels per unit of x and y.
    backdrop, side : float32 arrays (n, 1, 1)
        How bright the scene is about where the subject will be, and whether that subject is to be lighter
        (1) or darker (−1). Both happen in every class: a linear classifier cannot then add up brightness.
    """

    def __init__(self, rng, n):
        pixel = np.arange(_SIDE * _SIDE)
        self.rng, self.n = rng, n
        self.column, self.row = (pixel % _SIDE).astype(np.float32), (pixel // _SIDE).astype(np.float32)
        self.image = np.zeros((n, 3, _SIDE * _SIDE), np.float32)
        self.scale = np.full((n, 1), 16, np.float32)
        self.x = np.repeat((self.column[None] - 15.5) / 16, n, axis=0)
        self.y = np.repeat((15.5 - self.row[None]) / 16, n, axis=0)

    def random(self, low, high, *shape):
        """Return uniforms in low … high, float32 (n, 1) or (n, *shape)."""
        return low + (high - low) * self.rng.random((self.n, *(shape or (1,)))).astype(np.float32)

    def chance(self, probability):
        """Return 1 for about this share of the images and 0 for the rest, (n, 1)."""
        return (self.rng.random((self.n, 1)) < probability).astype(np.float32)

    def colour(self, palette, spread=0.07):
        """Return one of the palette's colours per image, slightly changed, (n, 3, 1)."""
        which = np.floor(self.rng.random(self.n) * len(palette)).astype(int)
        shift = self.random(-spread, spread, 3, 1) + self.random(-spread, spread, 1, 1)
        return np.clip(np.array([_rgb(code) for code in palette])[which] + shift, 0.03, 0.97)

    def contrast(self, palette, gap=0.35):
        """Return a colour per image, lighter or darker than its scene by about `gap` or more, (n, 3, 1)."""
        colour = self.colour(palette)
        difference = _brightness(colour) - self.backdrop
        return np.clip(colour + self.side * np.maximum(gap - self.side * difference, 0), 0.03, 0.97)

    def pose(self, scale=(10.5, 14), drift=(2.8, 2.2), tilt=0.06):
        """Give each subject a size, a place, a tilt (the tangent of half the angle) and a direction."""
        self.scale, t = self.random(*scale), self.random(-tilt, tilt)
        cosine, sine = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
        dx = (self.column - (15.5 + self.random(-drift[0], drift[0]))) / self.scale
        dy = ((15.5 + self.random(-drift[1], drift[1])) - self.row) / self.scale
        self.x = (dx * cosine + dy * sine) * (self.chance(0.5) * 2 - 1)
        self.y = dy * cosine - dx * sine
        self.light = 1.02 + 0.22 * self.y
        self.posed = self.x, self.y, self.scale

    def around(self, x=0, y=0, size=1, mirrored=False):
        """From here on, draw around (x, y) of the pose, this much larger; mirrored: left as right."""
        posed_x, posed_y, posed_scale = self.posed
        self.x, self.y, self.scale = (posed_x - x) / size, (posed_y - y) / size, posed_scale * size
        if mirrored:
            self.x = np.abs(self.x)

    # Shapes: each returns distances in pixels, (n, 1024). Numbers are floats or arrays (n, 1).

    def ellipse(self, x, y, width, height=None):
        """Half-axes `width` and `height`; a circle without the latter. A first-order distance."""
        height = width if height is None else height
        dx, dy = (self.x - x) / width, (self.y - y) / height
        inside = dx * dx + dy * dy - 1
        dx /= width
        dy /= height
        return inside / np.sqrt(dx * dx + dy * dy + 1e-3) * (self.scale * 0.5)

    def limb(self, *points, r, to=None):
        """Return a rounded stroke through the points, of radius `r`, changing evenly `to` another."""
        radii = [r if to is None else r + (to - r) * i / (len(points) - 1) for i in range(len(points))]
        distance = None
        for (x1, y1), (x2, y2), r1, r2 in zip(points, points[1:], radii, radii[1:], strict=False):
            along_x, along_y = x2 - x1, y2 - y1
            length = along_x * along_x + along_y * along_y + 1e-6
            dx, dy = self.x - x1, self.y - y1
            t = np.clip(dx * (along_x / length) + dy * (along_y / length), 0, 1)
            dx -= t * along_x
            dy -= t * along_y
            part = np.sqrt(dx * dx + dy * dy) - (r1 if to is None else r1 + (r2 - r1) * t)
            distance = part if distance is None else np.minimum(distance, part)
        return distance * self.scale

    def box(self, left, bottom, right, top):
        """Return an upright rectangle."""
        across = np.abs(self.x - (left + right) * 0.5) - (right - left) * 0.5
        upwards = np.abs(self.y - (bottom + top) * 0.5) - (top - bottom) * 0.5
        return np.maximum(across, upwards) * self.scale

    def polygon(self, *corners):
        """Return a convex polygon, its corners given in either direction around."""
        (x1, y1), (x2, y2), (x3, y3) = corners[:3]
        turn = (x2 - x1) * (y3 - y2) - (y2 - y1) * (x3 - x2)
        outward = np.where(turn > 0, np.float32(1), np.float32(-1))
        distance = None
        for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
            a, b = (y2 - y1) * outward, (x1 - x2) * outward
            length = np.sqrt(a * a + b * b)
            edge = self.x * (a / length) + (self.y * (b / length) - (x1 * a + y1 * b) / length)
            distance = edge if distance is None else np.maximum(distance, edge)
        return distance * self.scale

    def paint(self, colour, *shapes, opacity=1):
        """Paint the union of shapes in one colour (n, 3, 1) or (3, 1)."""
        cover = np.clip(0.5 - _union(shapes), 0, 1) * opacity
        self.image += (colour - self.image) * cover[:, None]

    def solid(self, colour, *shapes, opacity=1):
        """Paint the union of shapes lit from above, with a darker rim, so that it reads as a body."""
        distance = _union(shapes)
        light = self.light * (1 - 0.4 * np.clip(distance + 1.3, 0, 1))
        self.paint(colour * light[:, None], distance, opacity=opacity)

    def scene(self, above, below, horizon, clutter=(), around=(-0.7, 0.5)):
        """Fill the images: a fading backdrop, ground below a horizon at these rows, out-of-focus things."""
        top, ground = self.colour(above), self.colour(below)
        self.image = top + (0.9 - top) * (self.row * (self.random(-0.3, 0.5) / _SIDE))[:, None]
        line = self.random(*horizon)
        self.paint(ground, line + (self.column - 15.5) * self.random(-0.08, 0.08) - self.row)
        for _ in range(3):
            middle = self.random(-1, 1), self.random(*around)
            thing = self.ellipse(*middle, self.random(0.15, 0.6), self.random(0.08, 0.3))
            self.paint(self.colour(clutter), thing * 0.35, opacity=self.chance(0.7) * self.random(0.4, 0.9))
        # Backgrounds of middling brightness, so that a subject can be the lighter or the darker of the two.
        self.image += (0.5 - _brightness(self.image)) * 0.4
        mean = _mix(ground, top, np.clip((line - 8) / 16, 0, 1)[:, None])
        self.backdrop = 0.2 + 0.6 * _brightness(mean)
        self.side = np.where(
            self.random(-0.3, 0.3, 1, 1) < 0.5 - self.backdrop, np.float32(1), np.float32(-1)
        )
        self.image += (self.blotches() * self.random(0.05, 0.3))[:, None]

    def blotches(self):
        """Return soft random patches between −0.5 and 0.5, (n, 1024): an 8-pixel grid, interpolated."""
        grid = self.random(-0.5, 0.5, 5, 5)
        at, t = np.arange(_SIDE) // 8, (np.arange(_SIDE) % 8 / 8).astype(np.float32)
        rows = grid[:, at] + (grid[:, at + 1] - grid[:, at]) * t[:, None]
        return (rows[:, :, at] + (rows[:, :, at + 1] - rows[:, :, at]) * t).reshape(self.n, -1)

    def legs(self, colour, top, foot, *places, r=0.1, to=0.06):
        """Draw a leg from (hip, top) to (hoof, foot) for every pair (hip, hoof)."""
        self.solid(colour, *(self.limb((hip, top), (hoof, foot), r=r, to=to) for hip, hoof in places))

    def shadow(self, y, width=0.8):
        """Darken the ground under the subject."""
        self.paint(_DARK, self.ellipse(0, y, width, 0.1), opacity=0.35)

    def wheels(self, y, radius, *places):
        """Draw wheels with hubs."""
        self.paint(_DARK, *(self.ellipse(x, y, radius) for x in places))
        self.paint(_LIGHT * 0.75, *(self.ellipse(x, y, radius * 0.45) for x in places))

    def glass(self):
        """Return the colour of window panes, dark or bright."""
        return _mix(_DARK, _GLASS, self.random(0.1, 1, 1, 1))


def _union(shapes):
    distance = shapes[0]
    for other in shapes[1:]:
        distance = np.minimum(distance, other)
    return distance


def _brightness(colour):
    return 0.3 * colour[:, 0:1] + 0.59 * colour[:, 1:2] + 0.11 * colour[:, 2:3]


def _mix(a, b, share):
    return a + (b - a) * share


# Vehicles


def _airplane_side(s):
    s.scene(_SKY, _LAND + _ROAD, (24, 44), _CLOUD, around=(-0.9, 0.9))
    s.pose((11.5, 15), (2.5, 2.8), 0.16)
    body, tail = s.contrast(_METAL + _PAINT), s.colour(_PAINT)
    sweep, droop, fat = s.random(0.1, 0.45), s.random(0.4, 0.65), s.random(0.12, 0.17)
    s.solid(body * 0.7, s.polygon((0.25, 0.05), (-0.1, 0.05), (-0.1 - sweep, 0.45), (0.02 - sweep, 0.45)))
    s.solid(body, s.limb((-0.8, 0.05), (0.8, 0), r=fat * 0.7, to=fat))
    s.solid(tail, s.polygon((-0.95, 0.62), (-0.72, 0.62), (-0.45, 0.08), (-0.85, 0.08)))
    s.solid(body * 0.8, s.polygon((-0.65, 0.08), (-0.85, 0.08), (-1.08, -0.12), (-0.95, -0.12)))
    s.paint(_DARK, s.box(-0.55, 0.02, 0.55, 0.07), opacity=0.65)
    s.paint(_DARK, s.polygon((0.68, 0.12), (0.84, 0.1), (0.9, 0.02), (0.68, 0.02)))
    s.solid(tail * 0.7, s.limb((0.12 - sweep, -0.22), (0.3 - sweep, -0.22), r=0.09))
    wing = (0.3, -0.04), (-0.15, -0.04), (-0.3 - sweep, -droop), (-0.15 - sweep, -droop)
    s.solid(body * 0.85, s.polygon(*wing))


def _airplane_above(s):
    s.scene(_SKY, _LAND + _ROAD + _SEA, (6, 70), _CLOUD, around=(-0.9, 0.9))
    s.pose((12, 16), (2.2, 2.2), 1.0)
    body, tail = s.contrast(_METAL + _PAINT), s.colour(_PAINT)
    sweep, span, chord = s.random(-0.1, 0.5), s.random(0.7, 0.95), s.random(0.3, 0.45)
    s.around(mirrored=True)
    s.solid(body * 0.88, s.polygon((0, 0.3), (span, 0.3 - sweep), (span, 0.12 - sweep), (0, 0.25 - chord)))
    s.solid(tail * 0.8, s.limb((span * 0.45, 0.1 - sweep / 2), (span * 0.45, 0.28 - sweep / 2), r=0.08))
    s.solid(tail, s.polygon((0, -0.68), (0.36, -0.85), (0.36, -1), (0, -0.92)))
    s.solid(body, s.limb((0, -0.85), (0, 0.85), r=0.06, to=0.13))
    s.paint(_DARK, s.ellipse(0, 0.85, 0.09, 0.06))


def _street(s):
    s.scene(_SKY + _ROOM + _WOOD, _ROAD + _LAND, (10, 23), _WOOD + _ROOM + _ROAD, around=(-0.1, 0.6))


def _car_side(s):
    _street(s)
    s.pose((11, 15), (2.8, 3.2))
    paint, glass = s.contrast(_PAINT), s.glass()
    roof, front, back = s.random(0.38, 0.58), s.random(0.2, 0.42), s.random(-0.8, -0.35)
    s.shadow(-0.48, 1.0)
    s.solid(paint, s.polygon((back - 0.12, 0.08), (back, roof), (front - 0.25, roof), (front + 0.2, 0.08)))
    high = roof - 0.08
    s.paint(glass, s.polygon((back, 0.1), (back + 0.04, high), (front - 0.28, high), (front + 0.08, 0.1)))
    s.paint(paint * 0.8, s.box(-0.2, 0.05, -0.13, roof - 0.05))
    nose, rear = s.random(-0.02, 0.12), s.random(0.04, 0.16)
    s.solid(paint, s.polygon((-0.98, -0.38), (-0.95, rear), (0.3, 0.14), (0.95, nose), (1, -0.38)))
    s.paint(paint * 0.6, s.box(-0.13, -0.3, -0.1, 0.08))
    s.paint(_LIGHT, s.ellipse(0.92, -0.08, 0.08, 0.07))
    s.paint(_rgb("c22929"), s.box(-0.99, -0.12, -0.9, 0.02))
    s.wheels(-0.38, s.random(0.19, 0.25), -0.58, 0.6)


def _car_front(s):
    _street(s)
    s.pose((11.5, 16.5), (2.8, 3.2))
    paint, roof, wide = s.contrast(_PAINT), s.random(0.42, 0.62), s.random(0.42, 0.55)
    s.shadow(-0.6, 0.85)
    s.around(mirrored=True)
    s.paint(_DARK, s.box(0.45, -0.62, 0.72, -0.2))
    s.solid(paint, s.polygon((-0.1, 0.05), (-0.1, roof), (wide, roof), (0.7, 0.05)))
    s.paint(s.glass(), s.polygon((-0.1, 0.08), (-0.1, roof - 0.1), (wide - 0.06, roof - 0.1), (0.58, 0.08)))
    s.solid(paint, s.polygon((-0.2, -0.42), (-0.2, 0.06), (0.76, 0.06), (0.8, -0.42)))
    s.paint(_DARK, s.box(-0.1, -0.3, 0.36, -0.12), opacity=0.85)
    s.paint(_DARK, s.box(-0.1, -0.44, 0.8, -0.36), opacity=0.6)
    s.paint(_LIGHT, s.ellipse(0.6, -0.13, 0.14, 0.1), s.box(-0.1, -0.42, 0.14, -0.34))
    s.paint(paint * 0.8, s.ellipse(0.8, 0.16, 0.1, 0.07))


def _truck(s):
    """Draw a lorry's cab, chassis and wheels, from the side; its load comes after."""
    _street(s)
    s.pose((11, 15), (2.2, 2.8))
    cab, top, hood = s.contrast(_PAINT), s.random(0.3, 0.5), s.random(-0.02, 0.25)
    s.shadow(-0.66, 1.0)
    s.paint(_DARK, s.box(-0.95, -0.5, 0.95, -0.34))
    front = (0.72, top), (0.84, hood), (0.98, hood - 0.06), (0.98, -0.45)
    s.solid(cab, s.polygon((0.42, -0.45), (0.42, top), *front))
    s.paint(s.glass(), s.polygon((0.52, 0.02), (0.52, top - 0.1), (0.68, top - 0.1), (0.78, 0.02)))
    s.paint(_LIGHT, s.box(0.92, -0.32, 1, -0.2))
    s.wheels(-0.5, s.random(0.17, 0.21), -0.72, -0.3, 0.66)


def _truck_box(s):
    _truck(s)
    s.solid(s.contrast(_METAL + _PAINT), s.box(-0.98, -0.36, 0.34, s.random(0.5, 0.75)))
    s.paint(s.colour(_PAINT), s.box(-0.98, 0, 0.34, s.random(0.06, 0.22)), opacity=s.chance(0.5))


def _truck_tank(s):
    _truck(s)
    colour, fat = s.contrast(_METAL + _PAINT[:2]), s.random(0.3, 0.38)
    s.solid(colour, s.limb((-0.98 + fat, fat - 0.38), (0.34 - fat, fat - 0.38), r=fat))
    s.paint(colour * 0.7, *(s.box(x - 0.03, -0.38, x + 0.03, 2 * fat - 0.38) for x in (-0.65, -0.3, 0.05)))


def _truck_tipper(s):
    _truck(s)
    colour = s.contrast(_PAINT)
    s.solid(s.colour(_COAT + _LAND), s.ellipse(-0.35, 0.12, 0.55, s.random(0.35, 0.55)))
    s.solid(colour, s.polygon((-0.82, -0.36), (-1.02, 0.24), (0.36, 0.24), (0.3, -0.36)))
    s.paint(colour * 0.65, *(s.box(x - 0.03, -0.34, x + 0.03, 0.22) for x in (-0.7, -0.35, 0)))


def _truck_front(s):
    _street(s)
    s.pose((11.5, 15), (3.2, 2.2))
    cab, load, top = s.contrast(_PAINT), s.contrast(_METAL + _PAINT), s.random(0.65, 0.9)
    s.shadow(-0.85, 0.8)
    s.around(mirrored=True)
    s.paint(_DARK, s.box(0.3, -0.86, 0.58, -0.4))
    s.solid(load, s.box(-0.2, -0.6, 0.66, top))
    s.solid(cab, s.box(-0.2, -0.66, 0.58, 0.42))
    s.paint(s.glass(), s.box(-0.1, 0, 0.46, 0.32))
    s.paint(_DARK, s.box(-0.1, -0.44, 0.3, -0.14), s.box(0.68, -0.05, 0.78, 0.3), opacity=0.85)
    s.paint(_LIGHT * 0.8, s.box(-0.1, -0.25, 0.28, -0.22), s.box(-0.1, -0.36, 0.28, -0.33))
    s.paint(_DARK, s.box(-0.1, -0.7, 0.62, -0.56))
    s.paint(_LIGHT, s.ellipse(0.45, -0.4, 0.1, 0.09))


def _seascape(s):
    """Fill the scene for a ship; return the colour of the water in front of it."""
    s.scene(_SKY + _WOOD[1:], _SEA, (9, 20), _WOOD + _SKY + _CLOUD, around=(0, 0.9))
    return s.colour(_SEA)


def _waves(s, water, level):
    """Let the hull sink into the water up to this level, and draw waves."""
    s.paint(water, s.box(-3, level - 0.3, 3, level), opacity=0.8)
    for _ in range(3):
        x, y = s.random(-1.2, 0.4), level - s.random(0, 0.4)
        s.paint(_LIGHT, s.limb((x, y), (x + s.random(0.3, 0.9), y), r=0.03), opacity=0.6)


def _ship_steam(s):
    water = _seascape(s)
    s.pose((11, 15), (2.5, 3.2))
    hull, deck, funnel = s.contrast(_PAINT), s.contrast(_METAL), s.colour(_PAINT)
    x, high = s.random(-0.6, 0.1), s.random(0.25, 0.4)
    s.paint(_DARK, s.limb((0.5, 0), (0.5, 0.8), r=0.035), s.limb((0.3, 0.5), (0.7, 0.5), r=0.03))
    s.solid(funnel, s.box(x + 0.05, high, x + 0.3, high + 0.4))
    s.paint(_DARK, s.box(x + 0.05, high + 0.26, x + 0.3, high + 0.4))
    s.solid(deck, s.box(x - 0.2, 0, x + 0.55, high))
    s.paint(_DARK, s.box(x - 0.12, high - 0.16, x + 0.48, high - 0.08), opacity=0.7)
    s.solid(hull, s.polygon((-0.85, -0.5), (-0.98, 0.04), (1.05, 0.14), (0.75, -0.5)))
    s.paint(funnel, s.polygon((-0.86, -0.45), (-0.88, -0.3), (0.85, -0.3), (0.75, -0.45)))
    s.paint(_LIGHT, *(s.ellipse(x, -0.1, 0.06) for x in (-0.6, -0.25, 0.1, 0.45)))
    _waves(s, water, -0.42)


def _ship_cargo(s):
    water = _seascape(s)
    s.pose((11.5, 16), (2.5, 3.2))
    for x in (-0.4, -0.12, 0.16, 0.44):
        for y in (0, 0.2):
            s.solid(s.colour(_PAINT), s.box(x, y, x + 0.27, y + 0.2), opacity=s.chance(0.75 + (y == 0)))
    s.solid(s.contrast(_METAL), s.box(-0.85, -0.02, -0.5, 0.62))
    s.paint(_DARK, s.box(-0.8, 0.42, -0.48, 0.52), s.limb((-0.68, 0.6), (-0.68, 0.95), r=0.04))
    s.solid(s.contrast(_PAINT), s.polygon((-0.85, -0.5), (-0.98, 0.05), (1.05, 0.08), (0.8, -0.5)))
    s.paint(s.colour(_PAINT), s.polygon((-0.88, -0.45), (-0.9, -0.3), (0.9, -0.3), (0.82, -0.45)))
    _waves(s, water, -0.4)


def _ship_sail(s):
    water = _seascape(s)
    s.pose((11.5, 16.5), (3.2, 2.2))
    hull, sail = s.contrast(_PAINT + _COAT), s.contrast(_METAL + _PAINT)
    high, boom = s.random(0.75, 1), s.random(0.5, 0.75)
    s.paint(_DARK, s.limb((0, -0.5), (0, high), r=0.04))
    s.solid(sail, s.polygon((-boom, -0.3), (-0.05, high - 0.02), (-0.05, -0.3)))
    s.solid(sail * 0.85, s.polygon((0.06, -0.25), (0.06, high - 0.15), (boom, -0.25)))
    s.solid(hull, s.polygon((-0.6, -0.75), (-0.75, -0.38), (0.9, -0.36), (0.55, -0.75)))
    s.paint(s.colour(_PAINT), s.polygon((-0.72, -0.48), (-0.74, -0.42), (0.8, -0.42), (0.75, -0.48)))
    _waves(s, water, -0.66)


# Animals


def _bird_perched(s):
    s.scene(_SKY + _WOOD, _LAND + _WOOD, (16, 44), _WOOD + _LAND + _SKY, around=(-0.9, 0.9))
    s.pose((11.5, 16), (2.5, 2.2), 0.12)
    coat, wing, bill = s.contrast(_PLUME), s.colour(_PLUME), _mix(_DARK, _AMBER, s.random(0.3, 1, 1, 1))
    x = s.random(0.2, 0.4)
    s.solid(s.colour(_COAT[:1]), s.limb((-1.5, -0.84), (1.5, -0.8), r=0.07), opacity=s.chance(0.6))
    s.paint(bill, s.limb((-0.08, -0.3), (0, -0.78), (0.28, -0.78), r=0.035))
    s.paint(bill, s.limb((0.1, -0.3), (0.16, -0.78), r=0.035))
    s.solid(wing * 0.9, s.limb((-0.4, -0.2), (s.random(-1, -0.8), s.random(-0.6, -0.2)), r=0.12, to=0.07))
    s.solid(bill, s.polygon((x + 0.12, 0.4), (x + 0.12, 0.64), (x + 0.6, 0.46)))
    s.solid(coat, s.limb((-0.3, -0.12), (0.12, 0.12), r=0.22, to=0.28), s.ellipse(x, 0.5, 0.24))
    s.paint(s.colour(_PLUME), s.limb((0.1, -0.14), (0.28, 0.12), r=0.13), opacity=0.8)
    s.solid(wing, s.limb((-0.02, 0.1), (-0.55, -0.2), r=0.19, to=0.05))
    s.paint(_LIGHT, s.ellipse(x + 0.08, 0.55, 0.075))
    s.paint(_DARK, s.ellipse(x + 0.09, 0.55, 0.05))


def _bird_flying(s):
    s.scene(_SKY, _LAND + _SEA, (24, 60), _CLOUD + _WOOD, around=(-0.9, 0.9))
    s.pose((12, 16), (2.5, 2.5), 0.16)
    coat, wing, bill = s.contrast(_PLUME), s.contrast(_PLUME), s.contrast(_BILL)
    tip, back, down = s.random(0.6, 0.85), s.random(0.1, 0.45), 1 - 1.6 * s.chance(0.4)
    s.solid(wing * 0.65, s.limb((0.16, 0.1), (0.3 - back, tip * 0.8), r=0.17, to=0.04))
    s.solid(wing * 0.85, s.polygon((-0.4, 0), (-0.95, -0.2), (-1, 0), (-0.95, 0.16)))
    s.solid(bill, s.polygon((0.6, 0.04), (0.6, 0.24), (1, 0.1)))
    s.solid(coat, s.limb((-0.4, 0), (0.25, 0), r=0.1, to=0.22), s.ellipse(0.5, 0.14, 0.21))
    s.paint(s.colour(_PLUME), s.ellipse(0.14, -0.1, 0.26, 0.1), opacity=0.7)
    s.paint(_LIGHT, s.ellipse(0.57, 0.19, 0.07))
    s.paint(_DARK, s.ellipse(0.58, 0.19, 0.045))
    elbow, hand = (-0.1 - back * 0.5, tip * 0.55 * down), (-0.25 - back, tip * down)
    feather = s.limb((-0.1, 0.04), (-0.4 - back, tip * 0.6 * down), r=0.14, to=0.04)
    s.solid(wing, s.limb((0.06, 0.04), elbow, hand, r=0.2, to=0.05), feather)


def _bird_swimming(s):
    s.scene(_SEA + _WOOD, _SEA, (4, 18), _WOOD + _LAND, around=(0.2, 0.9))
    water = s.colour(_SEA)
    s.pose((11.5, 15), (2.5, 2.8))
    coat, bill, x, y = s.contrast(_PLUME), s.contrast(_BILL), s.random(0.4, 0.55), s.random(0.35, 0.6)
    s.solid(bill, s.polygon((x + 0.14, y - 0.08), (x + 0.14, y + 0.12), (x + 0.52, y - 0.06)))
    s.solid(coat, s.polygon((-0.4, 0), (-0.98, 0.18), (-0.5, -0.35)), s.ellipse(-0.1, -0.22, 0.62, 0.32))
    s.solid(coat, s.limb((0.3, -0.2), (x - 0.06, y), r=0.19, to=0.11))
    s.solid(s.colour(_PLUME), s.ellipse(x, y, 0.2), s.limb((x - 0.06, y - 0.2), (x - 0.02, y - 0.1), r=0.1))
    s.solid(s.colour(_PLUME), s.limb((0.05, -0.14), (-0.55, -0.06), r=0.18, to=0.06))
    s.paint(_LIGHT, s.ellipse(x + 0.07, y + 0.05, 0.07))
    s.paint(_DARK, s.ellipse(x + 0.08, y + 0.05, 0.045))
    _waves(s, water, -0.42)


def _home_or_garden(s):
    s.scene(_ROOM + _WOOD + _SKY, _ROOM + _LAND, (12, 26), _ROOM + _PAINT, around=(-0.8, 0.6))


def _cat_face(s, coat, x, y, size=1.0):
    """Draw a cat's head seen from the front: pointed ears, slit eyes, whiskers."""
    s.around(x, y, size, mirrored=True)
    s.solid(coat * 0.85, s.polygon((0.36, 0.15), (0.36, 0.62), (0.06, 0.24)))
    s.paint(_PINK, s.polygon((0.3, 0.24), (0.3, 0.47), (0.14, 0.26)))
    s.solid(coat, s.ellipse(0, 0, 0.4, 0.32))
    s.paint(_LIGHT, s.ellipse(0, -0.15, 0.18, 0.13), opacity=0.8 * s.chance(0.5))
    s.paint(_mix(_AMBER, _GREEN, s.random(0, 1, 1, 1)), s.ellipse(0.17, 0.06, 0.1, 0.09))
    s.paint(_DARK, s.box(0.135, -0.03, 0.205, 0.15))
    whiskers = (s.limb((0.14, -0.14), (0.6, end), r=0.025) for end in (-0.06, -0.26))
    s.paint(_LIGHT, *whiskers, opacity=0.8)
    s.paint(_PINK * 0.8, s.polygon((-0.07, -0.06), (0.07, -0.06), (0, -0.14)))
    s.around()


def _cat_sitting(s):
    _home_or_garden(s)
    s.pose((11.5, 16), (2.8, 2.2))
    coat, curl, striped = s.contrast(_COAT), s.random(0.5, 0.8), s.chance(0.5)
    mark = _mix(coat, _DARK, 0.55)
    s.shadow(-0.92, 0.7)
    tail = (0.2, -0.84), (curl, -0.76), (curl + 0.08, -0.3), (curl - 0.06, -0.1)
    s.solid(mark, s.limb(*tail, r=0.08))
    s.solid(coat, s.limb((0, -0.6), (0, -0.1), r=0.4, to=0.25))
    s.around(mirrored=True)
    s.paint(mark, *(s.limb((0.4, y), (0.2, y - 0.03), r=0.03) for y in (-0.3, -0.5, -0.7)), opacity=striped)
    s.solid(coat * 1.08, s.limb((0.12, -0.4), (0.14, -0.88), r=0.09))
    _cat_face(s, coat, s.random(-0.08, 0.08), 0.32)


def _cat_walking(s):
    _home_or_garden(s)
    s.pose((11, 15), (2.2, 2.8))
    coat, stride, striped, bend = s.contrast(_COAT), s.random(-0.15, 0.15), s.chance(0.5), s.random(0.3, 0.6)
    mark = _mix(coat, _DARK, 0.55)
    s.shadow(-0.76)
    s.solid(mark, s.limb((-0.62, -0.05), (-0.9, bend), (-0.72, bend + 0.22), r=0.075))
    s.legs(coat * 0.65, -0.2, -0.72, (-0.5, -0.45 - stride), (0.3, 0.34 + stride))
    s.legs(coat, -0.2, -0.76, (-0.55, -0.6 + stride), (0.2, 0.16 - stride), r=0.11)
    s.solid(coat, s.limb((-0.5, -0.1), (0.3, -0.12), r=0.22, to=0.2))
    s.paint(
        mark, *(s.limb((x, 0.08), (x - 0.04, -0.16), r=0.035) for x in (-0.45, -0.22, 0)), opacity=striped
    )
    _cat_face(s, coat, 0.5, s.random(0.1, 0.25), 0.9)


def _cat_portrait(s):
    _home_or_garden(s)
    s.pose((11.5, 14.5), (2.8, 1.8))
    coat = s.contrast(_COAT)
    s.solid(coat, s.limb((0, -0.7), (0, -1.6), r=0.5, to=0.75))
    _cat_face(s, coat, 0, s.random(-0.35, -0.1), s.random(1.6, 2.1))


def _dog_face(s, coat, ear, x, y, size=1.0):
    """Draw a dog's head seen from the front: hanging ears, a light muzzle, the tongue out."""
    s.around(x, y, size, mirrored=True)
    s.solid(coat, s.ellipse(0, 0, 0.34, 0.35))
    s.paint(_mix(coat, _LIGHT, 0.6), s.ellipse(0, -0.18, 0.2, 0.18))
    s.paint(_PINK * 0.9, s.limb((0, -0.28), (0, -0.42), r=0.065), opacity=s.chance(0.7))
    s.paint(_DARK, s.ellipse(0, -0.1, 0.1, 0.075), s.ellipse(0.15, 0.08, 0.06))
    s.solid(ear, s.limb((0.28, 0.22), (0.4, -0.2), r=0.09, to=0.13))
    s.around()


def _dog_coat(s):
    """Return the colour of the coat and the darker one of the ears."""
    coat = s.contrast(_COAT)
    return coat, _mix(coat, s.colour(_COAT), 0.5) * 0.58


def _dog_sitting(s):
    _home_or_garden(s)
    s.pose((11.5, 16), (2.8, 2.2))
    coat, ear = _dog_coat(s)
    s.shadow(-0.92, 0.7)
    s.solid(coat, s.limb((0.3, -0.75), (s.random(0.6, 0.8), s.random(-0.7, -0.35)), r=0.08, to=0.05))
    s.around(mirrored=True)
    s.solid(coat, s.limb((0, -0.55), (0, -0.05), r=0.4, to=0.28), s.ellipse(0.36, -0.8, 0.16, 0.1))
    s.solid(coat * 1.08, s.limb((0.14, -0.4), (0.15, -0.86), r=0.1))
    s.paint(s.colour(_PAINT[:2]), s.limb((0, -0.02), (0.24, -0.02), r=0.05), opacity=s.chance(0.6))
    _dog_face(s, coat, ear, s.random(-0.08, 0.08), 0.4)


def _dog_standing(s):
    _home_or_garden(s)
    s.pose((11, 15), (2.2, 2.8))
    (coat, ear), stride, y = _dog_coat(s), s.random(-0.2, 0.2), s.random(0.2, 0.48)
    s.shadow(-0.76)
    s.solid(coat, s.limb((-0.6, 0.05), (-0.88, s.random(0.25, 0.6)), r=0.08, to=0.045))
    s.legs(coat * 0.65, -0.15, -0.72, (-0.45, -0.45 - stride), (0.3, 0.36 + stride), r=0.11, to=0.07)
    s.legs(coat, -0.15, -0.76, (-0.55, -0.6 + stride), (0.2, 0.2 - stride), r=0.13, to=0.08)
    trunk = s.limb((-0.48, -0.06), (0.25, -0.04), r=0.2, to=0.25), s.limb((0.3, 0), (0.48, y), r=0.2, to=0.17)
    s.solid(
        coat, *trunk, s.ellipse(0.52, y, 0.23), s.limb((0.55, y - 0.08), (0.86, y - 0.12), r=0.13, to=0.1)
    )
    s.paint(ear, s.ellipse(-0.15, 0.05, s.random(0.1, 0.3), 0.15), opacity=s.chance(0.4))
    s.paint(_PINK * 0.9, s.limb((0.78, y - 0.22), (0.82, y - 0.36), r=0.06), opacity=s.chance(0.6))
    s.paint(_DARK, s.ellipse(0.94, y - 0.06, 0.075), s.ellipse(0.62, y + 0.06, 0.05))
    s.paint(s.colour(_PAINT[:2]), s.limb((0.24, y - 0.16), (0.52, y - 0.3), r=0.045), opacity=s.chance(0.6))
    s.solid(ear, s.limb((0.42, y + 0.12), (0.34, y - 0.2), r=0.09, to=0.11))


def _dog_portrait(s):
    _home_or_garden(s)
    s.pose((11.5, 14.5), (2.8, 1.8))
    coat, ear = _dog_coat(s)
    s.solid(coat, s.limb((0, -0.7), (0, -1.6), r=0.5, to=0.75))
    _dog_face(s, coat, ear, 0, s.random(-0.1, 0.15), s.random(1.7, 2.2))


def _meadow(s):
    s.scene(_SKY + _WOOD, _LAND + _ROAD[3:], (10, 24), _WOOD + _LAND, around=(-0.6, 0.5))


def _deer_standing(s):
    _meadow(s)
    s.pose((10.5, 14), (2.5, 1.5))
    coat, grazing, stride = s.contrast(_HIDE), s.chance(0.25), s.random(-0.15, 0.15)
    x, y = 0.6 + 0.16 * grazing, 0.42 - 0.75 * grazing + s.random(-0.05, 0.08)
    s.shadow(-0.95)
    s.legs(coat * 0.65, -0.2, -0.9, (-0.45, -0.4 - stride), (0.3, 0.38 + stride), r=0.08, to=0.04)
    s.legs(coat, -0.2, -0.95, (-0.55, -0.58 + stride), (0.22, 0.2 - stride), r=0.1, to=0.045)
    horn = _mix(coat, s.contrast(_COAT[:3]), 0.7)
    for lean in (-0.18, 0.2):
        beam = s.limb((x + lean * 0.3, y + 0.1), (x + lean, y + 0.36), (x + lean * 0.8, y + 0.6), r=0.042)
        front = s.limb((x + lean * 0.6, y + 0.24), (x + lean + 0.16, y + 0.42), r=0.035)
        s.paint(horn, beam, front, s.limb((x + lean, y + 0.36), (x + lean * 2, y + 0.5), r=0.035))
    nose = x + 0.28, y - 0.1 - 0.1 * grazing
    s.solid(coat * 0.8, s.limb((x - 0.04, y + 0.06), (x - 0.24, y + 0.12), r=0.06, to=0.03))
    neck = s.limb((0.32, 0), (x, y), r=0.16, to=0.09), s.limb((x, y), nose, r=0.12, to=0.06)
    s.solid(coat, s.limb((-0.45, -0.1), (0.28, -0.08), r=0.2), *neck)
    s.paint(_LIGHT, s.limb((-0.64, 0), (-0.68, -0.16), r=0.08, to=0.05))
    s.paint(_LIGHT, s.limb((-0.3, -0.26), (0.2, -0.24), r=0.05), opacity=0.6)
    spots = (s.ellipse(-0.45 + 0.14 * i, -0.05 * (i % 2), 0.045) for i in range(5))
    s.paint(_LIGHT, *spots, opacity=s.chance(0.6))
    s.paint(_DARK, s.ellipse(x + 0.05, y + 0.03, 0.045), s.ellipse(*nose, 0.055))


def _deer_portrait(s):
    _meadow(s)
    s.pose((11.5, 15), (2.5, 1.8))
    coat = s.contrast(_HIDE)
    horn, spread = _mix(coat, s.contrast(_COAT[:3]), 0.8), s.random(0.45, 0.65)
    s.around(mirrored=True)
    s.solid(coat * 0.85, s.limb((0, -0.2), (0, -1.3), r=0.24, to=0.5))
    beam = s.limb((0.1, 0.15), (spread, 0.5), (spread * 0.85, 1), r=0.055)
    tines = s.limb((0.25, 0.28), (0.2, 0.75), r=0.045), s.limb((spread, 0.5), (spread + 0.25, 0.8), r=0.045)
    s.paint(horn, beam, *tines)
    s.solid(coat * 0.85, s.limb((0.2, 0.05), (0.55, 0.14), r=0.11, to=0.05))
    s.solid(coat, s.limb((0, 0), (0, -0.45), r=0.27, to=0.15))
    s.paint(_mix(coat, _LIGHT, 0.5), s.ellipse(0, -0.5, 0.13))
    s.paint(_DARK, s.ellipse(0, -0.5, 0.09, 0.07), s.ellipse(0.18, -0.02, 0.065))


def _horse_standing(s):
    _meadow(s)
    s.pose((11, 14.5), (2.2, 2.2))
    coat, mane = s.contrast(_COAT), _mix(s.colour(_COAT), _DARK, 0.3)
    low, gallop, flow = s.chance(0.15), s.random(-0.35, 0.35), s.random(-0.98, -0.8)
    x, y = 0.66 + 0.14 * low, 0.62 - 0.88 * low
    nose = x + 0.28 - 0.14 * low, y - 0.28 - 0.02 * low
    s.shadow(-0.9)
    s.legs(coat * 0.6, -0.1, -0.82, (-0.42, -0.38 - gallop), (0.3, 0.32 + gallop), r=0.12)
    s.legs(coat, -0.1, -0.88, (-0.55, -0.58 + gallop * 0.8), (0.22, 0.22 - gallop * 0.8), r=0.14, to=0.07)
    s.solid(mane, s.limb((-0.68, 0.16), (flow, 0), (flow + 0.04, -0.45), r=0.08))
    s.solid(coat, s.polygon((x - 0.1, y + 0.06), (x - 0.02, y + 0.3), (x + 0.08, y + 0.06)))
    neck = s.limb((0.34, 0.12), (x, y), r=0.23, to=0.13), s.limb((x, y), nose, r=0.14, to=0.09)
    s.solid(coat, s.limb((-0.5, 0.04), (0.3, 0.04), r=0.265), *neck)
    s.solid(mane, s.limb((0.24, 0.32), (x - 0.1 + 0.1 * low, y + 0.12), r=0.08))
    s.paint(_DARK, s.ellipse(x + 0.07, y, 0.05), s.ellipse(nose[0] + 0.04, nose[1] - 0.02, 0.05))
    s.paint(s.colour(_PAINT), s.limb((-0.2, 0.28), (0.08, 0.28), r=0.1), opacity=s.chance(0.3))


def _horse_portrait(s):
    _meadow(s)
    s.pose((11.5, 16), (2.2, 1.8), 0.12)
    coat, mane, bridle = s.contrast(_COAT), _mix(s.colour(_COAT), _DARK, 0.3), s.chance(0.4)
    s.solid(coat * 0.85, s.polygon((0.1, 0.5), (0.14, 0.95), (0.3, 0.5)))
    neck, head = (-0.55, -1.3), (0.05, 0.35)
    s.solid(coat, s.limb(neck, head, r=0.6, to=0.27), s.limb((0.15, 0.4), (0.62, -0.3), r=0.27, to=0.17))
    forelock = s.limb((0.1, 0.6), (0.25, 0.42), r=0.08)
    s.solid(mane, s.limb((-0.95, -0.9), (-0.42, 0.2), (0.02, 0.66), r=0.17, to=0.1), forelock)
    straps = s.limb((0.3, -0.2), (0.68, 0.02), r=0.04), s.limb((0.34, -0.1), (-0.02, 0.4), r=0.04)
    s.paint(_DARK, *straps, opacity=bridle)
    s.paint(_DARK, s.ellipse(0.3, 0.3, 0.08), s.ellipse(0.7, -0.32, 0.06))
    s.paint(_LIGHT, s.limb((0.46, 0.3), (0.68, -0.02), r=0.05), opacity=s.chance(0.4))


def _pond(s):
    s.scene(_LAND + _WOOD + _SEA, _LAND + _SEA + _ROOM[3:4], (6, 24), _WOOD + _LAND, around=(-0.9, 0.6))


def _frog_front(s):
    _pond(s)
    s.pose((12, 17), (2.8, 3.2))
    skin, spotted = s.contrast(_SKIN, 0.3), s.chance(0.5)
    s.shadow(-0.72, 0.95)
    s.around(mirrored=True)
    toes = (s.limb((0.55, -0.64), (end, -0.74), r=0.05) for end in (0.6, 0.8, 0.98))
    s.solid(skin * 0.8, s.ellipse(0.62, -0.36, 0.24, 0.32), *toes)
    s.solid(skin, s.ellipse(0, -0.28, 0.58, 0.42), s.ellipse(0, 0.04, 0.55, 0.32))
    s.paint(_mix(skin, _LIGHT, 0.55), s.ellipse(0, -0.36, 0.36, 0.26))
    toes = (s.limb((0.3, -0.68), (end, -0.76), r=0.04) for end in (0.16, 0.3, 0.44))
    s.solid(skin, s.limb((0.38, -0.3), (0.3, -0.68), r=0.09, to=0.07), *toes)
    s.solid(skin, s.ellipse(0.32, 0.32, 0.21))
    s.paint(_mix(_LIGHT, _AMBER, 0.4), s.ellipse(0.32, 0.34, 0.14))
    s.paint(_DARK, s.ellipse(0.32, 0.34, 0.1, 0.06))
    s.paint(skin * 0.3, s.limb((0.44, 0.02), (0, -0.08), r=0.035))
    s.paint(skin * 0.5, s.ellipse(0.16, 0.18, 0.06), s.ellipse(0.64, -0.3, 0.06), opacity=spotted)


def _frog_side(s):
    _pond(s)
    s.pose((12, 16.5), (2.5, 3.2), 0.08)
    skin, y = s.contrast(_SKIN, 0.3), s.random(-0.06, 0.14)
    s.shadow(-0.7, 0.95)
    s.solid(skin * 0.75, s.limb((0.3, -0.15), (0.42, -0.62), (0.68, -0.68), r=0.11, to=0.04))
    skull = s.limb((0.3, y), (0.62, y - 0.02), r=0.26, to=0.17), s.ellipse(0.4, y + 0.26, 0.17)
    s.solid(skin, s.limb((-0.5, -0.36), (0.25, y - 0.05), r=0.22, to=0.3), *skull)
    s.paint(_mix(skin, _LIGHT, 0.55), s.limb((-0.1, -0.42), (0.45, y - 0.2), r=0.08))
    s.paint(skin * 0.3, s.limb((0.42, y - 0.06), (0.78, y), r=0.03))
    s.paint(_mix(_LIGHT, _AMBER, 0.4), s.ellipse(0.42, y + 0.28, 0.12))
    s.paint(_DARK, s.ellipse(0.44, y + 0.28, 0.06, 0.08))
    s.solid(skin * 0.9, s.limb((-0.55, -0.4), (-0.15, -0.3), r=0.24, to=0.18))
    s.solid(skin * 0.75, s.limb((-0.1, -0.36), (-0.55, -0.67), (0.1, -0.7), r=0.1, to=0.04))
    spots = (s.ellipse(*at, 0.06) for at in ((-0.3, -0.06), (-0.05, 0.06), (-0.5, -0.36), (0.15, -0.02)))
    s.paint(skin * 0.5, *spots, opacity=s.chance(0.5))


# Each class's images are shared out evenly among these.
_SUBJECTS = {
    "airplane": (_airplane_side, _airplane_above),
    "automobile": (_car_side, _car_side, _car_front),
    "bird": (_bird_perched, _bird_flying, _bird_swimming),
    "cat": (_cat_sitting, _cat_walking, _cat_portrait),
    "deer": (_deer_standing, _deer_standing, _deer_portrait),
    "dog": (_dog_sitting, _dog_standing, _dog_portrait),
    "frog": (_frog_front, _frog_side),
    "horse": (_horse_standing, _horse_standing, _horse_portrait),
    "ship": (_ship_steam, _ship_cargo, _ship_sail),
    "truck": (_truck_box, _truck_tank, _truck_tipper, _truck_front),
}


def _shuffle(rng, n, rows=1):
    """Return random orders of 0 … n − 1, (rows, n)."""
    return np.argsort(rng.random((rows, n)), axis=1, kind="stable")


def _block(seed, part, number):
    """Draw one block of a part: uint8 (500, 32, 32, 3) and its labels, every ten of them a shuffle."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(part, number))))
    labels = _shuffle(rng, len(CLASS_NAMES), _BLOCK // len(CLASS_NAMES)).ravel()
    images = np.empty((_BLOCK, 3, _SIDE * _SIDE), np.float32)
    for label, name in enumerate(CLASS_NAMES):
        places = np.flatnonzero(labels == label)[_shuffle(rng, _BLOCK // len(CLASS_NAMES))[0]]
        for draw, share in zip(_SUBJECTS[name], np.array_split(places, len(_SUBJECTS[name])), strict=True):
            sheet = _Sheet(rng, len(share))
            draw(sheet)
            images[share] = sheet.image
    images *= (rng.random((_BLOCK, 1, 1)) * 0.4 + 0.75).astype(np.float32)  # how bright the day is
    noise = rng.random((_BLOCK, 4, _SIDE * _SIDE)).astype(np.float32)
    grain = (rng.random((_BLOCK, 1, 1)) * 0.08 + 0.02).astype(np.float32)
    images += (noise[:, :3] + noise[:, 3:] - 1) * grain  # the fourth plane is shared by the three colours
    pixels = np.floor(np.clip(images, 0, 1) * 255 + 0.5).astype(np.uint8)
    return pixels.transpose(0, 2, 1).reshape(_BLOCK, _SIDE, _SIDE, 3), labels


def _part(seed, part, n):
    """Draw the first n images of a part (0: training, 1: validation, 2: test)."""
    images, labels = np.empty((n, _SIDE, _SIDE, 3), np.uint8), np.empty(n, np.int64)
    for start in range(0, n, _BLOCK):
        room = slice(start, start + _BLOCK)
        block_images, block_labels = _block(seed, part, start // _BLOCK)
        images[room] = block_images[: n - start]
        labels[room] = block_labels[: n - start]
    return Split(images, labels)


def sketches(n_train=5000, n_test=1000, n_val=0, seed=0):
    """Draw small images of CIFAR-10's ten classes: no download, the same pixels on every machine.

    A larger set begins with the smaller one: the first 500 images of ``sketches(5000)`` are those of
    ``sketches(500)``. The training, validation and test images of a seed are all different, and every
    ten images in a row from a multiple of ten on show each class once.

    Parameters
    ----------
    n_train, n_test, n_val : int
        How many images to draw for each part; at least one for training.
    seed : int
        Which images, from 0 up.

    Returns
    -------
    Dataset
        Named "sketches"; uint8 images (N, 32, 32, 3) and int64 labels (N,) in each part.

    Raises
    ------
    TypeError
        If a number is not a whole number.
    ValueError
        If `n_train` is below 1 or another number below 0.

    Examples
    --------
    >>> sketches(n_train=20, n_test=10)
    Dataset('sketches': 20 training, 0 validation, 10 test images 32×32×3, 10 classes)
    """
    n_train = whole_number("sketches", "n_train", n_train, 1)
    n_test, n_val = whole_number("sketches", "n_test", n_test, 0), whole_number("sketches", "n_val", n_val, 0)
    seed = whole_number("sketches", "seed", seed, 0)
    train, val, test = (_part(seed, part, n) for part, n in enumerate((n_train, n_val, n_test)))
    return Dataset("sketches", train, val, test)
