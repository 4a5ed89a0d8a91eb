"""Lesson 02: the affine layer, a stack of layers, and their first weights."""

import copy
import itertools
from itertools import pairwise

import numpy as np

from nn_helpers import layers
from nn_helpers.exercises.exercise import Case, Exercise, MalformedResult, Mistake
from nn_helpers.exercises.faulty_answers import ignore_rng

LESSON = "02_affine_backprop"


def _rows(x):
    return x.reshape(len(x), -1)


# affine_forward


def affine_forward(x, W, b):
    """Return z = xW + b, shape (N, M), and the cache for affine_backward: (x, W)."""
    rows = x.reshape(len(x), -1)
    z = rows @ W + b
    return z, (x, W)


def _affine_forward_cases():
    rng = np.random.default_rng(1)

    def case(name, x_shape, M, dtype=np.float64):
        D = int(np.prod(x_shape[1:]))
        shapes = (x_shape, (D, M), (M,))
        return Case(name, *(rng.integers(-4, 5, shape).astype(dtype) for shape in shapes))

    return [
        Case("one example", np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([5.0])),
        case("three examples", (3, 2), 4),
        case("as many examples as inputs and outputs", (3, 3), 3),
        case("images with four axes", (2, 2, 2, 3), 4),
        case("images with as many rows as there are images", (2, 2, 2), 2),
        case("float32", (4, 3), 2, np.float32),
    ]


def _as_rows_by_axis_1(x):
    """Return rows that each hold a bit of every example."""
    return x if x.ndim == 2 else x.reshape(-1, len(x)).T


AFFINE_FORWARD = Exercise(
    answer=affine_forward,
    library=layers.affine_forward,
    lesson=LESSON,
    section="One layer, forwards",
    returns=("z", "cache"),
    partner="affine_backward",
    cases=_affine_forward_cases,
    mistakes={
        "no-bias": Mistake(
            lambda x, W, b: (_rows(x) @ W, (x, W)),
            "The bias is missing: z = xW + b. Without b every z is 0 when x is 0, whatever the weights are.",
        ),
        "weights-first": Mistake(
            lambda x, W, b: (W @ _rows(x) + b, (x, W)),
            "This is Wx + b, with W on the left. There x is a column; here every example is a row of x, so W "
            "stands on the right: z = xW + b. The inner sizes must agree: (N, D) times (D, M).",
        ),
        "weights-transposed": Mistake(
            lambda x, W, b: (_rows(x) @ W.T + b, (x, W)),
            "W already has the shape (D, M): a row for each input, a column for each output. So it is `W`, "
            "not `W.T`.",
        ),
        "elementwise": Mistake(
            lambda x, W, b: (_rows(x) * W + b, (x, W)),
            "`*` multiplies number by number. Each output is a sum over all D inputs, and that is the matrix "
            "product `@`.",
        ),
        "not-flattened": Mistake(
            lambda x, W, b: (x @ W + b, (x, W)),
            lambda example: (
                f"Right where x is a table, but an image has more axes: x is {_shape_of(example, 'x')} here, "
                f"and W has {len(example.args['W'])} rows. Make each example one row first: "
                "`x.reshape(len(x), -1)`."
            ),
        ),
        "rows-mixed": Mistake(
            lambda x, W, b: (_as_rows_by_axis_1(x) @ W + b, (x, W)),
            "The shape of z is right, but the rows mix the images: a row must hold the numbers of one "
            "example, all of them, in their order. `x.reshape(len(x), -1)` cuts only where one example ends.",
        ),
        "flat-x-in-cache": Mistake(
            lambda x, W, b: (_rows(x) @ W + b, (_rows(x), W)),
            "z is right, but the cache holds x as rows, so dx will come out as rows too, and not in the "
            "shape of the images. Keep x as it came: give the rows a name of their own.",
        ),
        "bias-in-cache": Mistake(
            lambda x, W, b: (_rows(x) @ W + b, (x, W, b)),
            "z is right, but the cache holds x, W and b. The backward pass needs no b, because b adds the "
            "same wherever you are; affine_backward unpacks two things, `x, W = cache`.",
        ),
    },
    hints=(
        "Each example has to become one row of D numbers. `reshape` can do that: the number of rows is "
        "known, and −1 stands for the size that NumPy shall work out.",
        "Row n of z is row n of x, times W, plus b. NumPy's matrix product is `@`, and b is added to every "
        "row without your help.",
        "`rows = x.reshape(len(x), -1)`, then `z = rows @ ... + ...`",
    ),
    then="Forwards is done. For learning it needs the way back, affine_backward.",
)


