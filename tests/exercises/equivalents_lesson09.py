"""Mutants of lesson 09's answers that are right too, and why."""

LOOP = "for name, gradient in zip(inputs, backward(gradients[out], cache){}):"
EQUIVALENT = {
    "walk_back": {
        f"{LOOP.format(', strict=True')}  →  {LOOP.format(other)}": "there is one derivative for each input"
        for other in ("", ", strict=False")
    },
}
