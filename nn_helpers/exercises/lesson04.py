"""Lesson 04: optimizers, each one step in place, and the mini-batches that they learn from."""

import copy
import itertools
from itertools import combinations

import numpy as np

from nn_helpers.exercises.checking.wording import a_kind_of
from nn_helpers.exercises.exercise import Case, Exercise, MalformedResult, Mistake
from nn_helpers.exercises.faulty_answers import ignore_rng, overwrite, rebind

LESSON = "04_optimizers"


def _no_change(*arrays):
    *others, last = arrays
    names = f"{', '.join(others)} and {last} are" if others else f"{last} is"
    return (
        f"{names} after the call what {'they were' if others else 'it was'} before. `{arrays[0]} = …` gives "
        "the name to a new array, which is forgotten at the end of the function, even if it is returned: "
        f"nobody keeps it. Change the array that came in, with `{arrays[0]} -= …`, `{arrays[0]} += …` or "
        f"`{arrays[0]} *= …`."
    )


# sgd_step


def sgd_step(theta, gradient, lr):
    """Change theta in place: θ ← θ − α g."""
    theta -= lr * gradient


def _sgd_step_cases():
    rng = np.random.default_rng(40)
    return [
        Case("two parameters", np.array([1.0, 2.0]), np.array([0.5, -4.0]), 0.1),
        Case("a gradient of 0", np.array([1.0, 2.0]), np.array([0.0, 0.0]), 0.1),
        Case("a small learning rate", np.array([3.0, 0.0, -1.0]), np.array([2.0, 1.0, 1.0]), 0.001),
        Case("a large learning rate", np.array([3.0, 0.0, -1.0]), np.array([2.0, 1.0, 1.0]), 3.0),
        Case("large numbers", np.array([3e4, 0.0, -1.0]), np.array([-2e6, 70.0, 300.0]), 0.1),
        Case("a matrix", *rng.standard_normal((2, 3, 4)), 0.05),
        Case("float32", *rng.standard_normal((2, 5)).astype(np.float32), 0.05),
    ]


def _sgd(theta, step):
    """Take a wrong step."""
    theta -= step


def _length(gradient):
    return np.sqrt((gradient**2).sum()) or 1.0


SGD_STEP = Exercise(
    answer=sgd_step,
    elsewhere="nn_helpers.optimizers.SGD does the same in place, for all parameters at once.",
    lesson=LESSON,
    section="Gradient descent",
    in_place=("theta",),
    cases=_sgd_step_cases,
    mistakes={
        "uphill": Mistake(
            lambda theta, gradient, lr: _sgd(theta, -lr * gradient),
            "This goes uphill: the gradient points to where the loss grows. Subtract it.",
        ),
        "rebinds": Mistake(rebind(sgd_step, "theta"), _no_change("theta")),
        "no-learning-rate": Mistake(
            lambda theta, gradient, lr: _sgd(theta, gradient),
            "You subtract the whole gradient. The learning rate says how much of it: lr times the gradient.",
        ),
        "divided-by-learning-rate": Mistake(
            lambda theta, gradient, lr: _sgd(theta, gradient / lr),
            "You divide by the learning rate, so that a smaller one makes a longer step. Multiply: α is the "
            "step's length for a gradient of 1.",
        ),
        "forgets-theta": Mistake(
            lambda theta, gradient, lr: np.copyto(theta, -lr * gradient),
            "You put the step itself into theta, and where it was is lost. The step goes on top: "
            "θ − α g, from the old θ.",
        ),
        "changes-gradient": Mistake(
            overwrite(sgd_step, "gradient", lambda theta, gradient, lr: lr * gradient),
            "theta is right, but the gradient is changed too: `gradient *= lr` writes into the caller's "
            "array. Write `lr * gradient`, which makes a new one.",
        ),
        "unit-length": Mistake(
            lambda theta, gradient, lr: _sgd(theta, lr * gradient / _length(gradient)),
            "You divide the gradient by its length, so that every step is equally long. In gradient descent "
            "the steps get shorter where the ground is flat: leave the gradient as it is.",
        ),
        "sign-only": Mistake(
            lambda theta, gradient, lr: _sgd(theta, lr * np.sign(gradient)),
            "You use the sign of the gradient alone. How steep it is counts as well: subtract α times the "
            "gradient itself.",
        ),
    },
    hints=(
        "The formula is θ ← θ − α g. The arrow means that the old θ is overwritten, in the array that the "
        "caller passed.",
        "`theta = …` would make a new array and leave the caller's as it is. An operator with an `=` in it "
        "changes the array itself.",
        "`theta -= lr * ...`",
    ),
    then="It walks down the ravine in the next cell, and through a network's parameters after that.",
)