def _shape_of(example, name):
    return str(example.args[name].shape)


# affine_backward


def affine_backward(dz, cache):
    """Return dx (shaped like x), dW (D, M) and db (M,). The cache is (x, W)."""
    x, W = cache
    rows = x.reshape(len(x), -1)
    dx = (dz @ W.T).reshape(x.shape)
    dW = rows.T @ dz
    db = dz.sum(axis=0)
    return dx, dW, db


def _affine_backward_cases():
    rng = np.random.default_rng(2)

    def case(name, x_shape, M, dtype=np.float64):
        N, D = x_shape[0], int(np.prod(x_shape[1:]))
        x, W, dz = (rng.integers(-4, 5, shape).astype(dtype) for shape in (x_shape, (D, M), (N, M)))
        return Case(name, dz, (x, W), forward=(x, W, np.zeros(M, dtype)))

    x, W, dz = np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([[0.5]])
    return [
        case("three examples", (3, 2), 4),
        Case("one example", dz, (x, W), forward=(x, W, np.zeros(1))),
        case("as many examples as inputs and outputs", (3, 3), 3),
        case("images with four axes", (2, 2, 2, 3), 4),
        case("float32", (4, 3), 2, np.float32),
    ]


def _backward_with(dx=None, dW=None, db=None):
    """Return affine_backward with some of its lines replaced."""

    def wrong(dz, cache):
        x, W = cache
        right = affine_backward(dz, cache)
        changed = (f and f(dz, x, W) for f in (dx, dW, db))
        return tuple(r if w is None else w for w, r in zip(changed, right, strict=True))

    return wrong


