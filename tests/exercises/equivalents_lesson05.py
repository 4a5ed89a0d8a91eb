"""Mutants of lesson 05's answers that are right too, and why."""

EQUIVALENT = {
    "standardise": {
        "return x.reshape(len(images), -1)  →  return x.reshape(len(images), -2)": (
            "NumPy takes any negative size for the one to count"
        ),
    },
    "confusion_matrix": {
        "for true, guess in zip(y, predicted, strict=True):  →  for true, guess in zip(y, predicted):": (
            "y and predicted are equally long"
        ),
        "for true, guess in zip(y, predicted, strict=True):  →  "
        "for true, guess in zip(y, predicted, strict=False):": "y and predicted are equally long",
        "matrix[true, guess] += 1  →  matrix[true, guess] = matrix[true, guess] + 1": (
            "one entry, a number: there is nothing to share"
        ),
    },
    "flip": {
        "mirrored = rng.random(len(images)) < 0.5  →  mirrored = rng.random(len(images)) <= 0.5": (
            "exactly ½ is drawn once in 2⁵³ times"
        ),
        "mirrored = rng.random(len(images)) < 0.5  →  mirrored = rng.random(len(images)) > 0.5": (
            "the other half of the images, with the same probability"
        ),
        "flipped[mirrored] = np.flip(images[mirrored], axis=2)  →  "
        "flipped[mirrored] = np.flip(images[mirrored], axis=-2)": "of four axes, the last but one is axis 2",
    },
    "dropout_forward": {
        "mask = (rng.random(a.shape) >= rate) / (1 - rate)  →  "
        "mask = (rng.random(a.shape) > rate) / (1 - rate)": ("exactly rate is drawn once in 2⁵³ times"),
    },
    "cosine_with_warmup": {
        "if t <= warmup_steps:  →  if t < warmup_steps:": "line and cosine meet in the warm-up's last step",
        "done = min(1, (t - warmup_steps) / (total_steps - warmup_steps))  →  "
        "done = -min(1, (t - warmup_steps) / (total_steps - warmup_steps))": "the cosine of −x is that of x",
        "done = min(1, (t - warmup_steps) / (total_steps - warmup_steps))  →  "
        "done = min((t - warmup_steps) / (total_steps - warmup_steps), 1)": "a minimum has no order",
    },
}
