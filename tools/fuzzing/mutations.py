"""Damage: to bytes, and to trees of JSON."""

import copy
import json
import re

WHOLE = (
    0, 1, 2, 3, 7, 10, 255, 256, 2**15, 2**16, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63,
    2**64 - 1, 2**64, 10**12, 10**30, 10**400, -1, -2, -(2**31), -(2**63), -(10**30),
)  # fmt: skip
REAL = (0.0, -0.0, 0.5, 1.0, 1.5, 1e-320, 1e300, -1e300, float("nan"), float("inf"), -float("inf"))
TEXTS = (
    "", " ", "0", "1", "nan", "he", "custom", "relu", "float32", "F32", "W1", "b1", "best", "history",
    "x" * 2000, "\x00", "\n", "\x1b[2J", "é", "\ud800", "😀", "../x", "__class__", "%s%n", "{0}",
)  # fmt: skip
RAW = (  # that stand in JSON as they are, whether they are JSON or not
    "1" + "0" * 20, "1" + "0" * 400, "1" + "0" * 5000, "1e999", "-0", "01", "", '"\\ud800"',
    "[" * 5 + "]" * 5, "[" * 3000 + "]" * 3000, "[" * 100 + "]" * 99,
    '{"a":' * 3000 + "1" + "}" * 3000,
)  # fmt: skip
# Simple values, as JSON has them or as it should not: those of `RAW` by their number
SIMPLE = (
    WHOLE, WHOLE, REAL, TEXTS, (None, True, False), range(-3, 30),
    [f"\0raw {number}\0" for number in range(len(RAW))],
)  # fmt: skip


def to_json(tree):
    """Return a tree as JSON; it may hold NaN, infinity, texts of `RAW`, and keys `twice` made."""
    text = json.dumps(tree)
    if "\\u0000" in text:
        text = re.sub(r'"\\u0000raw (\d+)\\u0000"', lambda match: RAW[int(match[1])], text)
        text = text.replace('\\u0000twice"', '"')
    return text


def json_value(rng, depth=0):
    """Return a value as JSON has it, or as it should not."""
    kind = rng.randrange(12 if depth < 3 else 7)
    if kind < 7:
        return rng.choice(SIMPLE[kind])
    values = [json_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind < 10:
        return values
    return {rng.choice(TEXTS): value for value in values}


def place(rng, tree):
    """Return (container, key) of some value in a tree; those near its root more often."""
    while True:
        key = rng.choice(list(tree) if isinstance(tree, dict) else range(len(tree)))
        inner = tree[key]
        if not isinstance(inner, dict | list) or not inner or rng.random() < 0.3:
            return tree, key
        tree = inner


def change_json(rng, tree, path=None):
    """Change one place of a tree, below `path` if given, and return the tree."""
    inside = tree
    for key in path or ():
        inside = inside[key]
    if not isinstance(inside, dict | list) or not inside:
        return tree
    container, key = place(rng, inside)
    value, kind = container[key], rng.randrange(10)
    if kind < 4:
        container[key] = json_value(rng)
    elif kind == 4 and isinstance(value, int | float) and not isinstance(value, bool):
        near = value + 1, value - 1, -value, value * 1.5 if abs(value) < 1e9 else 0
        container[key] = rng.choice((*near, str(value)))
    elif kind == 5:
        del container[key]
    elif kind == 6 and isinstance(container, dict):
        container[rng.choice(TEXTS)] = container.pop(key)
    elif kind == 7 and isinstance(container, dict):
        container[rng.choice(TEXTS)] = json_value(rng)
    elif kind == 8:
        other, at = place(rng, inside)
        container[key], other[at] = copy.deepcopy(other[at]), copy.deepcopy(value)
    else:
        container[key] = rng.choice(([value], {"x": value}, str(value), [value, value]))
    return tree


def twice(rng, tree):
    """Give an object of JSON one of its keys a second time, with another value or the same."""
    if tree:
        key = rng.choice(list(tree))
        pairs, value = list(tree.items()), rng.choice((tree[key], json_value(rng)))
        pairs.insert(rng.randrange(len(pairs) + 1), (f"{key}\0twice", value))
        tree.clear()
        tree.update(pairs)
    return tree


def change_bytes(rng, content, most=4):
    """Flip, cut, insert, repeat or overwrite a few bytes."""
    content = bytearray(content)
    for _ in range(rng.randint(1, most)):
        kind, size = rng.randrange(8), len(content)
        at = rng.randrange(size + 1)
        if rng.random() < 0.5:  # most of what decides is at the beginning
            at = min(at, rng.randrange(600))
        if kind < 3 and at < size:
            content[at] ^= 1 << rng.randrange(8)
        elif kind == 3 and at < size:
            content[at] = rng.choice((0, 1, 9, 10, 127, 128, 255, rng.randrange(256)))
        elif kind == 4:
            del content[at : at + rng.choice((1, 2, 8, 512, size))]
        elif kind == 5:
            content[at:at] = rng.randbytes(rng.choice((1, 2, 8, 512)))
        elif kind == 6:
            content[at:at] = content[at : at + rng.choice((1, 8, 512))]
        else:
            number = rng.choice(WHOLE) % 2**64
            content[at : at + 8] = number.to_bytes(8, rng.choice(("little", "big")))
    return bytes(content)
