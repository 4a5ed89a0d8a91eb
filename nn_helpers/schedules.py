"""Schedules: how the learning rate changes from step to step.

A schedule is called with t = 1, 2, 3, … and returns the learning rate of that step. Any function will do.

References
----------
.. [1] Loshchilov, Hutter, *SGDR*, 2017, arXiv:1608.03983, eq. 5 (cosine).
"""

import math
from dataclasses import dataclass

from nn_helpers.support.validation import number, whole_number


@dataclass(frozen=True)
class Constant:
    """The same learning rate at every step."""

    lr: float

    def __post_init__(self):
        number("Constant", "lr", self.lr, above=0.0)

    def __call__(self, t):
        """Return the learning rate of step t, counted from 1."""
        return self.lr


@dataclass(frozen=True)
class StepDecay:
    """Multiply the learning rate by `factor` after every `every` steps."""

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self):
        number("StepDecay", "lr", self.lr, above=0.0)
        whole_number("StepDecay", "every", self.every, 1)
        number("StepDecay", "factor", self.factor, above=0.0)

    def __call__(self, t):
        """Return the learning rate of step t, counted from 1."""
        return self.lr * self.factor ** (max(t - 1, 0) // self.every)


@dataclass(frozen=True)
class CosineWithWarmup:
    """Rise in a line to `lr` in `warmup_steps`, then fall along half a cosine to `final_lr` [1]_."""

    lr: float
    total_steps: int
    warmup_steps: int = 0
    final_lr: float = 0.0

    def __post_init__(self):
        number("CosineWithWarmup", "lr", self.lr, above=0.0)
        number("CosineWithWarmup", "final_lr", self.final_lr)
        whole_number("CosineWithWarmup", "total_steps", self.total_steps, 1)
        whole_number("CosineWithWarmup", "warmup_steps", self.warmup_steps, 0)
        if self.warmup_steps >= self.total_steps:
            raise ValueError(
                f"CosineWithWarmup: warmup_steps ({self.warmup_steps}) must be fewer than "
                f"total_steps ({self.total_steps})"
            )

    def __call__(self, t):
        """Return the learning rate of step t, counted from 1."""
        if t <= self.warmup_steps > 0:
            return self.lr * t / self.warmup_steps
        done = min(1.0, (t - self.warmup_steps) / (self.total_steps - self.warmup_steps))
        return self.final_lr + (self.lr - self.final_lr) * (1 + math.cos(math.pi * done)) / 2
