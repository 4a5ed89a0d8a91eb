"""The N-layer classification network: affine layers and activations on one flat parameter vector.

A hidden layer is ``affine → (normalisation) → activation → (dropout) → (+ its input)``. What stands in
brackets is there where the network is asked for it.
"""

import copy
from functools import partial
from operator import attrgetter

import numpy as np

from nn_helpers import layers, losses
from nn_helpers.saving import load_network, save_network
from nn_helpers.support import network_checks as check
from nn_helpers.support.learner_functions import Adapted
from nn_helpers.support.parameters import NOWHERE, Buffers, BuffersOfThread, Parameters, copy_into, shapes_of
from nn_helpers.support.scratch import in_blocks
from nn_helpers.support.threads import share_out
from nn_helpers.support.validation import Number, float_dtype, generator, number

# The standard deviation of the first weights, for an affine layer with D inputs and M outputs.
INITIALISATIONS = {
    "he": lambda D, M: np.sqrt(2 / D),  # He et al. 2015, arXiv:1502.01852, eq. 10: for ReLU
    "xavier": lambda D, M: np.sqrt(2 / (D + M)),  # Glorot & Bengio 2010, eq. 12: for tanh and sigmoid
    "normal": lambda D, M: 0.01,  # the same for every layer
}
CHUNK = 500  # examples that predicting holds at a time


def _vector(name, doc):
    """Return an attribute for a vector of the network's: what is assigned is copied into it."""

    def put(net, values):
        copy_into(getattr(net, name), values, name)

    return property(attrgetter(f"_stored.{name}"), put, doc=doc)


