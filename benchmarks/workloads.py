"""What is timed: the same trainings for every contender."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from nn_helpers import Dataset, Split


@dataclass(frozen=True)
class Workload:
    """A training, or with `predict` one pass over images that are there as float32 already."""

    title: str
    hidden: tuple[int, ...]
    optimizer: str = "adam"
    batch_size: int = 8
    images: int = 500
    reg: float = 0.0
    lr: float = 1e-4
    steps: int = 62  # timed at a time
    predict: bool = False
    threads: int | None = None  # of nn_helpers; None lets it choose


WORKLOADS = {
    "200": Workload("500 images, batch 8, [200], Adam", (200,)),
    "4x100": Workload("500 images, batch 8, 4×100, Adam", (100,) * 4),
    "200-momentum": Workload("500 images, batch 8, [200], momentum", (200,), "momentum"),
    "4x100-momentum": Workload("500 images, batch 8, 4×100, momentum", (100,) * 4, "momentum"),
    "512-256": Workload(
        "50,000 images, batch 128, [512, 256], Adam + L2", (512, 256), batch_size=128, images=50_000,
        reg=1e-3, steps=20,
    ),
    "1024-1024": Workload(
        "10,000 images, batch 256, [1024, 1024], Adam", (1024, 1024), batch_size=256, images=10_000,
        steps=6,
    ),
    "predict": Workload(
        "predicting 10,000 images, [512, 256]", (512, 256), images=10_000, steps=1, predict=True
    ),
}  # fmt: skip

NUM_CLASSES, INPUT_SIZE = 10, 3072


def random_images(workload):
    """Return random images: their values do not change how long a step takes."""
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(workload.images, 32, 32, 3), dtype=np.uint8)
    return Dataset("random", Split(images, rng.integers(NUM_CLASSES, size=workload.images)))


def first_parameters(workload, dtype):
    """Return [W1, b1, W2, b2, …], the same for every contender."""
    rng = np.random.default_rng(1)
    sizes = [INPUT_SIZE, *workload.hidden, NUM_CLASSES]
    parameters = []
    for D, M in pairwise(sizes):
        parameters += [(rng.standard_normal((D, M)) * np.sqrt(2 / D)).astype(dtype), np.zeros(M, dtype)]
    return parameters


def orders(workload):
    """Yield the indices of each batch, epoch after epoch, in the order that training with seed 0 takes."""
    rng = np.random.default_rng(0)
    while True:
        order = rng.permutation(workload.images)
        for start in range(0, workload.images - workload.batch_size + 1, workload.batch_size):
            yield order[start : start + workload.batch_size]
