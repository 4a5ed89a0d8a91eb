"""The colours of the figures can be told apart by readers who see fewer colours.

How they see is simulated with the matrices of Machado, Oliveira, Fernandes, *A physiologically-based model
for simulation of color vision deficiency*, IEEE TVCG 15 (2009), for complete deficiencies, on linear RGB.
Distances are CIE 1976 differences in Lab; about 2.3 is the smallest that is noticed side by side.
"""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from nn_helpers.plots import COLOURS, DASHES

DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TOLD_APART = 10.0


def linear(rgb):
    rgb = np.asarray(rgb)
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(linear_rgb):
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ linear_rgb / (to_xyz @ np.ones(3))
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(one, other, deficiency):
    seen = [
        lab(np.clip(np.array(DEFICIENCIES[deficiency]) @ linear(to_rgb(colour)), 0, 1))
        for colour in (one, other)
    ]
    return np.linalg.norm(seen[0] - seen[1])


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_every_two_colours_of_the_figures_are_told_apart(deficiency):
    distances = {pair: difference(*pair, deficiency) for pair in combinations(COLOURS, 2)}
    assert min(distances.values()) > TOLD_APART, min(distances, key=distances.get)


def test_red_and_green_of_the_same_lightness_would_be_seen_to_fail():
    assert difference("#D04040", "#5C8A2A", "none") > 50
    assert difference("#B05A4A", "#86803A", "deuteranopia") < TOLD_APART


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_every_colour_stands_out_from_white_paper(deficiency):
    assert min(difference(colour, "white", deficiency) for colour in COLOURS) > 30


def test_lines_differ_in_their_dashes_too():
    assert len({str(dash) for dash in DASHES[:-1]}) == len(DASHES) - 1
    assert len(DASHES) == len(COLOURS)