AFFINE_BACKWARD = Exercise(
    answer=affine_backward,
    library=layers.affine_backward,
    lesson=LESSON,
    section="Why xᵀ dz",
    returns=("dx", "dW", "db"),
    partner="affine_forward",
    cases=_affine_backward_cases,
    mistakes={
        "bias-over-all": Mistake(
            _backward_with(db=lambda dz, x, W: dz.sum()),
            "db must have one number for each output, as b has. Yours sums over the outputs too, and "
            "broadcasting would hide that: every bias would get the same push. Sum over the examples only, "
            "axis 0.",
            section="Why db is a sum",
        ),
        "bias-mean": Mistake(
            _backward_with(db=lambda dz, x, W: dz.mean(axis=0)),
            lambda example: (
                f"You took the mean for db. The paths through the {len(example.args['dz'])} examples add up: "
                "it is the sum. The 1/N of a mean loss is already in dz, and must not come in twice."
            ),
            section="Why db is a sum",
        ),
        "weights-mean": Mistake(
            _backward_with(
                dW=lambda dz, x, W: _rows(x).T @ dz / len(dz), db=lambda dz, x, W: dz.mean(axis=0)
            ),
            "You divide by N. Where the loss is a mean over the batch, its 1/N is already in dz. A layer "
            "only adds up; one that divides again makes its gradients N times too small.",
            section="The gradient of a mean",
        ),
        "bias-wrong-axis": Mistake(
            _backward_with(db=lambda dz, x, W: dz.sum(axis=1)),
            "You summed over axis 1, the outputs, so there is one number for each example. b has one for "
            "each output: sum over the examples, axis 0.",
            section="Why db is a sum",
        ),
        "bias-not-summed": Mistake(
            _backward_with(db=lambda dz, x, W: dz),
            "This is dz itself, a row for each example. There is one b for all examples, so db adds up "
            "their rows.",
            section="Why db is a sum",
        ),
        "transposed": Mistake(
            _backward_with(dW=lambda dz, x, W: dz.T @ _rows(x)),
            "Yours is dzᵀx, the transpose of dW. dW has the shape of W, (D, M): xᵀ stands on the left, dz "
            "on the right.",
        ),
        "x-not-transposed": Mistake(
            _backward_with(dW=lambda dz, x, W: _rows(x) @ dz),
            "The transpose is missing in dW = xᵀ dz. The sum runs over the examples, so they must be the "
            "columns of the left factor: (D, N) times (N, M).",
        ),
        "weights-not-transposed": Mistake(
            _backward_with(dx=lambda dz, x, W: (dz @ W).reshape(x.shape)),
            "The transpose is missing in dx = dz Wᵀ. Input d got to output m through W[d, m]; the way back "
            "sums over the outputs, (N, M) times (M, D). Where D = M the shapes fit without it, and only "
            "the numbers tell.",
            section="When the shapes fit by accident",
        ),
        "dx-as-rows": Mistake(
            _backward_with(dx=lambda dz, x, W: dz @ W.T),
            "The numbers are right, but dx has one row for each example, and x came with more axes. Give dx "
            "the shape of x: `.reshape(x.shape)`.",
        ),
        "x-with-all-its-axes": Mistake(
            _backward_with(dx=lambda dz, x, W: dz @ W.T, dW=lambda dz, x, W: x.T @ dz),
            "Right where x is a table. But x may be images with four axes, and `x.T` then turns around "
            "all four. Work with rows, `x.reshape(len(x), -1)`, and give dx the shape of x at the end.",
        ),
        "other-order": Mistake(
            lambda dz, cache: tuple(affine_backward(dz, cache)[i] for i in (1, 0, 2)),
            "All three are right, but they come in another order: `return dx, dW, db`.",
        ),
        "no-chain-rule": Mistake(
            lambda dz, cache: (cache[1].T, _rows(cache[0]).T, np.ones(len(cache[1].T))),
            "These are ∂z/∂x, ∂z/∂W and ∂z/∂b alone. The chain rule multiplies each by dz: how much the loss "
            "changes when z does.",
        ),
    },
    hints=(
        "Begin with the shapes: dx has that of x, dW that of W, db that of b. Which products of dz (N, M) "
        "with W (D, M), and of rows (N, D) with dz, have them?",
        "dW = xᵀ dz, with the rows for x. dx = dz Wᵀ, brought to the shape of x. db is the sum of dz over "
        "the examples.",
        "`dx = (dz @ W.T).reshape(x.shape)`, `dW = rows.T @ ...`, `db = dz.sum(axis=...)`",
    ),
    then="The pair is complete: a network can learn with it, in the next cells.",
)


# net_forward


def net_forward(x, params):
    """Return the logits and the caches: (affine cache, z) a layer, None for the last z."""
    caches = []
    a = x
    for W, b in params[:-1]:
        z, affine_cache = affine_forward(a, W, b)
        a = np.maximum(z, 0)
        caches.append((affine_cache, z))
    W, b = params[-1]
    logits, affine_cache = affine_forward(a, W, b)
    caches.append((affine_cache, None))
    return logits, caches


def _params(sizes, rng, dtype=np.float64):
    """Return whole numbers as weights and biases, with biases that matter."""
    return [
        (rng.integers(-2, 3, (D, M)).astype(dtype), rng.integers(-2, 3, M).astype(dtype))
        for D, M in pairwise(sizes)
    ]


