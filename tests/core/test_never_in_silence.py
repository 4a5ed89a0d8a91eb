"""What would go wrong without a word: NaN, half-made steps, seeds that are none, harmless underflow."""

import pickle
import warnings

import numpy as np
import pytest

from nn_helpers import (
    SGD,
    Adam,
    AdamW,
    ArrayDataset,
    ClassificationNet,
    CosineWithWarmup,
    Dataset,
    Momentum,
    RMSprop,
    Split,
    TrainingDivergedError,
    batches,
    compare_optimizers,
    cross_entropy,
    dropout_forward,
    flip_and_shift,
    log_softmax,
    numerical_gradient,
    points,
    relative_error,
    relu_forward,
    softmax,
    train,
    training_steps,
)

SEEDLESS = (-1, "zero", 0.5, [1, "a"])


def data():
    return points("moons", n_train=40, n_val=8)


def net(**options):
    return ClassificationNet(2, [4], 2, dtype="float64", **options)


def images():
    rng = np.random.default_rng(0)
    return Dataset("images", Split(rng.integers(256, size=(16, 4, 4, 3), dtype=np.uint8), np.arange(16) % 2),
                   class_names=("a", "b"))  # fmt: skip


# Numbers


def test_a_gradient_check_against_nan_does_not_pass():
    for a, b in ((np.zeros(3), np.full(3, np.nan)), (np.full(3, np.nan), np.ones(3))):
        assert not relative_error(a, b) < 1e-7
        assert np.isnan(relative_error(a, b))


def test_a_logit_of_minus_infinity_costs_the_same_as_a_label_and_as_a_one_hot_row():
    logits = np.array([[0.0, 1.0, -np.inf]])
    loss, dlogits = cross_entropy(logits, np.array([1]))
    one_hot_loss, one_hot_dlogits = cross_entropy(logits, np.array([[0.0, 1.0, 0.0]]))
    assert loss == one_hot_loss == pytest.approx(np.log(1 + np.exp(-1.0)))
    assert np.array_equal(dlogits, one_hot_dlogits)
    assert cross_entropy(logits, np.array([[0.0, 0.0, 1.0]]))[0] == np.inf


def test_numbers_too_small_for_a_float_are_no_error():
    logits, tiny = np.array([[0.0, -1000.0], [3.0, -800.0]]), np.full(4, 1e-38, np.float32)
    with np.errstate(all="raise"):
        assert np.array_equal(softmax(logits), [[1, 0], [1, 0]])
        assert log_softmax(logits)[0, 1] == -1000
        assert cross_entropy(logits, np.array([0, 0]))[0] == 0
        for optimizer in (SGD(1e-5), Momentum(1e-5), RMSprop(1e-5), Adam(1e-5), AdamW(1e-5)):
            theta = np.ones(4, np.float32)
            for _ in range(20):
                optimizer.step(theta, tiny)
            assert np.isfinite(theta).all()


def test_a_read_only_x_has_no_numerical_gradient_and_is_told_what_to_write():
    x = np.ones(2)
    x.flags.writeable = False
    with pytest.raises(ValueError, match=r"numerical_gradient: x is read-only.*write x\.copy\(\)"):
        numerical_gradient(np.sum, x)
    assert np.allclose(numerical_gradient(np.sum, x.copy()), 1)


@pytest.mark.parametrize("returned", [None, np.ones(1), "1", [2.0]])
def test_a_function_that_returns_no_number_has_no_numerical_gradient(returned):
    x = np.ones(2)
    with pytest.raises(TypeError, match="numerical_gradient: f must return one number, got"):
        numerical_gradient(lambda x: returned, x)
    assert np.array_equal(x, [1, 1])


# Steps


@pytest.mark.parametrize("optimizer", [Momentum(0.1), RMSprop(0.1), Adam(0.1), AdamW(0.1)])
def test_a_refused_step_changes_nothing(optimizer):
    theta, gradient = np.ones(3), np.ones(3)
    optimizer.step(theta, gradient)
    before, t = {name: array.copy() for name, array in optimizer.state.items()}, optimizer.t
    theta.flags.writeable = False
    with pytest.raises(ValueError, match=r"theta is read-only.*write theta\.copy\(\)"):
        optimizer.step(theta, gradient)
    assert optimizer.t == t
    for name, array in optimizer.state.items():
        assert np.array_equal(array, before[name])


def test_an_optimizer_that_has_trained_another_network_says_so_and_a_second_call_for_the_same_does_not():
    optimizer, own = Adam(0.01), net()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(own, data(), optimizer, epochs=1, progress=False)
        train(own, data(), optimizer, epochs=1, progress=False)
        compare_optimizers(net(), data(), {"a": SGD(0.1), "b": Adam(0.1)}, epochs=1, progress=False)
        pickle.loads(pickle.dumps(optimizer))
    with pytest.warns(RuntimeWarning, match="train: this optimizer has made 10 steps on another network"):
        train(net(), data(), optimizer, epochs=1, progress=False)


def test_going_on_with_a_copy_of_the_network_is_no_surprise():
    optimizer, own = Adam(0.01), net()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(own, data(), optimizer, epochs=1, progress=False)
        train(own.copy(), data(), optimizer, epochs=1, progress=False)


def test_an_optimizer_of_ones_own_may_take_other_options_and_keep_them_as_it_likes():
    class Passing(Adam):
        def __init__(self, lr, **options):
            super().__init__(lr, **options)

    class Bare(SGD):
        def __init__(self, lr, t=3):
            self.lr, self.t, self.state, self._for = lr, 0, {}, None

    assert repr(Passing(0.1, beta1=0.5)) == "Passing(lr=0.1)"
    assert repr(Bare(0.1)) == "Bare(lr=0.1)"
    train(net(), data(), Bare(0.1), epochs=1, progress=False)


