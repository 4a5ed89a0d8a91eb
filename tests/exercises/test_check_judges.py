"""`check` accepts what is right, refuses what is wrong, and says no name of a mistake that was not made."""

import inspect
import itertools

import numpy as np
import pytest
from handed_in import notebook

from nn_helpers import ClassificationNet
from nn_helpers.exercises import check, yours_or_ours
from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.checking.diagnosis import easy_cases

answers = {name: exercise.answer for name, exercise in EXERCISES.items()}


def said(verdict):
    return " ".join(str(verdict).split())


# Wrong, though right on small or few numbers


def clipped(name, position, largest):
    """Return an answer that cuts one of its arguments off at ±largest."""

    def wrong(*args):
        args = list(args)
        cut = args[position].clip(-largest, largest)
        if name.endswith("_step"):
            args[position] = cut
            return answers[name](*args)
        return answers[name](*args[:position], cut.astype(args[position].dtype), *args[position + 1 :])

    wrong.__signature__ = inspect.signature(answers[name])
    return wrong


@pytest.mark.parametrize("largest", [6, 20, 100])
@pytest.mark.parametrize(
    ("name", "position"),
    [
        ("relu_forward", 0),
        ("relu_backward", 0),
        ("sigmoid_backward", 0),
        ("sgd_step", 1),
        ("momentum_step", 1),
        ("rmsprop_step", 1),
        ("adam_step", 1),
        ("l2_gradient", 0),
        ("l2_gradient", 1),
    ],
)
def test_what_cuts_large_numbers_off_is_wrong(name, position, largest):
    assert check(clipped(name, position, largest), name).kind == "mistake"


@pytest.mark.parametrize("largest", [3, 5, 6])
def test_standardised_numbers_that_are_cut_off_are_wrong(largest):
    def wrong(images, mean, std):
        return answers["standardise"](images, mean, std).clip(-largest, largest)

    assert not check(wrong, "standardise")


def test_relu_that_ends_at_6_is_wrong_on_the_way_forward_and_back():
    assert not check(lambda z: (np.clip(z, 0, 6), z), "relu_forward")
    assert not check(lambda da, cache: da * (cache > 0) * (cache < 6), "relu_backward")


@pytest.mark.parametrize("threshold", [1e-2, 1e-4, 1e-7])
def test_relu_that_begins_above_0_is_wrong(threshold):
    if threshold > 1e-3:
        assert not check(lambda z: (z * (z > threshold), z), "relu_forward")
    assert not check(lambda da, cache: da * (cache > threshold), "relu_backward")


def test_a_sigmoid_that_overflows_in_float32_only_is_wrong():
    def sigmoid_forward(z):
        a = np.exp(z.clip(-500, 500)) / (1 + np.exp(z.clip(-500, 500)))
        return a, a

    assert "NaN" in said(check(sigmoid_forward))


def test_results_of_one_example_that_lose_an_axis_are_wrong():
    def net_forward(x, params):
        logits, caches = answers["net_forward"](x, params)
        return logits.squeeze(), caches

    assert not check(net_forward)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.uint16])
def test_counts_that_do_not_fit_their_dtype_are_wrong(dtype):
    def confusion_matrix(y, predicted, num_classes):
        matrix = np.zeros((num_classes, num_classes), dtype=dtype)
        np.add.at(matrix, (y, predicted), dtype(1))
        return matrix

    assert not check(confusion_matrix)


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, shape: rng.uniform(-np.sqrt(3), np.sqrt(3), shape),
        lambda rng, shape: rng.choice([-1.0, 1.0], shape),
        lambda rng, shape: rng.laplace(0, np.sqrt(0.5), shape),
        lambda rng, shape: rng.exponential(1, shape) * rng.choice([-1, 1], shape) / np.sqrt(2),
        lambda rng, shape: rng.standard_normal(shape[0])[:, None] * np.ones(shape),
        lambda rng, shape: np.broadcast_to(rng.standard_normal(shape[1]), shape),
        lambda rng, shape: np.resize(rng.standard_normal(5000), shape),
    ],
    ids=["uniform", "two values", "laplace", "exponential", "a row repeats", "a column repeats", "repeats"],
)
def test_weights_that_are_not_independent_normal_numbers_are_wrong(draw):
    def he_init(sizes, rng):
        return [(draw(rng, (D, M)) * np.sqrt(2 / D), np.zeros(M)) for D, M in itertools.pairwise(sizes)]

    assert check(he_init).kind == "mistake"