def _net(name, N, sizes, seed, dtype=np.float64):
    """Return (name, x, params) of a case."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, (N, sizes[0])).astype(dtype)
    return name, x, _params(sizes, rng, dtype)


def _nets():
    W1, b1 = np.array([[1.0, -1.0], [2.0, 1.0]]), np.array([0.0, -1.0])
    W2, b2 = np.array([[1.0, -2.0], [3.0, 1.0]]), np.array([-4.0, -1.0])
    return [
        ("two layers", np.array([[1.0, -2.0], [-1.0, 2.0]]), [(W1, b1), (W2, b2)]),
        _net("one layer", 3, [2, 4], 0),
        _net("one example", 1, [2, 3, 2], 1),
        _net("three layers", 2, [3, 4, 5, 2], 9),
        _net("five layers of equal width", 3, [3, 3, 3, 3, 3, 3], 6),
        _net("float32", 4, [5, 3, 2], 4, np.float32),
    ]


def _net_forward_cases():
    return [Case(name, x, params) for name, x, params in _nets()]


def _without_relu(x, params):
    caches = []
    for W, b in params:
        x, affine_cache = affine_forward(x, W, b)
        caches.append((affine_cache, None))
    return x, caches


def _relu_first(x, params):
    caches = []
    for W, b in params:
        caches.append((x, W, b))
        x, _ = affine_forward(np.maximum(x, 0), W, b)
    return x, caches


def _always_the_input(x, params):
    z, caches = None, []
    for W, b in params:
        z, affine_cache = affine_forward(x, W, b)
        caches.append((affine_cache, z))
    return z, caches


def _afterwards(change):
    """Return net_forward with its logits and caches changed at the end."""
    return lambda x, params: change(*net_forward(x, params))


def _with_z_for_the_last(logits, caches):
    return [*caches[:-1], (caches[-1][0], logits)]


NET_FORWARD = Exercise(
    answer=net_forward,
    elsewhere="nn_helpers.ClassificationNet.forward does the same; it keeps the caches for backward itself.",
    lesson=LESSON,
    section="N layers",
    returns=("logits", "caches"),
    partner="net_backward",
    cases=_net_forward_cases,
    mistakes={
        "relu-after-the-last": Mistake(
            _afterwards(lambda logits, caches: (np.maximum(logits, 0), _with_z_for_the_last(logits, caches))),
            "There is a ReLU after the last layer too. The logits are the last affine layer's z, as it is: "
            "softmax needs negative ones as well, and a class whose logit is cut to 0 gets no gradient.",
        ),
        "no-relu": Mistake(
            _without_relu,
            "The ReLU between the layers is missing. Without it the whole stack is one affine layer in "
            "disguise: (xW₁)W₂ = x(W₁W₂).",
        ),
        "relu-first": Mistake(
            _relu_first,
            "Yours puts ReLU in front of every layer, so the input itself loses its negative numbers. The "
            "order is affine, ReLU, affine, ReLU, …, affine.",
        ),
        "always-the-input": Mistake(
            _always_the_input,
            "Every layer gets x, the network's input. Only the first one should: the others get what the "
            "layer before them returned, a.",
        ),
        "last-layer-missing": Mistake(
            _afterwards(lambda logits, caches: (caches[-1][0][0], caches[:-1])),
            "The last layer is missing: you return the a that should go into it. Its (W, b) is `params[-1]`.",
        ),
        "affine-caches-only": Mistake(
            _afterwards(lambda logits, caches: (logits, [affine_cache for affine_cache, _ in caches])),
            "The logits are right, but you kept the affine layers' caches only. The way back through a ReLU "
            "needs its own cache too: append the pair, `(affine_cache, relu_cache)`.",
        ),
        "z-for-the-last": Mistake(
            _afterwards(lambda logits, caches: (logits, _with_z_for_the_last(logits, caches))),
            "The logits are right, but the last pair holds z too. net_backward would go back through a ReLU "
            "that was never there: keep `(affine_cache, None)` for the last layer.",
        ),
        "last-cache-missing": Mistake(
            _afterwards(lambda logits, caches: (logits, caches[:-1])),
            "The logits are right, but the last layer's cache is missing. Append `(affine_cache, None)` for "
            "it: it has weights to learn, but no ReLU.",
        ),
        "last-cache-first": Mistake(
            _afterwards(lambda logits, caches: (logits, caches[::-1])),
            "The logits are right, but the list of caches begins with the last layer. Keep them in the "
            "order of the layers; it is the backward pass that goes through them in reverse.",
        ),
    },
    hints=(
        "What goes into a layer is what came out of the one before. One name for it, a, that gets a new "
        "value in each round of the loop, is enough.",
        "In the loop: affine_forward on a, then relu_forward on z, then append both caches as a pair. After "
        "the loop: affine_forward once more.",
        "`z, affine_cache = affine_forward(a, W, b)`, `a, relu_cache = relu_forward(...)`, "
        "`caches.append((affine_cache, ...))`",
    ),
    then="Now the way back: net_backward.",
)


# net_backward


def net_backward(dlogits, caches):
    """Return the list [(dW1, db1), (dW2, db2), …], the first layer first."""
    gradients = []
    da = dlogits
    for affine_cache, z in reversed(caches):
        dz = da if z is None else da * (z > 0)
        da, dW, db = affine_backward(dz, affine_cache)
        gradients.insert(0, (dW, db))
    return gradients


def _net_backward_cases():
    made = []
    for i, (name, x, params) in enumerate(_nets()):
        logits, caches = net_forward(x, params)
        dlogits = np.random.default_rng(i).integers(-3, 4, logits.shape).astype(logits.dtype)
        made.append(Case(name, dlogits, caches, forward=(x, params)))
    return made


def _walk(d, caches, before=lambda d, z: d, after=lambda d, z: d):
    """Walk through the caches in their order, with something else in place of ReLU's derivative."""
    gradients = []
    for affine_cache, z in caches:
        d = d if z is None else before(d, z)
        d, dW, db = affine_backward(d, affine_cache)
        d = d if z is None else after(d, z)
        gradients.append((dW, db))
    return gradients


