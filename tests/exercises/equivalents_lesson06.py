"""Mutants of lesson 06's answers that are right too, and why."""

LOOP = "for start in range(0, len({}), batch_size):"
# breaking_inputs: other inputs, by the line that is changed; they show all mistakes too.
OTHER_INPUTS = {
    "return inputs": [
        "return 2 * inputs",
    ],
    "x = 10 * rng.standard_normal(x_shape)": [
        "x = -(10 * rng.standard_normal(x_shape))",
        "x = 2 * (10 * rng.standard_normal(x_shape))",
        "x = 10 / rng.standard_normal(x_shape)",
        "x = rng.standard_normal(x_shape)",
        "x = 11 * rng.standard_normal(x_shape)",
        "x = 9 * rng.standard_normal(x_shape)",
        "x = 20 * rng.standard_normal(x_shape)",
        "x = -10 * rng.standard_normal(x_shape)",
    ],
    "W = 10 * rng.standard_normal((x[0].size, M))": [
        "W = -(10 * rng.standard_normal((x[0].size, M)))",
        "W = 2 * (10 * rng.standard_normal((x[0].size, M)))",
        "W = 10 / rng.standard_normal((x[0].size, M))",
        "W = 10 + rng.standard_normal((x[0].size, M))",
        "W = rng.standard_normal((x[0].size, M))",
        "W = 11 * rng.standard_normal((x[0].size, M))",
        "W = 9 * rng.standard_normal((x[0].size, M))",
        "W = 20 * rng.standard_normal((x[0].size, M))",
        "W = -10 * rng.standard_normal((x[0].size, M))",
        "W = 10 * rng.random((x[0].size, M))",
        "W = 10 * rng.standard_normal((x[-1].size, M))",
    ],
    "dz = 10 * rng.standard_normal((len(x), M))": [
        "dz = -(10 * rng.standard_normal((len(x), M)))",
        "dz = 2 * (10 * rng.standard_normal((len(x), M)))",
        "dz = 10 / rng.standard_normal((len(x), M))",
        "dz = rng.standard_normal((len(x), M))",
        "dz = 11 * rng.standard_normal((len(x), M))",
        "dz = 9 * rng.standard_normal((len(x), M))",
        "dz = 20 * rng.standard_normal((len(x), M))",
        "dz = -10 * rng.standard_normal((len(x), M))",
    ],
    "for x_shape, M in [((3, 2, 2), 5), ((1, 3), 1)]:": [
        "for x_shape, M in [((3, 2, 2), 5), (1, 3)]:",
        "for x_shape, M in [((2, 3, 2), 5), ((1, 3), 1)]:",
        "for x_shape, M in [((3, 2, 2), 6), ((1, 3), 1)]:",
        "for x_shape, M in [((3, 2, 2), 4), ((1, 3), 1)]:",
        "for x_shape, M in [((3, 2, 2), 10), ((1, 3), 1)]:",
        "for x_shape, M in [((3, 2, 2), 5), ((3, 1), 1)]:",
        "for x_shape, M in [((3, 2, 2), 5), (3, 1)]:",
        "for x_shape, M in [((3, 2, 2), 5), (1, 1)]:",
        "for x_shape, M in [((3, 2, 2), 5), ((1, 3), 2)]:",
        "for x_shape, M in [((4, 2, 2), 5), ((1, 3), 1)]:",
        "for x_shape, M in [((2, 2, 2), 5), ((1, 3), 1)]:",
        "for x_shape, M in [((6, 2, 2), 5), ((1, 3), 1)]:",
        "for x_shape, M in [((3, 3, 2), 5), ((1, 3), 1)]:",
        "for x_shape, M in [((3, 1, 2), 5), ((1, 3), 1)]:",
        "for x_shape, M in [((3, 4, 2), 5), ((1, 3), 1)]:",
        "for x_shape, M in [((3, 2, 3), 5), ((1, 3), 1)]:",
        "for x_shape, M in [((3, 2, 1), 5), ((1, 3), 1)]:",
        "for x_shape, M in [((3, 2, 4), 5), ((1, 3), 1)]:",
        "for x_shape, M in [((3, 2, 2), 5), ((2, 3), 1)]:",
        "for x_shape, M in [((3, 2, 2), 5), ((1, 4), 1)]:",
        "for x_shape, M in [((3, 2, 2), 5), ((1, 2), 1)]:",
        "for x_shape, M in [((3, 2, 2), 5), ((1, 6), 1)]:",
    ],
    "inputs.append((dz, x, W))": [
        "inputs.append((-dz, x, W))",
        "inputs.append((dz, -x, W))",
        "inputs.append((dz, x, -W))",
    ],
}

EQUIVALENT = {
    "train_epoch": {
        f"{LOOP.format('order')}  →  {LOOP.format(other)}": "order has a place for each example"
        for other in ("x", "y")
    },
    "keep_best": {
        "w -= lr * x.T @ (x @ w - y) / len(x)  →  w = w - lr * x.T @ (x @ w - y) / len(x)": (
            "w is the function's own, and no other name means it"
        ),
        "best, lowest = (w.copy(), np.inf)  →  best, lowest = (w, np.inf)": "the first epoch replaces it",
        "w -= lr * x.T @ (x @ w - y) / len(x)  →  w -= lr * x.T @ (x @ w - y) / len(y)": (
            "x and y are equally long"
        ),
        "loss = np.mean((x_val @ w - y_val) ** 2)  →  loss = np.mean((y_val - x_val @ w) ** 2)": (
            "a square has no sign"
        ),
    },
    "breaking_inputs": {
        f"{line}  →  {changed}": "other inputs, which show all mistakes too"
        for line, those in OTHER_INPUTS.items()
        for changed in those
    },
}
