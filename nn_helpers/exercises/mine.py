"""A network, its data and its optimizer, made of the functions that the learner wrote in all lessons."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from nn_helpers import layers
from nn_helpers.data.augment import flip_and_shift, move
from nn_helpers.data.dataset import Dataset
from nn_helpers.exercises import catalogue
from nn_helpers.exercises.checking.api import kept
from nn_helpers.exercises.checking.sandbox import Sandbox
from nn_helpers.exercises.checking.verdict import try_out
from nn_helpers.exercises.checking.wording import wrap
from nn_helpers.exercises.portfolio import FILE, load, read
from nn_helpers.gradcheck import relative_error
from nn_helpers.network import ClassificationNet
from nn_helpers.optimizers import Optimizer, make_optimizer
from nn_helpers.schedules import CosineWithWarmup
from nn_helpers.support.files import expand_user
from nn_helpers.support.record import home

# What every network is made of, and what some are; the other exercises are about programs around it.
ALWAYS = [name for name, each in catalogue.EXERCISES.items() if each.lesson[:2] <= "05"]
EXERCISES = {name: catalogue.EXERCISES[name] for name in (*ALWAYS, "batchnorm_forward", "batchnorm_backward")}
PAIRS = {
    name: other for name in EXERCISES if name.endswith("_forward") and (other := EXERCISES[name].partner)
}
WALK = "net_forward", "net_backward", "l2_gradient"


def my_network(folder=None):
    """Return `MyNetwork`: your functions from all lessons, each checked again, at work together.

    Parameters
    ----------
    folder : path, optional
        The work copy, where that is not the current folder.

    Examples
    --------
    >>> mine = my_network()  # doctest: +SKIP
    >>> train(mine.net([64, 64]), mine.data(data), mine.optimizer("adam", lr=1e-3))  # doctest: +SKIP
    """
    folder = home() if folder is None else expand_user("my_network", "folder", folder)
    if folder is None:
        return MyNetwork({}, dict.fromkeys(ALWAYS, "there is no work copy here"))
    try:
        loaded = load(read(folder / FILE))
    except OSError as error:
        return MyNetwork({}, dict.fromkeys(ALWAYS, f"{FILE} cannot be read: {error.strerror or error}"))
    there = {*ALWAYS, *loaded.names, *loaded.problems}
    found = {name: kept(exercise, loaded) for name, exercise in EXERCISES.items() if name in there}
    yours = {name: f for name, (f, _) in found.items() if f}
    reasons = {name: why for name, (_, why) in found.items() if why}
    for pair in PAIRS.items():
        if not _fit(*pair, yours):
            for name in set(pair) & yours.keys():
                reasons[name] = f"yours waits for a {pair[pair[0] == name]} of yours that goes with it"
                del yours[name]
    return MyNetwork(yours, reasons)


def _fit(forward, backward, yours):
    """Say whether both halves of a pair are the learner's, and each works with the other."""
    if not {forward, backward} <= yours.keys():
        return False
    with Sandbox(yours[backward]).open() as sandbox:
        return try_out(EXERCISES[backward], yours[backward], sandbox, yours[forward]).right