def _relu_back(d, z):
    return d * (z > 0)


def _pops(dlogits, caches):
    gradients = net_backward(dlogits, list(caches))
    caches.clear()
    return gradients


NET_BACKWARD = Exercise(
    answer=net_backward,
    elsewhere="nn_helpers.ClassificationNet.backward does the same; it also adds the gradient of L2.",
    lesson=LESSON,
    section="N layers",
    returns=("gradients",),
    partner="net_forward",
    cases=_net_backward_cases,
    mistakes={
        "last-layer-first": Mistake(
            lambda dlogits, caches: net_backward(dlogits, caches)[::-1],
            "The gradients are right, but in the order in which you found them: the last layer first. They "
            "should stand as the parameters do, the first layer first: `insert(0, …)`, or turn the list "
            "around at the end.",
        ),
        "past-the-relus": Mistake(
            lambda dlogits, caches: _walk(dlogits, caches[::-1])[::-1],
            "The last layer's gradients are right, those before it are not: you walk past the ReLUs. Where "
            "z was negative nothing got through, so nothing comes back: relu_backward with that layer's "
            "ReLU cache.",
        ),
        "relu-too-late": Mistake(
            lambda dlogits, caches: _walk(dlogits, caches[::-1], after=_relu_back)[::-1],
            "In each layer you go back through the affine part first and through its ReLU afterwards. "
            "Forwards it was affine, then ReLU; backwards everything is reversed: first the ReLU, then the "
            "affine part.",
        ),
        "relu-of-the-gradient": Mistake(
            lambda dlogits, caches: _walk(dlogits, caches[::-1], lambda d, z: np.maximum(d, 0))[::-1],
            "You cut the gradient itself at 0. What decides is the sign of z on the way forward, which is "
            "in the ReLU's cache: relu_backward, not relu_forward.",
        ),
        "from-the-front": Mistake(
            lambda dlogits, caches: _walk(dlogits, caches, _relu_back),
            "dlogits belongs to the last layer, but you begin with the first. Walk through the caches in "
            "reverse: `reversed(caches)`.",
        ),
        "always-dlogits": Mistake(
            lambda dlogits, caches: [
                affine_backward(dlogits, affine_cache)[1:] for affine_cache, _ in caches
            ],
            "Every layer gets dlogits. Only the last one should: the others get what the layer after them "
            "hands back, its dx, after the ReLU.",
        ),
        "uses-up-the-caches": Mistake(
            _pops,
            "The gradients are right, but the caches are gone: `pop` takes them out of the caller's own "
            "list. A second call would find it empty. Walk through `reversed(caches)`, which takes nothing "
            "away.",
        ),
    },
    hints=(
        "Everything in reverse: the last layer first, and within a layer the ReLU before the affine part.",
        "relu_backward turns da into dz, with the layer's ReLU cache. affine_backward turns dz into da of "
        "the layer before, and dW and db on the side.",
        "`dz = relu_backward(da, relu_cache)`, `da, dW, db = affine_backward(...)`, "
        "`gradients.insert(0, (dW, db))`",
    ),
    then="All gradients of a network of any depth, from one walk back.",
)


