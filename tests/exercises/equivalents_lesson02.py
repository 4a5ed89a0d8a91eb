"""Mutants of lesson 02's answers that are right too, and why."""

ANY_NEGATIVE = "NumPy takes any negative size for the one that it works out"
SYMMETRIC = "the normal distribution is symmetric: −W is as good a draw as W"

EQUIVALENT = {
    "affine_forward": {"rows = x.reshape(len(x), -1)  →  rows = x.reshape(len(x), -2)": ANY_NEGATIVE},
    "affine_backward": {"rows = x.reshape(len(x), -1)  →  rows = x.reshape(len(x), -2)": ANY_NEGATIVE},
    "net_forward": {
        "a = np.maximum(z, 0)  →  a = np.maximum(0, z)": "the larger of two numbers, in either order",
    },
    "he_init": {
        "W = rng.standard_normal((D, M)) * np.sqrt(2 / D)  →  "
        "W = -(rng.standard_normal((D, M)) * np.sqrt(2 / D))": SYMMETRIC,
        "params.append((W, b))  →  params.append((-W, b))": SYMMETRIC,
        "params.append((W, b))  →  params.append((W, -b))": "minus zero is zero",
    },
}