# minibatches


def minibatches(N, batch_size, rng, drop_last=True):
    """Yield the indices 0 … N − 1 in a new random order, batch_size at a time: one epoch."""
    order = rng.permutation(N)
    end = N - N % batch_size if drop_last else N
    for start in range(0, end, batch_size):
        yield order[start : start + batch_size]


def _minibatches_cases():
    def rng():
        return np.random.default_rng(41)

    return [
        Case("10 images in batches of 4", 10, 4, rng(), True),
        Case("10 images in batches of 4, all to be used", 10, 4, rng(), False),
        Case("drop_last left out", 10, 4, rng()),
        Case("12 images in batches of 4", 12, 4, rng(), True),
        Case("12 images in batches of 4, all to be used", 12, 4, rng(), False),
        Case("500 images in batches of 8", 500, 8, rng(), True),
        Case("all images in one batch", 9, 9, rng(), True),
        Case("batches of one", 9, 1, rng(), True),
        Case("fewer images than a batch", 9, 16, rng(), False),
    ]


def _epoch(f, N, *rest):
    """Return one epoch's batches as a list of index arrays."""
    given = f(N, *rest)
    try:
        iterator = iter(given)
    except TypeError:
        raise MalformedResult(
            "minibatches gives one batch after the other, with `yield`, or a list of them all; yours gives "
            f"{a_kind_of(given)}."
        ) from None
    found = [_indices(batch) for batch in itertools.islice(iterator, N + 2)]
    if len(found) > N + 1:
        raise MalformedResult(f"An epoch of {N} examples has at most {N} batches; yours does not stop there.")
    return found


def _indices(batch):
    try:
        indices = np.asarray(batch)
    except Exception:
        indices = np.array(None)
    if indices.ndim == 0 and indices.dtype.kind in "iu":
        raise MalformedResult(
            "Each batch is an array of indices; yours gives single numbers. `return` inside a loop ends the "
            "function with the first batch, and `yield` in its place hands over one and goes on."
        )
    if isinstance(batch, tuple):
        raise MalformedResult(
            "Each batch is an array of indices; yours gives tuples, and `images[batch]` takes the numbers of "
            "a tuple for one place along several axes. `np.array(batch)` makes an array."
        )
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        raise MalformedResult(
            f"Each batch is an array of indices, whole numbers with one axis; yours gives {a_kind_of(batch)}."
        )
    return indices


def _observe_minibatches(f, N, batch_size, rng, *drop_last):
    """Look at two epochs in a row, and at one from an equal generator."""
    equal = copy.deepcopy(rng)
    first, second = (_epoch(f, N, batch_size, rng, *drop_last) for _ in range(2))
    again = _epoch(f, N, batch_size, equal, *drop_last)
    one, two, three = (np.concatenate([[], *epoch]) for epoch in (first, second, again))
    many = len(one) > 100  # fewer may come in such an order by chance
    more = [first, second, *(_epoch(f, N, batch_size, rng, *drop_last) for _ in range(15 if many else 0))]
    members = [{tuple(np.sort(batch)) for batch in epoch} for epoch in (first, second)]
    sizes = [len(batch) for batch in first] or [0]
    return {
        "whether an index comes twice in an epoch": len(np.unique(one)) < len(one),
        "whether the order is that of the data": many and bool(np.mean(abs(np.diff(one)) == 1) > 0.05),
        "whether some indices always come early": many and _come_early(more, N),
        "whether some indices stay together": many and _stay_together(first, second),
        "whether the second epoch has the order of the first": np.array_equal(one, two),
        "whether the second epoch has the same batches": many and members[0] == members[1],
        "whether equal generators give equal orders": np.array_equal(one, three),
        "how many batches there are": len(first),
        "size of the largest batch": max(sizes),
        "size of the smallest batch": min(sizes),
        "how many indices lie outside 0 … N − 1": int(np.sum((one < 0) | (one >= N))),
    }


def _come_early(epochs, N):
    """Say whether the mean place of an index in an epoch depends on the index more than by chance."""
    places = np.full((len(epochs), N), 0.5)
    for place, epoch in zip(places, epochs, strict=True):
        order = np.concatenate([[], *epoch]).astype(int)
        place[order % N] = np.linspace(0, 1, len(order))
    return bool(places.mean(axis=0).std() > 2 * np.sqrt(1 / 12 / len(epochs)))


