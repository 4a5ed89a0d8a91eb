"""Mutants of lesson 03's answers that are right answers too, and why."""

LAST = "the logits have two axes, so the last one is axis 1"
CANCELS = "a factor of all exponentials of a row cancels when they are divided by their sum"

EQUIVALENT = {
    "softmax": {
        "shifted = logits - logits.max(axis=1, keepdims=True)  →  "
        "shifted = logits - logits.max(axis=-1, keepdims=True)": LAST,
        "return exponentials / exponentials.sum(axis=1, keepdims=True)  →  "
        "return exponentials / exponentials.sum(axis=-1, keepdims=True)": LAST,
        "exponentials = np.exp(shifted)  →  exponentials = -np.exp(shifted)": CANCELS,
        "exponentials = np.exp(shifted)  →  exponentials = 2 * np.exp(shifted)": CANCELS,
    },
    "temperature_softmax": {
        "exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))  →  "
        "exponentials = np.exp(scaled - scaled.max(axis=-1, keepdims=True))": LAST,
        "return exponentials / exponentials.sum(axis=1, keepdims=True)  →  "
        "return exponentials / exponentials.sum(axis=-1, keepdims=True)": LAST,
        "exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))  →  "
        "exponentials = -np.exp(scaled - scaled.max(axis=1, keepdims=True))": CANCELS,
        "exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))  →  "
        "exponentials = 2 * np.exp(scaled - scaled.max(axis=1, keepdims=True))": CANCELS,
    },
    "log_softmax": {
        "shifted = logits - logits.max(axis=1, keepdims=True)  →  "
        "shifted = logits - logits.max(axis=-1, keepdims=True)": LAST,
        "log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))  →  "
        "log_sum = np.log(np.exp(shifted).sum(axis=-1, keepdims=True))": LAST,
    },
    "cross_entropy": {
        "N = len(y)  →  N = len(logits)": "there are as many rows of logits as labels",
        "dlogits[np.arange(N), y] -= 1  →  dlogits[np.arange(N), y] = dlogits[np.arange(N), y] - 1": (
            "the rows are all different, so no entry is subtracted from twice: the same assignment in full"
        ),
        "dlogits /= N  →  dlogits = dlogits / N": "the same numbers in a new array, which is returned",
    },
}
