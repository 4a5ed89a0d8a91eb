"""One rule for what an array of numbers is, and one for labels.

Numbers come as a NumPy array of float32 or float64, in any memory layout and byte order, read-only or not, as
a memory map or another subclass. Integers are converted. Refused, with what to write instead, are masked
arrays, whose mask would be lost; float16, whose sums overflow; longer floats, complex numbers, booleans, text
and objects; and what is no array: lists, data frames, tensors.

Labels are whole numbers from 0 to C − 1, one for each example, or rows of C probabilities.
"""

import numpy as np

FLOATS = np.dtype(np.float32), np.dtype(np.float64)


def as_floats(function, name, value):
    """Return one array as `floats` does; this is what every layer does at every step."""
    is_one = type(value) is np.ndarray and value.dtype in FLOATS
    return value if is_one else floats(function, **{name: value})


def floats(function, /, **arrays):
    """Return `arrays` as plain float32 or float64 arrays, or say what to write instead.

    Returns one array when one is given, else a list in the order given.
    """
    values = list(arrays.values())
    for value in values:
        if type(value) is not np.ndarray or value.dtype not in FLOATS:
            values = _converted(function, arrays)
            break
    return values if len(values) > 1 else values[0]


def _converted(function, arrays):
    for name, value in arrays.items():
        require_numbers(function, name, value)
    native = [value.dtype.newbyteorder("=") for value in arrays.values()]
    given = [dtype for dtype in native if dtype.kind == "f"]
    whole = np.result_type(*given) if given else np.dtype(np.float64)
    dtypes = [dtype if dtype.kind == "f" else whole for dtype in native]
    return [np.asarray(value, dtype) for value, dtype in zip(arrays.values(), dtypes, strict=True)]


def require_numbers(function, name, value):
    """Refuse what is no array of float32, float64 or integers."""
    if not isinstance(value, np.ndarray | np.generic):
        raise TypeError(
            f"{function}: {name} must be a NumPy array, got {type(value).__name__}{_as_array(name, value)}"
        )
    refuse_mask(function, name, value)
    if value.dtype.kind not in "fiu" or (value.dtype.kind == "f" and value.dtype.itemsize not in (4, 8)):
        advice = f"; write {name}.astype(np.float32)" if value.dtype.kind in "fb" else ""
        raise TypeError(
            f"{function}: {name} must hold floating-point numbers, got {describe(value)}; "
            f"expected float32 or float64{advice}"
        )