def _stay_together(first, second):
    """Say whether more pairs than by chance share a batch in both epochs: of 500 in eights, 1.4 %."""
    batch_of = {int(index): i for i, batch in enumerate(second) for index in batch}
    pairs = [
        batch_of.get(int(a)) == batch_of.get(int(b)) for batch in first for a, b in combinations(batch, 2)
    ]
    return bool(np.mean(pairs) > 0.06) if pairs else False


def _cut(order, batch_size):
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def _wrong_batches(order=lambda N, rng: np.arange(N), afterwards=lambda cut, rng: cut):
    """Return minibatches that cut up another order, or do something to the batches afterwards."""

    def wrong(N, batch_size, rng, drop_last=True):
        end = N - N % batch_size if drop_last else N
        return afterwards(_cut(order(N, rng)[:end], batch_size), rng)

    return wrong


def _fill_up(N, batch_size, rng, drop_last=True):
    order = rng.permutation(N)
    return _cut(np.resize(order, -(-N // batch_size) * batch_size), batch_size)


MINIBATCHES = Exercise(
    answer=minibatches,
    elsewhere="nn_helpers.data.batches does the same, and yields the examples in place of their indices.",
    lesson=LESSON,
    section="Mini-batches",
    observe=_observe_minibatches,
    cases=_minibatches_cases,
    mistakes={
        "no-shuffle": Mistake(
            _wrong_batches(),
            "The batches come in the order of the data, and in every epoch the same. Draw a new order first: "
            "`rng.permutation(N)`.",
        ),
        "same-order-every-epoch": Mistake(
            ignore_rng(minibatches, 0),
            "Every epoch has the same order, because you make a generator with a fixed seed in the function. "
            "Draw from rng: it goes on where it was, so each call gives another order.",
        ),
        "unseeded-generator": Mistake(
            ignore_rng(minibatches),
            "You draw from a generator of your own, and nobody can repeat your training. Draw from the "
            "argument rng: equal generators then give equal orders.",
        ),
        "with-replacement": Mistake(
            _wrong_batches(lambda N, rng: rng.integers(0, N, N)),
            "Some indices come twice in an epoch, so others do not come at all: you draw with replacement, "
            "or for each batch anew. Shuffle all N once, then cut the order into pieces.",
        ),
        "drawn-for-each-batch": Mistake(
            lambda N, batch_size, rng, drop_last=True: [
                rng.choice(N, batch_size, replace=False) for _ in range(N // batch_size)
            ],
            "You draw each batch anew from all N, so some indices come twice in an epoch and others not at "
            "all. And drop_last=False makes no difference. Shuffle all N once, then cut the order into "
            "pieces.",
        ),
        "drop-last-ignored": Mistake(
            lambda N, batch_size, rng, drop_last=True: minibatches(N, batch_size, rng, False),
            "With drop_last=True the last batch is left out when it is smaller than the others. Yours still "
            "comes. The last full batch ends at N − N % batch_size.",
        ),
        "always-drops": Mistake(
            lambda N, batch_size, rng, drop_last=True: minibatches(N, batch_size, rng, True),
            "You drop the smaller last batch even with drop_last=False. Then every index should come: the "
            "batches go on up to N.",
        ),
        "drop-last-inverted": Mistake(
            lambda N, batch_size, rng, drop_last=True: minibatches(N, batch_size, rng, not drop_last),
            "drop_last works the wrong way round: True is to leave out the smaller last batch, False to keep "
            "it.",
        ),
        "one-batch-too-few": Mistake(
            lambda N, batch_size, rng, drop_last=True: _cut(rng.permutation(N), batch_size)[:-1],
            "The last batch is missing even when it is full. `range(0, end, batch_size)` leaves out `end` "
            "itself, so `N - batch_size` ends one batch too early.",
        ),
        "as-many-batches": Mistake(
            lambda N, batch_size, rng, drop_last=True: np.array_split(rng.permutation(N), batch_size),
            lambda example: (
                f"You make {example.args['batch_size']} batches. batch_size is how many indices there are in "
                "each; how many batches that makes depends on N."
            ),
        ),
        "reshaped": Mistake(
            lambda N, batch_size, rng, drop_last=True: rng.permutation(N).reshape(-1, batch_size),
            "`reshape(-1, batch_size)` needs an N that batch_size divides. The last batch may be smaller. "
            "Cut with slices: `order[start : start + batch_size]`.",
        ),
        "batches-in-random-order": Mistake(
            _wrong_batches(
                afterwards=lambda batches, rng: [batches[i] for i in rng.permutation(len(batches))]
            ),
            "You shuffle the batches, but what is in a batch stays together: neighbours in the data, epoch "
            "after epoch. Shuffle the indices first, then cut.",
        ),
        "shuffled-within-batches": Mistake(
            _wrong_batches(afterwards=lambda cut, rng: list(map(rng.permutation, cut))),
            "You shuffle within each batch, so that every epoch has the same batches. The gradient is a mean "
            "over the batch, and to that the order within it is all one. Shuffle all N first, then cut.",
        ),
        "filled-up": Mistake(
            _fill_up,
            "You fill the last batch up with indices that have been used already. Leave it out with "
            "drop_last=True, and leave it short with False.",
        ),
    },
    hints=(
        "Two steps: put 0 … N − 1 into a random order, then cut that order into pieces. For the first, "
        "`rng.permutation(N)`.",
        "With drop_last the pieces end at the largest multiple of batch_size that is not above N. "
        "`N % batch_size` is what is left over.",
        "`order = rng.permutation(N)` and `end = N - N % batch_size if drop_last else ...`",
    ),
    then="Each call is one epoch, in an order of its own. Next it walks down a ravine and trains a network.",
)


# momentum_step


def momentum_step(theta, gradient, v, lr, beta):
    """Change v and theta in place: v ← βv − αg, then θ ← θ + v."""
    v *= beta
    v -= lr * gradient
    theta += v


def _momentum_step_cases():
    rng = np.random.default_rng(42)
    theta, gradient = np.array([1.0, 2.0]), np.array([0.5, -4.0])
    single = np.float32
    return [
        Case("two parameters that move already", theta, gradient, np.array([0.25, -0.5]), 0.2, 0.9),
        Case("the first step, v = 0", theta, gradient, np.zeros(2), 0.2, 0.9),
        Case("a gradient of 0", theta, np.zeros(2), np.array([0.25, -0.5]), 0.2, 0.9),
        Case("β = 0", theta, gradient, np.array([0.25, -0.5]), 0.2, 0.0),
        Case("large numbers", np.array([3e4, -1.0]), np.array([-2e6, 70.0]), np.array([4e5, 90.0]), 0.2, 0.9),
        Case("a matrix", *rng.standard_normal((3, 3, 4)), 0.05, 0.8),
        Case("float32", *rng.standard_normal((2, 5)).astype(single), np.ones(5, single), 0.05, 0.8),
    ]


def _wrong_momentum(new_v=lambda v, g, lr, beta: beta * v - lr * g, step=lambda old, v, g, lr, beta: v):
    """Return momentum with one of its two lines replaced, or both."""

    def wrong(theta, gradient, v, lr, beta):
        old = v.copy()
        v[...] = new_v(v, gradient, lr, beta)
        theta += step(old, v, gradient, lr, beta)

    return wrong


def _rebinding(answer, memory):
    """Return the mistakes of changing a new array in place of the memory, of theta, or of both."""

    def mistake(praise, *names):
        return Mistake(rebind(answer, *names), praise + _no_change(*names))

    return {
        f"{memory}-rebound": mistake("theta is right in this step. But ", memory),
        "theta-rebound": mistake(f"{memory} is right. But ", "theta"),
        "nothing-changes": mistake("", "theta", memory),
    }


MOMENTUM_STEP = Exercise(
    answer=momentum_step,
    elsewhere="nn_helpers.optimizers.Momentum does the same for all parameters at once, and keeps v itself.",
    lesson=LESSON,
    section="Momentum",
    in_place=("theta", "v"),
    cases=_momentum_step_cases,
    mistakes={
        "uphill": Mistake(
            _wrong_momentum(new_v=lambda v, g, lr, beta: beta * v + lr * g),
            "You add the gradient to the speed, so it accelerates uphill. v ← βv − αg: minus.",
        ),
        "theta-minus-v": Mistake(
            _wrong_momentum(step=lambda old, v, g, lr, beta: -v),
            "You subtract v from theta. The minus is in v already, so that v points downhill: θ ← θ + v.",
        ),
        "as-in-pytorch": Mistake(
            _wrong_momentum(lambda v, g, lr, beta: beta * v + g, lambda old, v, g, lr, beta: -lr * v),
            "This is momentum as PyTorch writes it: v ← βv + g and θ ← θ − αv. It is a good rule, but not "
            "the lesson's: here v is the step itself, α and minus sign included. v ← βv − αg; θ ← θ + v.",
        ),
        "weighted-mean": Mistake(
            _wrong_momentum(
                lambda v, g, lr, beta: beta * v + (1 - beta) * g, lambda old, v, g, lr, beta: -lr * v
            ),
            "You keep a weighted mean of the gradients, with 1 − β before the new one, as Adam will do. "
            "Momentum adds up: v ← βv − αg; θ ← θ + v.",
        ),
        "beta-exchanged": Mistake(
            _wrong_momentum(new_v=lambda v, g, lr, beta: (1 - beta) * v - lr * g),
            "You keep the share 1 − β of the speed. β itself is the share that is kept: β = 0.9 keeps nine "
            "tenths.",
        ),
        "one-minus-beta-before-gradient": Mistake(
            _wrong_momentum(new_v=lambda v, g, lr, beta: beta * v - (1 - beta) * lr * g),
            "There is a factor 1 − β before the gradient that does not belong there: v ← βv − αg.",
        ),
        **_rebinding(momentum_step, "v"),
        "no-friction": Mistake(
            _wrong_momentum(new_v=lambda v, g, lr, beta: v - lr * g),
            "You keep the whole speed: β is missing. Without it nothing ever slows down.",
        ),
        "no-memory": Mistake(
            _wrong_momentum(new_v=lambda v, g, lr, beta: -lr * g),
            "You forget the speed that was there, so this is plain SGD. Keep the share β of it: v ← βv − αg.",
        ),
        "theta-first": Mistake(
            _wrong_momentum(step=lambda old, v, g, lr, beta: old),
            "You move theta with the old speed and change the speed afterwards. First v ← βv − αg, then "
            "θ ← θ + v with the new one.",
        ),
        "learning-rate-twice": Mistake(
            _wrong_momentum(step=lambda old, v, g, lr, beta: lr * v),
            "The learning rate comes in twice: it is in v already, so θ ← θ + v without it.",
        ),
        "nesterov": Mistake(
            _wrong_momentum(step=lambda old, v, g, lr, beta: beta * v - lr * g),
            "This is Nesterov's momentum, which looks a step ahead: θ ← θ + βv − αg, with the new v. The "
            "lesson's is plainer: θ ← θ + v.",
        ),
    },
    hints=(
        "Two lines of formula: first v ← βv − αg, then θ ← θ + v with the new v. Both arrays are changed in "
        "place.",
        "`v = beta * v - …` would make a new array, and the speed would be forgotten. Do it in two steps: "
        "first `v *= …`, then `v -= …`.",
        "`v *= beta`, then `v -= lr * ...`, then `theta += ...`",
    ),
    then="It walks in the next cell, then it trains a network.",
)


# rmsprop_step


def rmsprop_step(theta, gradient, s, lr, beta, eps):
    """Change s and theta in place: s ← βs + (1 − β)g², then θ ← θ − αg / (√s + ε)."""
    s *= beta
    s += (1 - beta) * gradient**2
    theta -= lr * gradient / (np.sqrt(s) + eps)


def _rmsprop_step_cases():
    rng = np.random.default_rng(43)
    theta, gradient, s = np.array([1.0, 2.0]), np.array([0.5, -4.0]), np.array([0.25, 9.0])
    single = np.float32
    small = np.array([1e-4, -2e-3])
    return [
        Case("two parameters", theta, gradient, s, 0.1, 0.8, 1e-8),
        Case("the first step, s = 0", theta, gradient, np.zeros(2), 0.1, 0.8, 1e-8),
        Case(
            "a gradient that was always 0", theta, np.array([0.0, -4.0]), np.array([0.0, 9.0]), 0.1, 0.8, 1e-8
        ),
        Case("gradients as small as ε", theta, small, np.array([1e-8, 1e-6]), 0.1, 0.8, 1e-3),
        Case("large numbers", 1e4 * theta, 1e4 * gradient, 1e6 * s, 30.0, 0.8, 1e-8),
        Case("a matrix", *rng.standard_normal((2, 3, 4)), rng.random((3, 4)), 0.05, 0.99, 1e-8),
        Case("float32", *rng.standard_normal((2, 5)).astype(single), np.ones(5, single), 0.05, 0.9, 1e-6),
    ]


def _wrong_rmsprop(
    new_s=lambda s, g, beta: beta * s + (1 - beta) * g**2,
    step=lambda g, old, s, lr, eps: lr * g / (np.sqrt(s) + eps),
):
    """Return RMSprop with one of its two lines replaced."""

    def wrong(theta, gradient, s, lr, beta, eps):
        old = s.copy()
        s[...] = new_s(s, gradient, beta)
        theta -= step(gradient, old, s, lr, eps)

    return wrong


RMSPROP_STEP = Exercise(
    answer=rmsprop_step,
    elsewhere="nn_helpers.optimizers.RMSprop does the same for all parameters at once, and keeps s itself.",
    lesson=LESSON,
    section="RMSprop",
    in_place=("theta", "s"),
    cases=_rmsprop_step_cases,
    mistakes={
        "not-squared": Mistake(
            _wrong_rmsprop(new_s=lambda s, g, beta: beta * s + (1 - beta) * g),
            "You take the mean of the gradients, which can be negative and then has no root. s is the mean "
            "of their squares: g².",
        ),
        "no-root": Mistake(
            _wrong_rmsprop(step=lambda g, old, s, lr, eps: lr * g / (s + eps)),
            "You divide by s, and s is in squares of gradients. Divide by its root: g / √s is about 1 in "
            "size, whatever the units of the gradient.",
        ),
        "eps-inside-the-root": Mistake(
            _wrong_rmsprop(step=lambda g, old, s, lr, eps: lr * g / np.sqrt(s + eps)),
            "ε stands inside the root in yours: √(s + ε). The formula adds it outside: √s + ε. With "
            "ε = 10⁻⁸ the one acts from gradients of 10⁻⁴ down, the other from 10⁻⁸.",
        ),
        "no-eps": Mistake(
            _wrong_rmsprop(step=lambda g, old, s, lr, eps: lr * g / np.sqrt(s)),
            "ε is missing. Where a gradient was always 0 you divide 0 by 0, and that parameter is lost: add "
            "ε to the root.",
        ),
        "beta-exchanged": Mistake(
            _wrong_rmsprop(new_s=lambda s, g, beta: (1 - beta) * s + beta * g**2),
            "β and 1 − β are exchanged: β is the share of the old mean that is kept.",
        ),
        "sum-of-squares": Mistake(
            _wrong_rmsprop(new_s=lambda s, g, beta: s + g**2),
            "You add up all squares, so s only ever grows and the steps get shorter and shorter: that is "
            "AdaGrad. RMSprop forgets: s ← βs + (1 − β)g².",
        ),
        "no-one-minus-beta": Mistake(
            _wrong_rmsprop(new_s=lambda s, g, beta: beta * s + g**2),
            "1 − β before g² is missing. With it s is a weighted mean of the squares; without it s is "
            "1 / (1 − β) times too large.",
        ),
        "old-mean": Mistake(
            _wrong_rmsprop(step=lambda g, old, s, lr, eps: lr * g / (np.sqrt(old) + eps)),
            "You divide by the root of the old s, which is 0 in the first step. First change s, then divide "
            "by the root of the new one.",
        ),
        "uphill": Mistake(
            _wrong_rmsprop(step=lambda g, old, s, lr, eps: -lr * g / (np.sqrt(s) + eps)),
            "This goes uphill: subtract the step from theta.",
        ),
        "multiplied": Mistake(
            _wrong_rmsprop(step=lambda g, old, s, lr, eps: lr * g * (np.sqrt(s) + eps)),
            "You multiply by the root. Divide: where gradients are usually large, the step is to be small.",
        ),
        "missing-brackets": Mistake(
            _wrong_rmsprop(step=lambda g, old, s, lr, eps: lr * g / np.sqrt(s) + eps),
            "`g / np.sqrt(s) + eps` divides first and adds ε to the quotient. Put brackets around the whole "
            "denominator.",
        ),
        **_rebinding(rmsprop_step, "s"),
    },
    hints=(
        "Two lines: s ← βs + (1 − β)g², then θ ← θ − αg / (√s + ε) with the new s. Both arrays are changed "
        "in place.",
        "`s *= beta`, then add what is new. `gradient**2` squares every number; `np.sqrt(s)` is the root of "
        "every number.",
        "`s += (1 - beta) * ...` and `theta -= lr * gradient / (... + eps)`",
    ),
    then="Half of Adam is done. In the next cell it walks down the ravine.",
)


# adam_step


def adam_step(theta, gradient, m, v, t, lr, beta1, beta2, eps):
    """Change m, v and theta in place; t is the number of this step, counted from 1."""
    m *= beta1
    m += (1 - beta1) * gradient
    v *= beta2
    v += (1 - beta2) * gradient**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    theta -= lr * m_hat / (np.sqrt(v_hat) + eps)


def _adam_step_cases():
    rng = np.random.default_rng(44)
    theta, gradient = np.array([1.0, 2.0]), np.array([0.5, -4.0])
    m, v = np.array([0.25, 1.0]), np.array([0.5, 9.0])
    single = np.float32
    memory = single([np.zeros(5), np.ones(5)])
    tiny = np.array([1e-4, -2e-3]), np.array([1e-5, 1e-4]), np.array([1e-9, 1e-7])
    return [
        Case("the first step, m = v = 0", theta, gradient, *np.zeros((2, 2)), 1, 0.2, 0.9, 0.999, 1e-8),
        Case("step 2", theta, gradient, m, v, 2, 0.2, 0.9, 0.999, 1e-8),
        Case("step 5000", theta, gradient, m, v, 5000, 0.2, 0.9, 0.999, 1e-8),
        Case("a gradient that was always 0", theta, *np.zeros((3, 2)), 3, 0.2, 0.9, 0.999, 1e-8),
        Case("gradients as small as ε", theta, *tiny, 3, 0.2, 0.9, 0.999, 1e-3),
        Case("β₁ = 0", theta, gradient, m, v, 4, 0.2, 0.0, 0.999, 1e-8),
        Case("large numbers", 1e4 * theta, 1e4 * gradient, 1e4 * m, 1e6 * v, 2, 30.0, 0.9, 0.999, 1e-8),
        Case("a matrix", *rng.standard_normal((3, 3, 4)), rng.random((3, 4)), 7, 0.05, 0.8, 0.95, 1e-8),
        Case("float32", *rng.standard_normal((2, 5)).astype(single), *memory, 7, 0.05, 0.8, 0.95, 1e-6),
    ]


def _wrong_adam(
    new_m=lambda m, g, beta1, beta2: beta1 * m + (1 - beta1) * g,
    new_v=lambda v, g, beta1, beta2: beta2 * v + (1 - beta2) * g**2,
    correct=lambda beta, t: 1 - beta**t,
    corrected="mv",
    step=lambda m_hat, v_hat, lr, eps, g: lr * m_hat / (np.sqrt(v_hat) + eps),
):
    """Return Adam with one part of it replaced; `corrected` names the means that are corrected."""

    def wrong(theta, gradient, m, v, t, lr, beta1, beta2, eps):
        m[...] = new_m(m, gradient, beta1, beta2)
        v[...] = new_v(v, gradient, beta1, beta2)
        m_hat = m / correct(beta1, t) if "m" in corrected else m
        v_hat = v / correct(beta2, t) if "v" in corrected else v
        theta -= step(m_hat, v_hat, lr, eps, gradient)

    return wrong


def _adam_keeps_hats(theta, gradient, m, v, t, lr, beta1, beta2, eps):
    adam_step(theta, gradient, m, v, t, lr, beta1, beta2, eps)
    m /= 1 - beta1**t
    v /= 1 - beta2**t


ADAM_STEP = Exercise(
    answer=adam_step,
    elsewhere="nn_helpers.optimizers.Adam does the same for all parameters, and keeps m and v itself.",
    lesson=LESSON,
    section="Adam",
    in_place=("theta", "m", "v"),
    cases=_adam_step_cases,
    mistakes={
        "no-bias-correction": Mistake(
            _wrong_adam(corrected=""),
            "m and v are right, but you use them as they are. Both began at 0 and are still too small in the "
            "first steps: divide m by 1 − β₁ᵗ and v by 1 − β₂ᵗ.",
        ),
        "one-minus-beta": Mistake(
            _wrong_adam(correct=lambda beta, t: 1 - beta),
            "You divide by 1 − β₁ and 1 − β₂ in every step. That is right for t = 1 only. With 1 − βᵗ the "
            "correction fades away: `1 - beta1**t`.",
        ),
        "only-m-corrected": Mistake(
            _wrong_adam(corrected="m"),
            "You correct m, but not v. Both began at 0, and v, with its larger β, needs it for longer: "
            "v / (1 − β₂ᵗ).",
        ),
        "only-v-corrected": Mistake(
            _wrong_adam(corrected="v"),
            "You correct v, but not m. Both began at 0: m / (1 − β₁ᵗ).",
        ),
        "multiplied-by-correction": Mistake(
            _wrong_adam(correct=lambda beta, t: 1 / (1 - beta**t)),
            "You multiply by 1 − βᵗ, which is below 1 and makes m and v smaller still. Divide by it.",
        ),
        "beta-times-t": Mistake(
            _wrong_adam(correct=lambda beta, t: 1 - beta * t),
            "You multiply β by t. βᵗ is a power: `beta1**t`.",
        ),
        "counted-from-0": Mistake(
            _wrong_adam(correct=lambda beta, t: np.float64(1 - beta ** (t - 1))),
            "You use t − 1 in the correction. t counts from 1 here, so that the first step divides by 1 − β "
            "and not by 0.",
        ),
        "counted-from-2": Mistake(
            _wrong_adam(correct=lambda beta, t: 1 - beta ** (t + 1)),
            "You use t + 1 in the correction. t is already 1 in the first step.",
        ),
        "not-squared": Mistake(
            _wrong_adam(new_v=lambda v, g, beta1, beta2: beta2 * v + (1 - beta2) * g),
            "v is the mean of the squares, g², not of the gradients: with g alone it can be negative and has "
            "no root.",
        ),
        "no-root": Mistake(
            _wrong_adam(step=lambda m, v, lr, eps, g: lr * m / (v + eps)),
            "You divide by v̂, which is in squares of gradients. Divide by its root.",
        ),
        "eps-inside-the-root": Mistake(
            _wrong_adam(step=lambda m, v, lr, eps, g: lr * m / np.sqrt(v + eps)),
            "ε stands inside the root in yours. The formula adds it to the root: √v̂ + ε.",
        ),
        "no-eps": Mistake(
            _wrong_adam(step=lambda m, v, lr, eps, g: lr * m / np.sqrt(v)),
            "ε is missing. A parameter whose gradient was always 0, such as a dead unit's, becomes 0 / 0: "
            "NaN, and with it the whole network.",
        ),
        "betas-exchanged": Mistake(
            _wrong_adam(
                new_m=lambda m, g, beta1, beta2: beta2 * m + (1 - beta2) * g,
                new_v=lambda v, g, beta1, beta2: beta1 * v + (1 - beta1) * g**2,
            ),
            "β₁ and β₂ are exchanged: β₁ belongs to m, the mean of the gradients, β₂ to v, the mean of the "
            "squares.",
        ),
        "beta-and-one-minus-beta": Mistake(
            _wrong_adam(
                new_m=lambda m, g, beta1, beta2: (1 - beta1) * m + beta1 * g,
                new_v=lambda v, g, beta1, beta2: (1 - beta2) * v + beta2 * g**2,
            ),
            "β and 1 − β are exchanged in both means: β is the share of the old one that is kept.",
        ),
        "no-one-minus-beta": Mistake(
            _wrong_adam(
                new_m=lambda m, g, beta1, beta2: beta1 * m + g,
                new_v=lambda v, g, beta1, beta2: beta2 * v + g**2,
            ),
            "1 − β is missing before what is new, in m and in v. Without it they are sums, not means.",
        ),
        "gradient-not-m": Mistake(
            _wrong_adam(step=lambda m, v, lr, eps, g: lr * g / (np.sqrt(v) + eps)),
            "The step uses the gradient itself, so m is kept for nothing: this is RMSprop with a correction. "
            "Put m̂ in its place.",
        ),
        "uphill": Mistake(
            _wrong_adam(step=lambda m, v, lr, eps, g: -lr * m / (np.sqrt(v) + eps)),
            "This goes uphill: m points where the gradient does, so subtract the step.",
        ),
        "hats-kept": Mistake(
            _adam_keeps_hats,
            "theta is right, but you write m̂ and v̂ back into m and v, and the next step will correct them "
            "once more. Give them names of their own: `m_hat = m / …`.",
        ),
        "memory-rebound": Mistake(
            rebind(adam_step, "m", "v"),
            "theta is right in this step, but m and v are after the call what they were before. `m = …` "
            "gives the name to a new array, which is forgotten at the end of the function. Use `m *= …` and "
            "`m += …`, and the same for v.",
        ),
        "theta-rebound": Mistake(rebind(adam_step, "theta"), "m and v are right. But " + _no_change("theta")),
        "nothing-changes": Mistake(rebind(adam_step, "theta", "m", "v"), _no_change("theta", "m", "v")),
    },
    hints=(
        "Five lines of formula: two means, two corrections, one step. The means are changed in place, as in "
        "rmsprop_step; the corrected ones are new arrays.",
        "For m: `m *= beta1`, then `m += (1 - beta1) * gradient`. For v the same with beta2 and "
        "`gradient**2`. The correction: `m_hat = m / (1 - beta1**t)`.",
        "`v_hat = v / (1 - beta2**t)` and `theta -= lr * m_hat / (np.sqrt(...) + eps)`",
    ),
    then="Next it trains a network, and you see what its correction is for.",
)

EXERCISES = [SGD_STEP, MINIBATCHES, MOMENTUM_STEP, RMSPROP_STEP, ADAM_STEP]
