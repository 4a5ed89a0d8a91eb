"""Mutants of the answers of lesson 07 that do the same as the answer, and why."""

Z_HAS_TWO_AXES = "z has two axes, so the last one is axis 1"
LINE = "mean, var = (z.mean(axis=1, keepdims=True), z.var(axis=1, keepdims=True))"

EQUIVALENT = {
    "layernorm_forward": {
        f"{LINE}  →  {LINE.replace('mean(axis=1', 'mean(axis=-1')}": Z_HAS_TWO_AXES,
        f"{LINE}  →  {LINE.replace('var(axis=1', 'var(axis=-1')}": Z_HAS_TWO_AXES,
    },
}
