"""Mutants of lesson 08's answers that are right too, and why."""

ERROR = "error = scores.std(axis=1, ddof=1) / np.sqrt(scores.shape[1])"

EQUIVALENT = {
    "errors_behind": {
        f"{ERROR}  →  error = -(scores.std(axis=1, ddof=1) / np.sqrt(scores.shape[1]))": "it is squared",
        "mean = scores.mean(axis=1)  →  mean = scores.mean(axis=-1)": "of two axes, the last is axis 1",
        f"{ERROR}  →  error = scores.std(axis=-1, ddof=1) / np.sqrt(scores.shape[1])": (
            "of two axes, the last is axis 1"
        ),
        f"{ERROR}  →  error = scores.std(axis=1, ddof=1) / np.sqrt(scores.shape[-1])": (
            "of two axes, the last is axis 1"
        ),
    },
    "successive_halving": {
        "return (settings[0], cost)  →  return (settings[-1], cost)": "only one is left",
        "settings = [settings[i] for i in best_first[:len(settings) // 2]]  →  "
        "settings = [settings[i] for i in best_first[:len(settings) // -2]]": (
            "without the worse half, rounded up, is the better half, rounded down"
        ),
    },
    "choose_and_report": {
        "chosen = val.mean(axis=1).argmax()  →  chosen = val.sum(axis=1).argmax()": (
            "all have as many seeds, so the highest sum is the highest mean"
        ),
        "chosen = val.mean(axis=1).argmax()  →  chosen = val.mean(axis=-1).argmax()": (
            "of two axes, the last is axis 1"
        ),
    },
}