@dataclass(frozen=True, eq=False, repr=False)
class MyNetwork:
    """Functions of the learner's own, and what is made of them.

    Where one is not there, the library's does its work.

    Attributes
    ----------
    yours : dict of str to function
        Those that `check` calls right, by name.
    reasons : dict of str to str
        Why each of the others is not the learner's.
    """

    yours: Mapping
    reasons: Mapping

    @property
    def functions(self):
        """All functions by name: yours, or what stands in for it."""
        return {name: self.yours.get(name, exercise.ours) for name, exercise in EXERCISES.items()}

    def net(self, hidden_sizes=(100, 100), **options):
        """Return a `ClassificationNet` made of your functions; the options are its own.

        `net_forward` and `net_backward` are the training's walk through a plain network with ReLU. With
        dropout, normalisation or shortcuts, and for predictions, your layers work one by one. Batch
        normalisation is yours once `check` has called both halves right.
        """
        start = copy.deepcopy(options.get("seed", 0))
        net = OwnNet(hidden_sizes=hidden_sizes, **options)
        if net.init == "he" and (first := self.yours.get("he_init")):
            sizes = net.input_size, *net.hidden_sizes, net.num_classes
            for number, (W, b) in enumerate(first(list(sizes), np.random.default_rng(start)), 1):
                net.params[f"W{number}"], net.params[f"b{number}"] = W, b
        return net.use(**{name: f for name, f in self.yours.items() if name in net.library})

    def data(self, data):
        """Return the same images, in the order of your `minibatches`, as your `standardise` makes them."""
        if not isinstance(data, Dataset):
            raise TypeError(f"data must be images such as load_images() returns, got {type(data).__name__}")
        names = {name: self.yours[name] for name in ("minibatches", "standardise") if name in self.yours}
        return OwnData(data.name, data.train, data.val, data.test, data.class_names, names)

    def optimizer(self, name="adam", lr=1e-3, **options):
        """Return an optimizer that makes your steps: sgd, momentum, rmsprop, adam or adamw."""
        ours = make_optimizer(name, lr, **options)
        for formula in (f"{name}_step", f"{name.removesuffix('w')}_step"):
            if formula in self.yours:
                return OwnOptimizer(formula, self.yours[formula], ours)
        return ours

    def schedule(self, lr, total_steps, warmup_steps=0):
        """Return a schedule of the learning rate, by your `cosine_with_warmup`."""
        if own := self.yours.get("cosine_with_warmup"):
            return OwnSchedule(lr, total_steps, warmup_steps, function=own)
        return CosineWithWarmup(lr, total_steps, warmup_steps)

    def augment(self, images, rng):
        """Do as `flip_and_shift`, with your `flip`."""
        if "flip" not in self.yours:
            return flip_and_shift(images, rng)
        images[...] = self.yours["flip"](images, rng)
        return move(images, rng)

    def gradient_error(self):
        """Return the relative error of the gradient of a small network, by your `numerical_gradient`.

        The gradient with respect to the logits is compared as well, with `softmax` minus `one_hot`.
        """
        f = self.functions
        net = self.net([4], input_size=5, num_classes=3, reg=0.1, dtype=np.float64)
        x, y = np.random.default_rng(0).standard_normal((6, 5)), np.array([0, 1, 2, 2, 1, 1])
        logits = net.forward(x)
        _, dlogits = net.functions["cross_entropy"](logits, y)
        error = relative_error(dlogits, (f["softmax"](logits) - f["one_hot"](y, 3)) / len(y))
        net.backward(dlogits)

        def loss(theta):
            net.theta = theta
            return net.loss(x, y)

        return max(error, relative_error(net.gradient, f["numerical_gradient"](loss, net.theta.copy())))

    def __repr__(self):
        are = "is" if len(self.yours) == 1 else "are"
        head = f"{len(self.yours)} of {len(self.yours) + len(self.reasons)} functions at work {are} yours."
        by_reason = {}
        for name, why in self.reasons.items():
            by_reason.setdefault(why, []).append(name)
        if len(by_reason) == 1 and not self.yours:
            return f"{head} The library's stand in for them ({why})."
        lines = [wrap(f"  {', '.join(names)}: {why}") for why, names in by_reason.items()]
        return "\n".join([head, *["The library's stand in for"][: len(lines)], *lines])