def refuse_mask(function, name, value):
    """Refuse a masked array: NumPy would compute with the values under the mask."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{function}: {name} is a masked array, and its mask would be lost; leave the examples under it "
            "out, or fill it in: .filled(value) makes an array without a mask"
        )


def _as_array(name, value, dtype="dtype=float"):
    """Return advice how to make an array of a list, a data frame or a tensor, or nothing."""
    if hasattr(value, "inputs") and hasattr(value, "labels"):  # a part of a data set
        return "; write data.standardise(part.inputs), where part is data.train, data.val or data.test"
    if hasattr(value, "detach"):
        return f"; write {name}.detach().cpu().numpy()"
    if hasattr(value, "to_numpy"):
        return f"; write {name}.to_numpy({dtype})"
    try:
        array = np.array(value)
    except (TypeError, ValueError):  # rows of different lengths
        return ""
    return (
        f"; write np.array({', '.join(filter(None, [name, dtype]))})"
        if (array.ndim or dtype) and array.dtype.kind in "fiub"
        else ""
    )


def float_advice(name, value):
    """Return what makes floats of `value`, as "; write …", or nothing where nothing does."""
    if not isinstance(value, np.ndarray):
        return _as_array(name, value)
    return f"; write {name}.astype(float)" if value.dtype.kind in "fiub" else ""


def require_images(function, name, images):
    """Refuse what is no uint8 array (N, H, W, 3), and say how it becomes one."""
    advice = image_advice(name, images)
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
        raise TypeError(f"{function}: {name} must be a uint8 array, got {describe(images)}{advice}")
    if images.ndim != 4 or images.shape[3] != 3:
        raise ValueError(
            f"{function}: {name} must have shape (N, height, width, 3), got {images.shape}{advice}"
        )


def image_advice(name, images):
    """Return what brings `images` nearer to a uint8 array (N, H, W, 3), as "; write …", or nothing."""
    if not isinstance(images, np.ndarray):
        return _as_array(name, images, "dtype=np.uint8")
    return _in_shape(name, images.shape) if images.dtype == np.uint8 else _as_bytes(name, images)


def _as_bytes(name, images):
    """Return advice how numbers become bytes from 0 to 255: some programs have them from 0 to 1."""
    if images.dtype.kind not in "fiu" or not images.size or not 0 <= images.min() <= images.max() <= 255:
        return ""
    scaled = images.max() <= 1
    return f"; write {f'(255 * {name}).round()' if scaled else name}.astype(np.uint8)"


def _in_shape(name, shape):
    """Return advice for the shapes that other programs have."""
    match shape:
        case _, 3, _, _:
            return f"; write {name}.transpose(0, 2, 3, 1)"
        case _, _, _, 4:
            return f"; write {name}[..., :3]"
        case _, _, _, 1:
            return f"; write np.repeat({name}, 3, axis=3)"
        case _, _, 3:
            return f"; for one image write {name}[np.newaxis]"
        case _, _, _:
            return f"; for grey ones write np.stack([{name}] * 3, axis=3)"
        case _, 3072:
            return f"; for rows of CIFAR-10 write {name}.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)"
    return ""


def labels(function, y, N, C):
    """Return `y`, having made sure that it holds N labels from 0 to C − 1 or N rows of C probabilities."""
    if not isinstance(y, np.ndarray):
        raise TypeError(f"{function}: y must be a NumPy array, got {type(y).__name__}{_as_array('y', y, '')}")
    refuse_mask(function, "y", y)
    if y.shape == (N,):
        if y.dtype.kind not in "iu":
            found = f"{_not_whole(y)}{label_advice('y', y, N)}"
            raise TypeError(f"{function}: labels y must be integers, got {found}")
        if N and not 0 <= y.min() <= y.max() < C:
            row = int(np.flatnonzero((y < 0) | (y >= C))[0])
            raise ValueError(f"{function}: y[{row}] is {y[row]}, but labels go from 0 to C − 1 = {C - 1}")
    elif y.shape == (N, C):
        if y.dtype.kind not in "fiub":
            raise TypeError(f"{function}: one-hot labels y must be numbers, got {y.dtype}")
        bad = (y < 0).any(axis=1) | ~(np.abs(y.sum(axis=1, dtype=np.float64) - 1) < 1e-4)
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise ValueError(f"{function}: row {row} of y is {y[row]}; expected numbers ≥ 0 that sum to 1")
    else:
        advice = label_advice("y", y, N) if y.shape == (N, 1) else ""
        raise ValueError(
            f"{function}: labels y have shape {y.shape}; "
            f"expected ({N},) for integer labels or ({N}, {C}) for one-hot, as logits are ({N}, {C}){advice}"
        )
    return y


def label_advice(name, y, N):
    """Return what makes integer labels (N,) of `y`, as "; write …", or nothing where nothing does."""
    if not isinstance(y, np.ndarray):
        return _as_array(name, y, "")
    if y.ndim == 2 and y.shape[1] == 1:  # as Keras gives them
        return f"; write {name}[:, 0]"
    if y.ndim == 2 and len(y) == N and y.dtype.kind in "fiub":
        return f"; for one-hot rows write {name}.argmax(axis=1)"
    if y.ndim == 1 and y.dtype.kind in "USO":
        return f"; write classes, {name} = np.unique({name}, return_inverse=True)"
    if y.ndim == 1 and (y.dtype.kind == "b" or (y.dtype.kind == "f" and _is_whole(y).all())):
        return f"; write {name}.astype(int)"
    return ""


def _not_whole(y):
    """Return the dtype of labels, and the first that is no whole number."""
    if y.dtype.kind != "f" or _is_whole(y).all():
        return y.dtype
    row = int(np.flatnonzero(~_is_whole(y))[0])
    return f"{y.dtype}: y[{row}] is {y[row]}"


def _is_whole(y):
    return np.isfinite(y) & (y == np.floor(y))


def describe(value):
    """``float32 array (8, 10)`` for an array, else the type's name."""
    return f"{value.dtype} array {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