def test_a_schedule_of_ones_own_is_not_asked_how_long_it_is():
    class Cyclic:
        total_steps = "auto"

        def __call__(self, t):
            return 0.1

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(net(), data(), SGD(Cyclic()), epochs=1, progress=False)


def test_a_schedule_that_ends_before_the_training_is_said_with_advice_that_works():
    def fit(total, epochs):
        train(net(), data(), SGD(CosineWithWarmup(0.1, total_steps=total)), epochs=epochs, progress=False)

    with pytest.warns(
        RuntimeWarning, match=r"ends at step 10, .* to step 20 with the rate 0\. Write total_steps=20"
    ):
        fit(10, epochs=4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(20, epochs=4)


# Functions of your own


def mean_of_nothing(logits, y):
    loss, dlogits = cross_entropy(logits, y)
    return loss * np.nan, dlogits


def relu_of_roots(z):
    with np.errstate(invalid="ignore"):
        return np.sqrt(z) ** 2, z  # NaN where z is negative


@pytest.mark.parametrize("own", [{"cross_entropy": mean_of_nothing}, {"relu_forward": relu_of_roots}])
def test_a_function_of_ones_own_that_returns_nan_is_named(own):
    (name,) = own
    with pytest.raises(TrainingDivergedError, match=f"your {name} returned NaN where the library's"):
        list(training_steps(net().use(**own), data(), SGD(0.1), epochs=1))


def test_a_rate_that_is_too_large_is_not_blamed_on_a_function_of_ones_own():
    own = net().use(relu_forward=lambda z: (np.maximum(z, 0), z))
    with np.errstate(all="ignore"), pytest.raises(TrainingDivergedError, match="Try a smaller learning rate"):
        list(training_steps(own, data(), SGD(1e200), epochs=3))


def test_a_network_with_functions_of_ones_own_can_be_pickled():
    own = net().use(relu_forward=relu_of_roots)
    again = pickle.loads(pickle.dumps(own))
    assert np.array_equal(again.theta, own.theta)
    assert again.functions_of_your_own == ["relu_forward"]


def test_an_error_of_training_can_be_pickled():
    error = TrainingDivergedError(3, np.nan, 0.1, 0.5)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.step, again.lr, again.last_loss) == (str(error), 3, 0.1, 0.5)


def test_images_that_augment_returns_are_trained_on():
    def mirror(images, rng):
        return images[:, :, ::-1]

    def mirror_in_place(images, rng):
        images[...] = images[:, :, ::-1].copy()

    returned, in_place, plain = (
        [x for x, _ in batches(images(), 4, augment=augment)] for augment in (mirror, mirror_in_place, None)
    )
    assert np.array_equal(returned, in_place)
    assert not np.array_equal(returned, plain)


@pytest.mark.parametrize("returned", [np.zeros((4, 4, 4, 3)), np.zeros((2, 4, 4, 3), np.uint8), "images"])
def test_what_augment_returns_must_be_images_like_those_it_was_given(returned):
    with pytest.raises(TypeError, match="augment must return images like those it was given, uint8 array"):
        next(batches(images(), 4, augment=lambda images, rng: returned))


def test_augment_takes_the_images_and_a_generator_and_that_is_said_before_training():
    net = ClassificationNet(48, [3], 2)
    for refuse in (
        lambda augment: next(batches(images(), 4, augment=augment)),
        lambda augment: train(net, images(), SGD(0.1), augment=augment, progress=False),
    ):
        with pytest.raises(TypeError, match="augment must take two arguments, images and rng"):
            refuse(lambda images: images)
        with pytest.raises(TypeError, match="augment must be a function such as flip_and_shift, got 'flip'"):
            refuse("flip")


# Seeds


@pytest.mark.parametrize("seed", SEEDLESS, ids=str)
@pytest.mark.parametrize(
    ("function", "call"),
    [
        ("ClassificationNet", lambda seed: net(seed=seed)),
        ("train", lambda seed: train(net(), data(), SGD(0.1), seed=seed, progress=False)),
        ("training_steps", lambda seed: training_steps(net(), data(), SGD(0.1), seed=seed)),
        ("batches", lambda seed: next(batches(data(), 4, seed=seed))),
        ("points", lambda seed: points(seed=seed)),
        ("subset", lambda seed: images().subset(4, seed=seed)),
    ],
)
def test_what_is_no_seed_is_refused_by_name(function, call, seed):
    with pytest.raises(ValueError, match=f"{function}: seed must be a whole number of at least 0"):
        call(seed)


def test_a_seed_in_the_place_of_a_generator_is_refused_with_advice_that_works():
    for function, call in (
        ("flip_and_shift", lambda rng: flip_and_shift(images().train.images.copy(), rng)),
        ("dropout_forward", lambda rng: dropout_forward(np.ones((2, 2)), 0.5, rng)),
    ):
        for wrong in (0, np.random, np.random.RandomState(0)):
            with pytest.raises(
                TypeError, match=f"{function}: rng must be a numpy.random.Generator, got "
            ) as caught:
                call(wrong)
            call(eval(str(caught.value).partition("write ")[2], {"np": np}))


def test_points_and_features_are_inputs_and_images_stays_a_name_for_them():
    data = ArrayDataset((np.ones((4, 2)), np.arange(4) % 2))
    assert data.train.inputs is data.train.images
    assert images().train.inputs.shape == (16, 4, 4, 3)
    assert relu_forward(data.train.inputs)[0].shape == (4, 2)