class OwnNet(ClassificationNet):
    """A network that may be walked by functions of the learner's own, and takes their gradient of L2."""

    @property
    def library(self):
        """The functions that this network is made of; for the walk, the lesson's."""
        walk = {name: EXERCISES[name].answer for name in WALK}
        return {**super().library, "dropout_forward": layers.dropout_forward, **walk}

    def use(self, **functions):
        """Put your own functions in the place of the library's, the walk and `l2_gradient` too."""
        if dropout := functions.pop("dropout_forward", None):
            functions["dropout_forward"] = _in_the_dtype_of_a(dropout)
        super().use(**{name: f for name, f in functions.items() if name not in WALK})
        self.functions.update({name: functions[name] for name in WALK if name in functions})
        return self

    def _propagate(self, x, buffers, training=False):
        own = {"net_forward", "net_backward"} <= set(self.functions_of_your_own)
        other = self.dropout or self.normalise or self.residual or self.activation != "relu"
        if not own or not training or other:
            return super()._propagate(x, buffers, training)
        buffers.of(len(x))  # `backward` asks it for how many examples forward was
        params = [(self.params[f"W{n}"], self.params[f"b{n}"]) for n in range(1, self.num_layers + 1)]
        logits, caches = self.functions["net_forward"](x, params)
        return logits, (caches, WALK)

    def _walk_back(self, dz, caches, affine_cache):
        if affine_cache is not WALK:
            super()._walk_back(dz, caches, affine_cache)
            return
        for number, (dW, db) in enumerate(self.functions["net_backward"](dz, caches), 1):
            self.grads[f"W{number}"], self.grads[f"b{number}"] = dW, db

    def add_l2(self):
        """Add the gradient of the L2 penalty, layer by layer."""
        own = self.functions["l2_gradient"]
        if own is self.library["l2_gradient"]:
            super().add_l2()
            return
        for W in (name for name in self.params if name[0] == "W"):
            self.grads[W] = own(self.params[W], self.grads[W], self.reg)


def _in_the_dtype_of_a(dropout):
    """Return a function that gives its results in its first argument's dtype, as the library's does."""
    return lambda a, *rest: tuple(array.astype(a.dtype) for array in dropout(a, *rest))


@dataclass(frozen=True, eq=False, repr=False)
class OwnData(Dataset):
    """Images that the learner's own functions standardise and put in order."""

    functions: Mapping = field(default_factory=dict)

    def standardise(self, images, dtype=np.float32, out=None):
        """Return the rows of images as `Dataset.standardise` does."""
        if "standardise" not in self.functions:
            return super().standardise(images, dtype, out)
        mean, std = self.mean_and_std
        x = self.functions["standardise"](images, mean, np.where(std > 0, std, 1))
        out = np.empty(x.shape, dtype) if out is None else out
        out[...] = x
        return out

    def minibatches(self, N, batch_size, rng, drop_last):
        """Yield the indices of each batch of an epoch."""
        own = self.functions.get("minibatches", EXERCISES["minibatches"].answer)
        return map(np.asarray, own(N, batch_size, rng, drop_last))


class OwnOptimizer(Optimizer):
    """An optimizer whose formula is a function of the learner's own, one step in place.

    Parameters
    ----------
    formula : str
        The exercise's name, such as "adam_step".
    function : function
    ours : Optimizer
        The library's, for the learning rate and the constants.
    """

    def __init__(self, formula, function, ours):
        super().__init__(ours.lr)
        self.formula, self.function, self.constants = formula, function, dict(ours.options)
        del self.constants["lr"]
        self.remembers = EXERCISES[formula].in_place[1:]

    @property
    def options(self):
        """What tells this optimizer from others."""
        return {"formula": self.formula, "lr": self.lr, **self.constants}

    def update(self, theta, gradient, lr, scratch, **state):
        """Make one step; AdamW's decay comes before it, where the formula is Adam's."""
        given = {**self.constants, **state, "gradient": gradient, "lr": float(lr), "t": self.t}
        names = EXERCISES[self.formula].parameters[1:]
        if "weight_decay" in given and "weight_decay" not in names:
            theta *= 1 - given["lr"] * given["weight_decay"]
        self.function(theta, *(given[name] for name in names))


@dataclass(frozen=True)
class OwnSchedule(CosineWithWarmup):
    """A schedule whose formula is a function of the learner's own; `train` knows its length."""

    function: Callable = None

    def __call__(self, t):
        """Return the learning rate of step t, counted from 1."""
        return float(self.function(t, self.lr, self.total_steps, self.warmup_steps))