# he_init


def he_init(sizes, rng):
    """Return a list of (W, b): W normal with standard deviation √(2/D), b zero."""
    params = []
    for i in range(len(sizes) - 1):
        D, M = sizes[i], sizes[i + 1]
        W = rng.standard_normal((D, M)) * np.sqrt(2 / D)
        b = np.zeros(M)
        params.append((W, b))
    return params


def _he_init_cases():
    return [
        Case("two layers", [50, 400, 50], np.random.default_rng(3)),
        Case("one layer", [300, 100], np.random.default_rng(4)),
        Case("three layers", [200, 150, 150, 200], np.random.default_rng(5)),
    ]


def _weights_and_biases(f, sizes, rng):
    """Describe random weights by what is known of them, and return the biases as they are."""
    start = copy.deepcopy(rng)
    params, second, again = f(sizes, rng), f(sizes, rng), f(sizes, start)
    for made in (params, second, again):
        _expect_layers(made, sizes)
    weights = [W for W, _ in params]
    scaled = [np.abs(W / (W.std() or 1.0)).round(6).ravel() for W in weights]  # a sign makes no other draw
    return {
        "shape of W": [W.shape for W in weights],
        "standard deviation of W": [W.std() for W in weights],
        "share of positive numbers in W": [np.mean(W > 0) for W in weights],
        "share of numbers in W within half a standard deviation": [np.mean(each < 0.5) for each in scaled],
        "share of numbers in W beyond two standard deviations": [np.mean(each > 2) for each in scaled],
        "share of different numbers in all W": len(np.unique(np.concatenate(scaled)))
        / sum(W.size for W in weights),
        "b": [b for _, b in params],
        "whether each array is one of its own": _are_independent([a for pair in params for a in pair]),
        "other weights at the next call": not any(map(np.array_equal, weights, [W for W, _ in second])),
        "the same weights with the same rng": all(map(np.array_equal, weights, [W for W, _ in again])),
    }


def _are_independent(arrays):
    """Say whether all arrays can be changed, each without any other."""
    pairs = itertools.combinations(arrays, 2)
    return all(a.flags.writeable for a in arrays) and not any(
        map(np.shares_memory, *zip(*pairs, strict=True))
    )


def _expect_layers(params, sizes):
    if not isinstance(params, list | tuple):
        raise MalformedResult("he_init returns a list with one pair (W, b) for each layer.")
    if len(params) != len(sizes) - 1:
        raise MalformedResult(
            f"There is one layer between each two neighbours in sizes, {len(sizes) - 1} in all. Your list "
            f"holds {len(params)}."
        )
    for pair in params:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise MalformedResult("Each entry of the list should be a pair (W, b).")
        if not isinstance(pair[0], np.ndarray) or pair[0].ndim != 2:
            raise MalformedResult("Each W should be an array with two axes, of shape (D, M).")
        if not isinstance(pair[1], np.ndarray):
            raise MalformedResult("Each b should be an array of shape (M,).")


def _init_with(std=lambda D, M: np.sqrt(2 / D), draw=lambda rng, shape: rng.standard_normal(shape)):
    """Return he_init with another standard deviation, or with other draws."""

    def wrong(sizes, rng):
        return [(draw(rng, (D, M)) * std(D, M), np.zeros(M)) for D, M in pairwise(sizes)]

    return wrong


def _random_biases(sizes, rng):
    return [(W, rng.standard_normal(b.shape) * np.sqrt(2 / len(W))) for W, b in he_init(sizes, rng)]