def test_layers_that_are_cut_from_one_draw_are_wrong():
    def he_init(sizes, rng):
        shapes = list(itertools.pairwise(sizes))
        drawn = rng.standard_normal(max(D * M for D, M in shapes))
        return [(drawn[: D * M].reshape(D, M) * np.sqrt(2 / D), np.zeros(M)) for D, M in shapes]

    assert "share of different numbers" in said(check(he_init))


def test_one_array_for_the_biases_of_several_layers_is_wrong():
    def he_init(sizes, rng):
        zeros = np.zeros(max(sizes))
        return [(W, zeros[: len(b)]) for W, b in answers["he_init"](sizes, rng)]

    assert "whether each array is one of its own" in said(check(he_init))


def test_layers_after_the_first_that_are_the_same_at_every_call_are_wrong():
    def he_init(sizes, rng):
        first, *_ = answers["he_init"](sizes, rng)
        return [first, *answers["he_init"](sizes, np.random.default_rng(0))[1:]]

    assert not check(he_init)


@pytest.mark.parametrize(
    "order",
    [
        lambda N, rng: np.concatenate([rng.permutation(N // 2), N // 2 + rng.permutation(N - N // 2)]),
        lambda N, rng: np.concatenate([i + 2 * rng.permutation(-(-(N - i) // 2)) for i in (0, 1)]),
        lambda N, rng: np.arange(N)[::-1] if N > 100 else rng.permutation(N),
        lambda N, rng: np.concatenate([block[::-1] for block in _shuffled_blocks(N, rng)]),
        lambda N, rng: np.concatenate(_shuffled_blocks(N, rng)),
        lambda N, rng: np.arange(N)[np.argsort(np.arange(N) + rng.normal(0, 0.2 * N, N))],
        lambda N, rng: (
            np.concatenate([[i, i + N // 2] for i in rng.permutation(N // 2)]).astype(int)
            if N % 2 == 0
            else rng.permutation(N)
        ),
    ],
    ids=["halves", "odd and even", "backwards", "blocks backwards", "blocks", "not far", "fixed pairs"],
)
def test_batches_from_an_order_that_is_not_shuffled_throughout_are_wrong(order):
    def minibatches(N, batch_size, rng, drop_last=True):
        shuffled = order(N, rng)
        end = N - N % batch_size if drop_last else N
        return [shuffled[start : min(start + batch_size, end)] for start in range(0, end, batch_size)]

    assert check(minibatches).kind == "mistake"


def _shuffled_blocks(N, rng):
    return [np.arange(start, min(start + 4, N)) for start in 4 * rng.permutation(-(-N // 4))]


def with_choice(choose):
    def flip(images, rng):
        flipped, chosen = images.copy(), choose(len(images), rng)
        flipped[chosen] = images[chosen][:, :, ::-1]
        return flipped

    return flip


@pytest.mark.parametrize(
    "choose",
    [
        lambda n, rng: rng.permutation(n)[: n // 2 + int(n % 2 and rng.random() < 0.5)],
        lambda n, rng: rng.permutation(n) % 2 == 0,
        lambda n, rng: rng.random(n) < 0.42,
        lambda n, rng: rng.random(n) < 0.6,
        lambda n, rng: rng.random(n) < np.linspace(0.2, 0.8, n),
        lambda n, rng: (np.arange(n) + rng.integers(2)) % 2 == 0,
        lambda n, rng: np.repeat(rng.random(-(-n // 4)) < 0.5, 4)[:n],
    ],
    ids=["half", "half again", "0.42", "0.6", "by place", "every other", "four at a time"],
)
def test_images_that_are_not_mirrored_each_with_probability_one_half_are_wrong(choose):
    assert check(with_choice(choose), "flip").kind == "mistake"


def test_a_first_step_does_not_praise_an_adam_without_correction():
    def adam_step(theta, gradient, m, v, t, lr, beta1, beta2, eps):
        m[...] = beta1 * m + (1 - beta1) * gradient
        v[...] = beta2 * v + (1 - beta2) * gradient**2
        theta -= lr * m / (np.sqrt(v) + 1.001 * eps)

    assert "right for the first step" not in said(check(adam_step))


# Wrong, and once accepted


WRONG = [
    ("relu_forward", "return np.maximum(1e-10, z), z"),
    ("relu_forward", "return np.clip(z, 0, 1e5), z"),
    ("affine_forward", "return np.rint(x.reshape(len(x), -1) @ W + b), (x, W)"),
    ("affine_forward", "return np.clip(x.reshape(len(x), -1) @ W + b, -50, 50), (x, W)"),
    ("affine_backward", "dx, dW, db = answer(dz, cache)\n    return dx, np.rint(dW), db"),
    (
        "net_forward",
        "caches = []\n    for W, b in params:\n        z, kept = affine_forward(x, W, b)\n        "
        "caches.append((kept, z if len(caches) < len(params) - 1 else None))\n        "
        "x = np.clip(z, 0, 100)\n    return z, caches",
    ),
    ("he_init", "return [(np.sort(W, axis=0), b) for W, b in answer(sizes, rng)]"),
    ("he_init", "return [(np.sort(W.ravel()).reshape(W.shape), b) for W, b in answer(sizes, rng)]"),
    ("one_hot", "return np.eye(10)[y][:, :num_classes]"),
    (
        "minibatches",
        "end = N - N % batch_size if drop_last else N\n    "
        "order = rng.permutation(N) if end == N else np.append(rng.permutation(N - 1), N - 1)\n    "
        "for i in range(0, end, batch_size):\n        yield order[i : i + batch_size]",
    ),
    ("l2_gradient", "return dW if reg == 0 else dW + reg * W"),
    (
        "flip",
        "mirrored = np.cumsum(rng.random(len(images)) < 0.4) % 2 == 0\n    "
        "return np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)",
    ),
]


@pytest.mark.parametrize(("name", "body"), WRONG)
def test_what_was_once_accepted_is_wrong(name, body):
    exercise = EXERCISES[name]
    f = notebook(f"def {exercise.signature}:\n    {body}")
    f.update({**answers, "answer": exercise.answer, name: f[name]})
    outcome = check(f[name])
    assert outcome.kind == "mistake"
    assert "NameError" not in said(outcome)


def test_a_result_that_is_an_argument_is_said_to_be_one():
    verdict = check(
        notebook("def l2_gradient(W, dW, reg):\n    return dW if reg == 0 else dW + reg * W")["l2_gradient"]
    )
    assert "The numbers are right, but with reg = 0 the result is the argument dW itself" in said(verdict)


def test_a_name_says_no_more_than_is_seen():
    """Neither halves nor parts are shuffled here, and far fewer than half are mirrored."""
    f = notebook("""
        def minibatches(N, batch_size, rng, drop_last=True):
            order = np.arange(N)
            i, j = rng.integers(0, N, 2)
            order[i], order[j] = j, i
            for start in range(0, N - N % batch_size if drop_last else N, batch_size):
                yield order[start : start + batch_size]

        def flip(images, rng):
            flipped = images.copy()
            at = rng.integers(0, len(images))
            flipped[at] = images[at, :, ::-1]
            return flipped
    """)
    assert "Some indices always come early" in said(check(f["minibatches"]))
    assert "You mirror the same number of images each time." in said(check(f["flip"]))


def test_a_property_is_said_to_be_so_or_not():
    f = notebook("""
        def minibatches(N, batch_size, rng, drop_last=True):
            order = np.roll(np.arange(N), rng.integers(N))
            for start in range(0, N - N % batch_size if drop_last else N, batch_size):
                yield order[start : start + batch_size]
    """)["minibatches"]
    sentence = "whether the order is that of the data. It should be no, and in yours it is yes."
    assert sentence in said(check(f))


def test_a_factor_close_to_1_is_shown_with_its_digits():
    f = notebook("def one_hot(y, num_classes):\n    return np.eye(num_classes)[y] * (1 - 1e-6)")["one_hot"]
    assert "yours is 1.000001 times too small" in said(check(f))


# Names of mistakes that were not made

UNNAMED = [
    (
        "he_init",
        "return [(np.ones((D, M)), np.zeros(M)) for D, M in zip(sizes, sizes[1:])]",
        "generator of your own",
    ),
    ("he_init", "return [(W * np.nan, b) for W, b in answer(sizes, rng)]", "generator of your own"),
    ("minibatches", "return [np.arange(N)[i::7] for i in range(7)]", "generator"),
    ("flip", "return 255 - images", "mirror"),
    ("flip", "return images.astype(float) / 255", "mirror"),
    ("sgd_step", "theta - lr * gradient", "`theta = …`"),
    ("momentum_step", "v *= beta\n    v -= lr * gradient", "`theta = …`"),
    (
        "adam_step",
        "m[...] = beta1 * m + (1 - beta1) * gradient\n    v[...] = beta2 * v + (1 - beta2) * gradient**2",
        "`theta = …`",
    ),
]


@pytest.mark.parametrize(("name", "body", "words"), UNNAMED)
def test_a_mistake_that_was_not_made_is_not_named(name, body, words):
    f = notebook(f"def {EXERCISES[name].signature}:\n    {body}")
    f["answer"] = answers[name]
    verdict = said(check(f[name]))
    assert words not in verdict.partition("For example")[0]
    assert "NameError" not in verdict


def test_an_array_that_stays_what_it_was_is_said_to():
    f = notebook("def momentum_step(theta, gradient, v, lr, beta):\n    v *= beta\n    v -= lr * gradient")
    sentence = "theta is after the call what it was before: nothing in the function changes that array."
    assert f"v is right. {sentence}" in said(check(f["momentum_step"]))


@pytest.mark.parametrize(
    ("name", "old", "new", "praise", "kept"),
    [
        (
            "cross_entropy",
            "logp[np.arange(N), y].sum() / N",
            "logp[np.arange(N), y].sum()",
            "dlogits is right",
            "The loss",
        ),
        ("adam_step", "theta -=", "theta = theta -", "m and v are right", "theta is after the call"),
    ],
)
def test_a_name_praises_nothing_that_is_wrong(name, old, new, praise, kept):
    source = inspect.getsource(answers[name]).replace(old, new)
    f = notebook(source)
    f.update({n: answer for n, answer in answers.items() if n != name})
    assert f"{praise}. " in said(check(f[name]))
    source = source.replace("dlogits /= N", "dlogits *= 7").replace("m *= beta1", "m *= beta1 + 1")
    f = notebook(source)
    f.update({n: answer for n, answer in answers.items() if n != name})
    verdict = check(f[name])
    assert verdict.mistake
    assert praise not in said(verdict)
    assert f"not right yet. {kept}" in said(verdict)


def test_no_batch_at_all_is_said_to_be_none():
    f = notebook("def minibatches(N, batch_size, rng, drop_last=True):\n    return []")["minibatches"]
    assert "minibatches gives no batch at all." in said(check(f))


@pytest.mark.parametrize(
    "way",
    [
        "__array_ufunc__ = lambda self, *rest, **more: 1 / 0",
        "__eq__ = lambda self, other: 1 / 0",
        "shape = property(lambda self: (9, 9))",
        "shape = property(lambda self: 1 / 0)",
    ],
)
def test_an_array_that_calculates_by_rules_of_its_own_gets_a_verdict(way):
    f = notebook(f"class Own(np.ndarray):\n    {way}\ndef relu_forward(z):\n    return z.view(Own), z")
    assert "a is not what it should be yet" in said(check(f["relu_forward"]))


def test_a_mask_for_the_result_is_named():
    assert check(lambda z: (z > 0, z), "relu_forward").mistake == "step"


# An exercise, a case whose numbers once suited a wrong formula too, and what makes the answer wrong
COINCIDENCES = [
    ("numerical_gradient", "a parabola", "x[index] = kept - h", "x[index] = h - kept"),
    ("relu_backward", "z = 0", "da * (cache > 0)", "da * (cache < 0) * 3"),
    ("sigmoid_backward", "a = ½ and its neighbours", "da * cache", "da**2 * cache"),
    ("sigmoid_backward", "a = 0", "da * cache", "3 * da * cache"),
    ("one_hot", "classes without an example", "np.arange(len(y)), y]", "y % len(y), np.arange(len(y))]"),
    ("cross_entropy", "two examples", "loss = -logp[np.arange(N), y]", "loss = -logp[y % N, np.arange(N)]"),
    ("momentum_step", "a gradient of 0", "lr * gradient", "lr * gradient**3"),
    ("adam_step", "a gradient that was always 0", "m_hat = m", "m_hat = 3 * m"),
    ("adam_step", "float32", "m *= beta1", "m *= lr"),
    ("l2_gradient", "reg = 0", "reg * W", "reg * W**3"),
    ("temperature_softmax", "T = 1", "logits / T", "logits / T**3"),
]


@pytest.mark.parametrize(("name", "case", "old", "new"), COINCIDENCES)
def test_no_coincidence_praises_a_mistake(name, case, old, new):
    exercise = EXERCISES[name]
    source = inspect.getsource(exercise.answer)
    assert source.count(old) == 1
    assert any(each.name.startswith(case) for each in exercise.all_cases)
    f = notebook(source.replace(old, new))
    f.update({n: answer for n, answer in answers.items() if n != name})
    verdict = said(check(f[name])).partition(", but not for")[0]
    assert f"right for {case}" not in verdict
    assert case not in verdict.partition("is right for")[2]


def test_few_cases_are_right_for_most_mistakes_and_these_praise_none():
    easy = {name: [case.name for case in easy_cases(exercise)] for name, exercise in EXERCISES.items()}
    assert len(easy.pop("cosine_with_warmup")) == 8  # a mistake in the line is none in the cosine
    assert {name: sorted(cases) for name, cases in easy.items() if cases} == {
        "net_backward": ["one layer"],
        "softmax": ["one class", "one example"],
        "temperature_softmax": ["T = 1"],
        "log_softmax": ["one example"],
        "minibatches": ["all images in one batch"],
        "l2_gradient": ["reg = 0"],
        "dropout_forward": ["rate = 0"],
        "adamw_step": ["λ = 0"],
        "train_epoch": ["all examples in one batch"],
        "keep_best": ["equally low each time", "falling all the time", "no epoch at all"],
        "successive_halving": ["a single setting", "two settings"],
        "walk_back": ["a product", "a product of three", "an affine layer"],
    }


# Right, though unusual


@pytest.mark.parametrize("name", ["one_hot", "standardise", "l2_gradient"])
def test_floats_may_be_float32_where_the_text_says_floats(name):
    exercise = EXERCISES[name]

    def single(*args):
        return exercise.answer(*args).astype(np.float32)

    verdict = check(single, name)
    assert verdict, verdict
    for dtype in (np.float16, int):
        assert not check(lambda *args, dtype=dtype: exercise.answer(*args).astype(dtype), name)


def test_biases_may_be_float32():
    def he_init(sizes, rng):
        return [(W, b.astype(np.float32)) for W, b in answers["he_init"](sizes, rng)]

    assert check(he_init), check(he_init)


def test_another_dtype_is_wrong_where_the_text_names_it():
    assert not check(lambda z: (np.maximum(0, z).astype(np.float32), z), "relu_forward")
    verdict = check(lambda z: (np.maximum(0, z).astype(float), z), "relu_forward")
    assert "they are float64 and should be float32" in said(verdict)


@pytest.mark.parametrize(
    "reshape",
    [
        lambda x: x.reshape(len(x), 3072),
        lambda x: x.reshape(-1, 3072),
        lambda x: np.reshape(x, (len(x), 32 * 32 * 3)),
        lambda x: np.stack([image.reshape(3072) for image in x]),
    ],
)
def test_the_size_of_the_lessons_images_may_be_written_down(reshape):
    verdict = check(lambda images, mean, std: reshape((images - mean) / std), "standardise")
    assert verdict, verdict
    assert "right, on all 2 inputs as large as the lesson's." in said(verdict)


def test_a_mistake_on_images_of_the_lessons_size_is_shown_on_a_small_one():
    verdict = check(lambda images, mean, std: (images - mean).reshape(len(images), -1), "standardise")
    assert verdict.mistake == "no-std"
    assert "For example, with one image of two pixels" in str(verdict)


WRAPPER = """
import functools

def logged(f):
    @functools.wraps(f)
    def wrapper(*args):
        return f(*args)
    return wrapper
"""
PAIR = """
@logged
def relu_forward(z):
    return np.maximum(0, z), {"mask": z > 0}

@logged
def relu_backward(da, cache):
    return da * cache["mask"]
"""


def test_a_pair_behind_decorators_of_another_module_is_right():
    names = {"np": np, "logged": notebook(WRAPPER)["logged"]}
    exec(PAIR, names)
    for name in ("relu_forward", "relu_backward"):
        assert check(names[name]), check(names[name])


def test_a_wrapper_that_names_itself_is_no_reason_to_wait():
    def relu_forward(z):
        return np.maximum(0, z), {"mask": z > 0}

    relu_forward.__wrapped__ = relu_forward
    assert not check(relu_forward)


# What is called right runs in the lesson


def test_a_list_in_the_place_of_a_tuple_is_refused_with_the_remedy():
    for name in ("relu_forward", "affine_backward", "cross_entropy"):
        verdict = check(lambda *args, name=name: list(answers[name](*args)), name)
        assert "puts them into a list. Leave its square brackets away." in said(verdict), name


def test_a_network_takes_no_list_either():
    net = ClassificationNet(2, [3], 2).use(relu_forward=lambda z: [np.maximum(0, z), z])
    with pytest.raises(TypeError, match="your relu_forward must return"):
        net.forward(np.ones((1, 2), np.float32))


def test_batches_as_tuples_are_refused_and_lists_are_not():
    def batches_as(kind):
        return lambda *args: [kind(map(int, batch)) for batch in answers["minibatches"](*args)]

    verdict = check(batches_as(tuple), "minibatches")
    assert "yours gives tuples" in said(verdict)
    assert "`np.array(batch)`" in said(verdict)
    assert check(batches_as(list), "minibatches")
    assert len(np.arange(9)[next(iter(batches_as(list)(9, 4, np.random.default_rng(0))))]) == 4


def test_counts_without_a_sign_are_refused_since_minus_them_is_something_else():
    verdict = check(lambda *args: answers["confusion_matrix"](*args).astype(np.uint64), "confusion_matrix")
    assert "they are uint64 and should be int64. Without a sign there is no −1" in said(verdict)
    assert check(lambda *args: answers["confusion_matrix"](*args).astype(np.int32), "confusion_matrix")


def test_images_that_are_no_bytes_any_more_are_refused():
    assert not check(lambda images, rng: answers["flip"](images, rng).astype(int), "flip")


# Names of mistakes


def test_z_as_it_is_is_not_taken_for_results_in_the_wrong_order():
    def relu_forward(z):
        a = z
        return a, z

    verdict = check(relu_forward)
    assert (verdict.kind, verdict.mistake) == ("mistake", None)
    assert "order" not in str(verdict)
    assert check(lambda z: (z, np.maximum(0, z)), "relu_forward").mistake == "exchanged"


def test_a_better_stencil_is_not_told_that_it_ignores_h():
    def numerical_gradient(f, x, h=1e-5):
        gradient = np.zeros_like(x)
        for index in np.ndindex(x.shape):
            kept, values = x[index], []
            for step in (-2, -1, 1, 2):
                x[index] = kept + step * h
                values.append(f(x))
            x[index] = kept
            gradient[index] = np.dot([1, -8, 8, -1], values) / (12 * h)
        return gradient

    verdict = check(numerical_gradient)
    assert (verdict.kind, verdict.mistake) == ("mistake", None)
    assert "gradient is right for a parabola" in said(verdict)
    assert "but not for cubes with a wide step and fifth powers with a wide step" in said(verdict)


def test_float_is_not_taken_for_a_function_of_math():
    verdict = check(lambda z: 2 * (1 / (1 + np.exp(-float(z))),), "sigmoid_forward")
    assert (verdict.kind, verdict.mistake) == ("mistake", None)
    assert "`math.exp`" not in str(verdict)
    assert "`float`, `int` and the functions of `math` take one number" in said(verdict)
    for exponential in ("math.exp", "exp"):
        names = notebook(
            f"import math\nfrom math import exp\ndef f(z): return 2 * (1 / (1 + {exponential}(-z)),)"
        )
        assert check(names["f"], "sigmoid_forward").mistake == "math-exp"


def test_a_sum_with_an_array_for_its_axis_is_not_taken_for_np_max():
    assert check(lambda z: (z.sum(z), z), "relu_forward").mistake is None
    assert check(lambda z: (np.max(0, z), z), "relu_forward").mistake == "np-max"


def test_an_entry_set_to_1_in_a_loop_is_not_told_to_count_in_a_loop():
    def confusion_matrix(y, predicted, num_classes):
        matrix = np.zeros((num_classes, num_classes), dtype=int)
        for a, b in zip(y, predicted, strict=True):
            matrix[a, b] = 1
        return matrix

    verdict = check(confusion_matrix)
    assert (verdict.kind, verdict.mistake) == ("mistake", None)
    assert "Count in a loop" not in str(verdict)
    assert "but not for the same confusion twice" in said(verdict)


@pytest.mark.parametrize(
    ("statement", "wrong", "right"),
    [
        ("params = [(1, 2)]; params(0)", "cannot calculate", "Round brackets call"),
        ("zip = [1]; zip(z, z)", "cannot calculate", "its name has been given to a value"),
        ("sum = z.sum(); sum(z)", "cannot calculate", "its name has been given to a value"),
        (
            "cache = (z, z); cache[0] = z",
            "forward pass returns",
            "A tuple, in round brackets, cannot be changed",
        ),
        ("caches = (); caches.append(z)", "forward pass returns", "A list, in square ones, can"),
        ("np.bincount([0]).reshape(2, 2)", "counts for you.\n", "as many numbers as the array has"),
    ],
)
def test_an_error_is_not_explained_by_what_did_not_happen(statement, wrong, right):
    verdict = check(notebook(f"def f(z):\n    {statement}\n    return z, z")["f"], "relu_forward")
    assert wrong not in str(verdict)
    assert right in said(verdict)


# NaN


def test_where_nan_cannot_be_traced_the_sentence_begins_with_roots_and_logarithms():
    verdict = check(lambda theta, g, s, *rest: np.copyto(theta, np.nan), "rmsprop_step")
    assert "NaN comes out of the root or the logarithm of a negative number" in said(verdict)


def test_nan_in_a_corner_hides_no_other_mistake():
    def softmax(logits):
        exponentials = np.exp(logits)
        return exponentials / (exponentials.sum(axis=1, keepdims=True) + 0.5)

    verdict = check(softmax)
    assert "p is not what it should be yet." in said(verdict)
    assert "For example, with one example" in said(verdict)
    assert "NaN" not in said(verdict)


# No answer makes check raise


def test_an_answer_that_is_wrong_by_a_factor_in_some_cases_gets_a_verdict(capsys):
    def relu_forward(z):
        a = np.vectorize(lambda v: max(0, v))(z)
        return a, z

    assert check(relu_forward).kind == "mistake"
    assert yours_or_ours(relu_forward) is EXERCISES["relu_forward"].ours
    assert capsys.readouterr().out.endswith("(check says what is wrong with yours)\n")


@pytest.mark.parametrize("damage", ["None", "()", "params", "0", "np.ones(3)", "{}"])
def test_an_argument_that_is_taken_apart_gets_a_verdict(damage):
    f = notebook(f"def net_forward(x, params):\n    params[0] = {damage}\n    return x, []")["net_forward"]
    assert check(f).kind == "mistake"


class Unfriendly:
    """A function that answers nothing about itself."""

    def __call__(self, z):
        return np.maximum(0, z), z

    def __getattr__(self, name):
        raise RuntimeError(name)


def test_a_function_that_answers_nothing_about_itself_is_judged():
    assert check(Unfriendly(), "relu_forward")


def test_the_lessons_own_answer_is_not_called_yours(capsys):
    answer = EXERCISES["relu_forward"].answer
    assert "This is the lesson's own function, though, not yours." in said(check(answer))
    yours_or_ours(answer)
    assert capsys.readouterr().out == "relu_forward: the library's (you passed the lesson's own function)\n"
    answer = EXERCISES["one_hot"].answer
    assert yours_or_ours(answer) is answer
    assert capsys.readouterr().out == "one_hot: the lesson's (you passed the lesson's own function)\n"