class ClassificationNet:
    """Affine layers with an activation after each but the last, for classification.

    Parameters
    ----------
    input_size : int
        Numbers in an example: 32 · 32 · 3 = 3,072 for CIFAR-10.
    hidden_sizes : sequence of int
        The width of each hidden layer. ``[100, 100]`` makes a network of three affine layers;
        ``[]`` makes softmax regression.
    num_classes : int
    activation : {"relu", "leaky_relu", "sigmoid", "tanh"} or list of these
        Of all hidden layers, or of each.
    reg : float
        Strength of the L2 penalty ½ · reg · Σ‖W‖². It can be changed between steps.
    init : {"he", "xavier", "normal"} or function (D, M) -> float
        Standard deviation of the first weights, which are normally distributed around 0: √(2/D),
        √(2/(D + M)), 0.01, or what the function returns. Biases start at 0.
    dtype : float32 or float64
        The type of all numbers in the network.
    seed : int or numpy.random.Generator
        For the first weights and for dropout. The same seed gives the same weights, rounded to `dtype`.
    dropout : float in [0, 1)
        The share of each hidden layer's units that `forward` sets to 0, others at each call.
        Predictions, losses and scores use all units. It can be changed between steps.
    normalise : bool
        Whether batch normalisation follows the affine layer of each hidden layer. `forward` normalises with
        the batch's own mean and variance, and `backward` lets running means follow them, once for each
        `forward`: predictions, losses and scores use these.
    residual : bool
        Whether a hidden layer adds its input to what it puts out, where both have as many units.

    Attributes
    ----------
    theta : float array (P,)
        Every parameter: all weights, then all biases. Assigning copies into it.
    gradient : float array (P,)
        The derivative of the loss with respect to each parameter, as `backward` left it.
    params, grads : mapping of str to float array
        Views of `theta` and `gradient`: ``params["W1"]`` (D, M), ``params["b1"]`` (M,), … With `normalise`
        each hidden layer also has a scale ``params["gamma1"]`` and a shift ``params["beta1"]`` (M,).
    arrays : mapping of str to float array
        The parameters and, with `normalise`, the running means ``arrays["mean1"]``, ``arrays["var1"]`` (M,).
    weights : float array
        The part of `theta` that L2 regularises: every weight and no bias.
    rng : numpy.random.Generator
        What dropout draws from.
    functions : dict of str to function
        What the network calls, by name; `use` replaces them.

    Examples
    --------
    >>> ClassificationNet(input_size=3072, hidden_sizes=[100, 100], num_classes=10)
    ClassificationNet(3072 → 100 → 100 → 10, relu, 318,410 parameters, float32)
    """

    reg = Number()
    dropout = Number(below=1.0)
    input_size = property(lambda net: net._sizes[0], doc="Numbers in an example; it cannot change.")
    hidden_sizes = property(lambda net: net._sizes[1:-1], doc="A list of the widths; they cannot change.")
    num_classes = property(lambda net: net._sizes[-1], doc="How many classes there are; it cannot change.")
    dtype = property(lambda net: net.theta.dtype, doc="The type of all numbers; it cannot change.")
    activation = property(lambda net: copy.copy(net._chosen[0]), doc="A name, or a list; it cannot change.")
    hidden_activations = property(lambda net: net._chosen[1], doc="One name for each hidden layer.")
    normalise = property(attrgetter("_normalise"), doc="Whether hidden layers are normalised; cannot change.")
    residual = property(attrgetter("_residual"), doc="Whether layers add their input; it cannot change.")
    theta = _vector("theta", "Every parameter in one vector (P,): all weights, then all biases.")
    weights = _vector("weights", "The part of `theta` that L2 regularises: every weight and no bias.")
    num_layers = property(lambda net: len(net._stored.layers), doc="The number of affine layers.")
    params = property(attrgetter("_stored.params"), doc="W1, b1, W2, … as views of `theta`.")
    arrays = property(attrgetter("_stored.arrays"), doc="`params`, and the running means.")
    numbers = property(attrgetter("_stored.numbers"), doc="`theta`, and the running means after it.")
    grads = property(attrgetter("_stored.grads"), doc="The gradient by the parameter's name: views.")
    gradient = property(attrgetter("_stored.gradient"), doc="∂L/∂θ (P,), as `backward` left it.")

    def __init__(
        self, input_size=3072, hidden_sizes=(100, 100), num_classes=10, activation="relu", reg=0.0,
        init="he", dtype=np.float32, seed=0, dropout=0.0, normalise=False, residual=False,
    ):  # fmt: skip
        self._sizes = sizes = check.sizes(input_size, hidden_sizes, num_classes)
        self._chosen = check.activations(activation, layers.ACTIVATIONS, self.hidden_sizes)
        self.reg, self.dropout, self.init = reg, dropout, check.init(init, INITIALISATIONS)
        self._normalise, self._residual = check.switches(normalise, residual, sizes[:-1])
        self._stored = Parameters(shapes_of(sizes, normalise), float_dtype("ClassificationNet", dtype))
        self._initialise(generator("ClassificationNet", seed))
        self.functions, self._caches = dict(self.library), None
        made = self.hidden_sizes, self.dtype  # arrays for z, a, da and dz, used again in each step
        self._buffers, self._inference_buffers = Buffers(*made), BuffersOfThread(*made)

    def _initialise(self, rng):
        self.rng, deviation = rng, self.init if callable(self.init) else INITIALISATIONS[self.init]
        for W, *_ in self._stored.layers:
            std = number("ClassificationNet", "the standard deviation that init returns", deviation(*W.shape))
            W[...] = self.rng.standard_normal(W.shape) * std

    @property
    def library(self):
        """The library's functions that this network is made of, by name."""
        names = self.hidden_activations or (self.activation,)
        used = (
            *(layers.affine_forward, layers.affine_backward),
            *(function for name in names for function in layers.ACTIVATIONS[name]),
            *(layers.batchnorm_forward, layers.batchnorm_backward)[: 2 * self.normalise],
            *(losses.softmax, losses.cross_entropy, losses.l2_penalty),
        )
        return {function.__name__: function for function in used}

    @property
    def functions_of_your_own(self):
        """The names of those that `use` has replaced."""
        library = self.library
        return [name for name, function in self.functions.items() if function is not library[name]]

    def forward(self, x):
        """Compute the logits of a batch for training, and keep every layer's cache for `backward`.

        Parameters
        ----------
        x : float array (N, input_size), or (N, …) with as many numbers in each example

        Returns
        -------
        logits : float array (N, num_classes)
            With dropout, if there is any: for predictions take `predict` or `logits`.
        """
        x = check.examples("forward", x, self)
        self._caches = None  # should forward fail, backward must not go on with half of it
        logits, self._caches = self._propagate(x, self._buffers, training=True)
        return logits

    def _propagate(self, x, buffers, training=False):
        """Return logits and the caches of all layers; hidden layers are computed in `buffers`."""
        *hidden, last = self._stored.layers
        caches, a = [], x
        for layer, name, buffer in zip(hidden, self.hidden_activations, buffers.of(len(x)), strict=True):
            a, cache = self._hidden_forward(a, layer, name, buffer, training)
            caches.append(cache)
        logits, affine_cache = self.functions["affine_forward"](a, last.W, last.b)
        return logits, (caches, affine_cache)

    def _hidden_forward(self, x, layer, activation, buffer, training=False):
        """Return what a hidden layer puts out, and what its way back needs."""
        functions, normalised, mask = self.functions, None, None
        z, affine_cache = functions["affine_forward"](x, layer.W, layer.b, out=buffer.z)
        if self.normalise:
            running = None if training else (layer.mean, layer.var)
            y, cache = functions["batchnorm_forward"](z, layer.gamma, layer.beta, running)
            z, normalised = y, ([z], cache)  # a list: the running means take z from it, once
        a, activation_cache = functions[f"{activation}_forward"](z, out=buffer.a)
        if training and self.dropout:
            dropout_forward = functions.get("dropout_forward", layers.dropout_forward)
            a, mask = dropout_forward(a, self.dropout, self.rng, out=(buffer.dropped, buffer.mask))
        shortcut = self.residual and x.shape == a.shape
        return a + x if shortcut else a, (affine_cache, normalised, activation_cache, mask, shortcut)

    def backward(self, dlogits):
        """Fill `gradient` with the derivative of the loss with respect to each parameter, L2 included.

        Parameters
        ----------
        dlogits : float array (N, num_classes)
            The derivative of the loss with respect to the logits of the last `forward`.
        """
        if self._caches is None:
            raise RuntimeError("backward: call forward first; it records what backward needs")
        dz = check.dlogits(dlogits, self, self._buffers.examples)
        self._walk_back(dz, *self._caches)
        if self.reg:
            self.add_l2()

    def add_l2(self):
        """Add the gradient of the L2 penalty, ``reg · W``, to that of the data loss."""
        weights = self._stored.weights
        in_blocks(partial(losses.add_l2_gradient, reg=self.reg), self.gradient[: weights.size], weights)

    def _walk_back(self, dz, caches, affine_cache):
        """Fill the gradient of each layer, the last one's first, from ∂L/∂z of the last."""
        affine_backward, around = self.functions["affine_backward"], None
        (*hidden, layer), buffers = self._stored.layers, self._buffers.of(len(dz))
        # Each layer with the hidden layer before it, whose output was its input.
        walked = list(zip(hidden, self.hidden_activations, buffers, caches, strict=True))
        for before, name, buffer, cache in walked[::-1]:
            da, _, _ = affine_backward(dz, affine_cache, out=(buffer.da, layer.dW, layer.db))
            da = da if around is None else da + around
            dz, around, affine_cache = self._hidden_backward(da, before, name, buffer, cache)
            layer = before
        affine_backward(dz, affine_cache, out=(None, layer.dW, layer.db), need_dx=False)

    def _hidden_backward(self, da, layer, activation, buffer, cache):
        """Return dz of a hidden layer's affine part, what its shortcut carries, and the affine cache."""
        affine_cache, normalised, activation_cache, mask, shortcut = cache
        around = da if shortcut else None
        if mask is not None:
            da = layers.dropout_backward(da, mask, out=None if shortcut else buffer.da)
        dz = self.functions[f"{activation}_backward"](da, activation_cache, out=buffer.dz)
        if normalised:
            new, norm_cache = normalised
            dz, layer.dgamma[...], layer.dbeta[...] = self.functions["batchnorm_backward"](dz, norm_cache)
            if new and layer.mean is not None:
                layers.follow_batch(layer.mean, layer.var, new.pop())
        return dz, around, affine_cache

    def loss(self, x, y):
        """Return cross-entropy plus ½ · reg · Σ‖W‖².

        Parameters
        ----------
        x : float array (N, …)
        y : integer array (N,) or one-hot array (N, num_classes)

        Returns
        -------
        float
        """
        data_loss, _ = self.functions["cross_entropy"](self._logits("loss", x), y)
        return float(data_loss + self.functions["l2_penalty"](self.weights, self.reg))

    def logits(self, x):
        """Return the logits (N, num_classes) of any number of examples, without dropout, for predictions.

        What `forward` kept for `backward` stays.
        """
        return self._logits("logits", x)

    def _logits(self, method, x):
        x = check.examples(method, x, self)
        if len(x) <= CHUNK:
            return self._propagate(x, self._inference_buffers)[0].astype(self.dtype, copy=False)
        logits = np.empty((len(x), self.num_classes), self.dtype)

        def compute(number):
            chunk = slice(CHUNK * number, CHUNK * (number + 1))
            logits[chunk], _ = self._propagate(x[chunk], self._inference_buffers)

        share_out(compute, -(-len(x) // CHUNK))
        return logits

    def activations(self, x):
        """Return what each hidden layer puts out, as predictions have it: float arrays (N, M) in a list.

        Parameters
        ----------
        x : float array (N, …)
        """
        a, found = check.examples("activations", x, self), []
        for layer, name in zip(self._stored.layers, self.hidden_activations, strict=False):
            a, _ = self._hidden_forward(a, layer, name, NOWHERE)
            found.append(a)
        return found

    def predict_proba(self, x):
        """Return the probability (N, num_classes) of each class for each example."""
        return self.functions["softmax"](self._logits("predict_proba", x))

    def predict(self, x):
        """Return the most probable class (N,) of each example, as integers."""
        return check.largest("predict", self._logits("predict", x))

    def score(self, x, y):
        """Return the accuracy: the share, 0 to 1, of examples whose most probable class is the true one.

        Parameters
        ----------
        x : float array (N, …)
        y : integer array (N,) or one-hot array (N, num_classes)

        Returns
        -------
        float
        """
        predicted = check.largest("score", self._logits("score", x))
        return float((predicted == check.true_classes(predicted, y, self)).mean())

    def use(self, **functions):
        """Put your own functions in the place of the library's; the network runs and trains with them.

        ``net.use(relu_forward=mine)``. A function takes the library function's arguments (``out``
        can be left out) and returns the same kind of result. With None the library's own comes back.
        Threads that share a batch call it at the same time, each with its own examples.

        Returns
        -------
        ClassificationNet
            The network itself.
        """
        library = self.library
        check.replacements(functions, library)
        for name, function in functions.items():
            ours = function is None or function is library[name]
            self.functions[name] = library[name] if ours else Adapted(name, function, library[name])
        self._caches = None  # of other functions, perhaps
        return self

    @property
    def config(self):
        """The arguments that make a network of this architecture."""
        names = ("input_size", "hidden_sizes", "num_classes", "activation", "reg", "init", "dtype", "dropout")
        names += tuple(name for name in ("normalise", "residual") if getattr(self, name))  # files of before
        return {name: getattr(self, name) for name in names}

    def copy(self):
        """Return a network of its own, with the same architecture, functions and parameters."""
        return copy.deepcopy(self)

    __copy__ = copy

    def replica(self, gradient=None):
        """Return a network with the same parameters, the same array, for another thread.

        What it writes to is its own: its gradient, without L2, and its arrays to compute in.

        Parameters
        ----------
        gradient : float array (P,), optional
            Where `backward` writes, instead of to a new array. Running means follow only the batches of a
            replica that was given one.
        """
        replica = object.__new__(type(self))
        vars(replica).update(vars(self), reg=0.0, _stored=self._stored.sharing_theta(gradient))
        replica._buffers = Buffers(self.hidden_sizes, self.dtype)
        return replica

    def save(self, path):
        """Write architecture and parameters to a .safetensors file, which `load` reads.

        Functions are not saved. A custom `init` is recorded only as "custom". Other programs read the
        file too; in PyTorch, ``safetensors.torch.load_file(path)["W1"].T`` is the `weight` of the first
        `Linear`.

        Parameters
        ----------
        path : path
            It ends in .safetensors; a file there is replaced.
        """
        save_network(self, path)

    @check.OnTheClass
    def load(cls, path, seed=0):  # noqa: N805 - a class method too
        """Return the network that `save` wrote, or that of the last step in a checkpoint of `train`.

        Parameters
        ----------
        path : path
        seed : int or numpy.random.Generator
            Seed for dropout after loading.

        Raises
        ------
        OSError
            If there is no such file, or it may not be read.
        ValueError
            If the file is damaged, cut off, or no network of this library. It names the file.
        """
        return load_network(cls, path, seed)

    def __getstate__(self):
        # Copying arrays and views one by one would leave params and theta unconnected.
        state = {"config": self.config, "numbers": self.numbers.copy()}
        return {**state, "functions": dict(self.functions), "rng": self.rng}

    def __setstate__(self, state):
        # The weights follow, so init is not asked for them; a loaded network's may be the word "custom".
        self.__init__(**{**state["config"], "init": "normal"})
        self.init = state["config"]["init"]
        self.numbers[...], self.functions, self.rng = state["numbers"], state["functions"], state["rng"]

    def __repr__(self):
        sizes = " → ".join(map(str, [self.input_size, *self.hidden_sizes, self.num_classes]))
        reg = f", reg={self.reg:g}" if self.reg else ""
        reg += f", dropout={self.dropout:g}" if self.dropout else ""
        reg += ", normalise" * self.normalise + ", residual" * self.residual
        activation = self.activation if isinstance(self.activation, str) else " + ".join(self.activation)
        parameters = f"{self.theta.size:,} parameter{'s' if self.theta.size > 1 else ''}"
        return f"ClassificationNet({sizes}, {activation}{reg}, {parameters}, {self.dtype})"
