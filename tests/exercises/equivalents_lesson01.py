"""Mutants of lesson 01's answers that are right too, and why."""

EQUIVALENT = {
    "relu_forward": {
        "a = np.maximum(0, z)  →  a = np.maximum(z, 0)": "the larger of two numbers, in either order",
    },
    "sigmoid_forward": {
        "with np.errstate(over='ignore'):  →  with np.errstate():": "only the warning comes back",
    },
    "numerical_gradient": {
        "gradient = np.zeros_like(x)  →  gradient = np.ones_like(x)": "every entry is overwritten",
        "def numerical_gradient(f, x, h=1e-05):  →  def numerical_gradient(f, x, h=2e-05):": (
            "a step that is as good: the error of both is around 1e-10"
        ),
        "def numerical_gradient(f, x, h=1e-05):  →  def numerical_gradient(f, x, h=-1e-05):": (
            "above and below change places, and so does the sign of 2h"
        ),
    },
}