HE_INIT = Exercise(
    answer=he_init,
    elsewhere="nn_helpers.ClassificationNet does the same when it is made; init takes other deviations.",
    lesson=LESSON,
    section="The first weights",
    observe=_weights_and_biases,
    cases=_he_init_cases,
    tolerances={
        "standard deviation of W": 0.05,
        "share of positive numbers in W": 0.1,
        "share of numbers in W within half a standard deviation": 0.1,
        "share of numbers in W beyond two standard deviations": 0.2,
        "share of different numbers in all W": 0.05,
    },
    floats=("b",),
    mistakes={
        "variance-for-deviation": Mistake(
            _init_with(lambda D, M: 2 / D),
            "2/D is the variance. The standard deviation, by which you multiply normal numbers, is its "
            "root: √(2/D).",
        ),
        "without-the-two": Mistake(
            _init_with(lambda D, M: np.sqrt(1 / D)),
            "This is √(1/D). It would be right without ReLU; but ReLU cuts off one half, so the mean square "
            "halves in every layer. The 2 puts that back: √(2/D).",
        ),
        "xavier": Mistake(
            _init_with(lambda D, M: np.sqrt(2 / (D + M))),
            "√(2/(D + M)) is Xavier Glorot's rule, made for tanh. He's, for ReLU, has the number of inputs "
            "alone: √(2/D).",
        ),
        "outputs-for-inputs": Mistake(
            _init_with(lambda D, M: np.sqrt(2 / M)),
            "You divide by M, the number of outputs. A z is a sum over the D inputs, so it is D that "
            "decides how large it gets: √(2/D).",
        ),
        "no-scale": Mistake(
            _init_with(lambda D, M: 1.0),
            "These weights have the standard deviation 1, whatever D is. Multiply them by √(2/D).",
        ),
        "one-size-for-all": Mistake(
            _init_with(lambda D, M: 0.01),
            "Every layer gets the standard deviation 0.01. The sum over D inputs then shrinks or grows with "
            "D, layer after layer. Let D decide: √(2/D).",
        ),
        "zero-weights": Mistake(
            _init_with(lambda D, M: 0.0),
            "All weights are 0. Then all units of a layer compute the same and get the same gradient, for "
            "ever. They have to begin differently: at random.",
        ),
        "uniform": Mistake(
            _init_with(draw=lambda rng, shape: rng.random(shape)),
            "`rng.random` draws between 0 and 1: no negative weight, and a mean of one half. Draw from the "
            "normal distribution around 0: `rng.standard_normal`.",
        ),
        "transposed": Mistake(
            lambda sizes, rng: [(W.T, b) for W, b in he_init(sizes, rng)],
            "W has the shape (D, M): a row for each input, a column for each output. Yours is (M, D).",
            section="One layer, forwards",
        ),
        "random-biases": Mistake(
            _random_biases,
            "The weights are right, but the biases are random too. They begin at 0: the weights already "
            "make the units different.",
        ),
        "own-generator": Mistake(
            ignore_rng(he_init, 0),
            "You make a generator of your own, so two networks can never begin differently, whatever rng is "
            "given. Draw from the argument: `rng.standard_normal`.",
        ),
        "no-seed": Mistake(
            ignore_rng(he_init),
            "You make a generator of your own, without a seed, so nobody can ever make the same network "
            "again. Draw from the argument: `rng.standard_normal`.",
        ),
        "flat-list": Mistake(
            lambda sizes, rng: [array for pair in he_init(sizes, rng) for array in pair],
            "W and b stand one after the other in a flat list. Each layer is a pair of its own: "
            "`params.append((W, b))`.",
        ),
    },
    hints=(
        "`rng.standard_normal((D, M))` has the standard deviation 1. Multiply it by the one you want.",
        "For a layer with D inputs that is √(2/D). The biases are zeros, M of them.",
        "`W = rng.standard_normal((D, M)) * np.sqrt(...)`, `b = np.zeros(...)`",
    ),
    then="With it a network ten layers deep begins in good health.",
)

EXERCISES = [AFFINE_FORWARD, AFFINE_BACKWARD, NET_FORWARD, NET_BACKWARD, HE_INIT]
