"""The N-layer classification network: affine layers and activations on one flat parameter vector."""

import copy
from collections.abc import MutableMapping
from itertools import pairwise

import numpy as np

from nn_helpers import layers, losses
from nn_helpers._arguments import choice, describe, floats, number, printable, whole_number
from nn_helpers._blocks import in_blocks
from nn_helpers.checkpoints import CUSTOM, load_network, save_network

# The standard deviation of the first weights, for an affine layer with D inputs and M outputs.
INITIALISATIONS = {
    "he": lambda D, M: np.sqrt(2 / D),  # He et al. 2015, arXiv:1502.01852, eq. 10: for ReLU
    "xavier": lambda D, M: np.sqrt(2 / (D + M)),  # Glorot & Bengio 2010, eq. 12: for tanh and sigmoid
    "normal": lambda D, M: 0.01,  # the same for every layer
}
DTYPES = ("float32", "float64")
CHUNK = 500  # examples that predicting holds at a time


class ParameterViews(MutableMapping):
    """W1, b1, W2, b2, … as views of one flat vector, by name.

    Assigning writes into the vector: ``params["W1"] = W`` copies W, so the views stay views.
    """

    def __init__(self, vector, shapes):
        self._arrays = {}
        weights, biases = 0, sum(D * M for D, M in shapes)  # all weights first, then all biases
        for layer, (D, M) in enumerate(shapes, start=1):
            self._arrays[f"W{layer}"] = vector[weights : weights + D * M].reshape(D, M)
            self._arrays[f"b{layer}"] = vector[biases : biases + M]
            weights, biases = weights + D * M, biases + M

    def __getitem__(self, name):
        try:
            return self._arrays[name]
        except KeyError:
            raise KeyError(f"no parameter {name!r}; this network has {', '.join(self)}") from None

    def __setitem__(self, name, value):
        _copy_into(self[name], value, name)

    def __delitem__(self, name):
        raise TypeError("a network's parameters cannot be removed")

    def __iter__(self):
        return iter(self._arrays)

    def __len__(self):
        return len(self._arrays)

    def __repr__(self):
        return "{" + ", ".join(f"{name!r}: {array.shape}" for name, array in self.items()) + "}"


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
    activation : {"relu", "leaky_relu", "sigmoid", "tanh"}
    reg : float
        Strength of the L2 penalty ½ · reg · Σ‖W‖². It can be changed between steps.
    init : {"he", "xavier", "normal"} or function (D, M) -> float
        Standard deviation of the first weights, which are normally distributed around 0: √(2/D),
        √(2/(D + M)), 0.01, or what the function returns. Biases start at 0.
    dtype : float32 or float64
        Of all numbers in the network.
    seed : int or numpy.random.Generator
        Of the first weights and of dropout. The same seed gives the same weights, rounded to `dtype`.
    dropout : float in [0, 1)
        The share of each hidden layer's units that `forward` sets to 0, others at each call.
        Predictions, losses and scores use all units. It can be changed between steps.

    Attributes
    ----------
    theta : float array (P,)
        Every parameter: all weights, then all biases. Assigning copies into it.
    gradient : float array (P,)
        The derivative of the loss with respect to each parameter, as `backward` left it.
    params, grads : mapping of str to float array
        Views of `theta` and `gradient`: ``params["W1"]`` (D, M), ``params["b1"]`` (M,), …
    weights : float array
        The part of `theta` that L2 regularises: every weight and no bias.

    Examples
    --------
    >>> ClassificationNet(input_size=3072, hidden_sizes=[100, 100], num_classes=10)
    ClassificationNet(3072 → 100 → 100 → 10, relu, 318,410 parameters, float32)
    """

    def __init__(
        self,
        input_size=3072,
        hidden_sizes=(100, 100),
        num_classes=10,
        activation="relu",
        reg=0.0,
        init="he",
        dtype=np.float32,
        seed=0,
        dropout=0.0,
    ):
        if not np.iterable(hidden_sizes):
            raise TypeError(
                f"ClassificationNet: hidden_sizes must be a list with the width of each hidden layer, "
                f"got {hidden_sizes}; write [100] for one hidden layer, [] for none"
            )
        sizes = [
            whole_number("ClassificationNet", "input_size", input_size, 1),
            *(whole_number("ClassificationNet", "each of hidden_sizes", M, 1) for M in hidden_sizes),
            whole_number("ClassificationNet", "num_classes", num_classes, 1),
        ]
        self.input_size, *self.hidden_sizes, self.num_classes = sizes
        self._activation = choice("ClassificationNet", "activation", activation, layers.ACTIVATIONS)
        self.dtype = np.dtype(choice("ClassificationNet", "dtype", _dtype_name(dtype), DTYPES))
        self.reg, self.dropout = reg, dropout
        if isinstance(init, str) and init == CUSTOM:
            raise ValueError(
                "ClassificationNet: unknown init 'custom': the file says that init was a function, which it "
                f"does not hold; write init=… with that function, or one of {', '.join(INITIALISATIONS)}"
            )
        self.init = init if callable(init) else choice("ClassificationNet", "init", init, INITIALISATIONS)

        shapes = list(pairwise(sizes))
        self._theta, self._gradient = _zeros(sum(D * M + M for D, M in shapes), self.dtype)
        self._params = ParameterViews(self._theta, shapes)
        self._grads = ParameterViews(self._gradient, shapes)
        self._weights = self._theta[: sum(D * M for D, M in shapes)]
        self._layers = [
            tuple(views[f"{kind}{layer}"] for views in (self.params, self.grads) for kind in "Wb")
            for layer in range(1, len(shapes) + 1)
        ]  # (W, b, dW, db) of each
        self._rng = np.random.default_rng(seed)
        self._initialise(shapes, self._rng)

        forward, backward = layers.ACTIVATIONS[self.activation]
        self._library = {
            "affine_forward": layers.affine_forward,
            "affine_backward": layers.affine_backward,
            f"{self.activation}_forward": forward,
            f"{self.activation}_backward": backward,
            "softmax": losses.softmax,
            "cross_entropy": losses.cross_entropy,
            "l2_penalty": losses.l2_penalty,
        }
        self.functions = dict(self._library)
        self._training, self._inference = _Buffers(self), _Buffers(self)
        self._caches = None

    def _initialise(self, shapes, rng):
        deviation = self.init if callable(self.init) else INITIALISATIONS[self.init]
        for (D, M), (W, *_) in zip(shapes, self._layers, strict=True):
            std = number("ClassificationNet", "the standard deviation that init returns", deviation(D, M))
            W[...] = rng.standard_normal((D, M)) * std

    @property
    def theta(self):
        """Every parameter in one vector (P,): all weights, then all biases."""
        return self._theta

    @theta.setter
    def theta(self, values):
        _copy_into(self._theta, values, "theta")

    @property
    def weights(self):
        """The part of `theta` that L2 regularises: every weight and no bias."""
        return self._weights

    @weights.setter
    def weights(self, values):
        _copy_into(self._weights, values, "weights")

    @property
    def params(self):
        """The parameters by name, W1, b1, W2, …, as views of `theta`."""
        return self._params

    @property
    def grads(self):
        """The gradient by the name of the parameter, as views of `gradient`."""
        return self._grads

    @property
    def activation(self):
        """The name of the activation; another one needs another network."""
        return self._activation

    @property
    def gradient(self):
        """The derivative of the loss with respect to `theta` (P,), as `backward` left it."""
        return self._gradient

    @property
    def reg(self):
        """Strength of the L2 penalty."""
        return self._reg

    @reg.setter
    def reg(self, reg):
        self._reg = number("ClassificationNet", "reg", reg)

    @property
    def dropout(self):
        """The share of hidden units that `forward` sets to 0."""
        return self._dropout

    @dropout.setter
    def dropout(self, rate):
        self._dropout = number("ClassificationNet", "dropout", rate, below=1.0)

    @property
    def num_layers(self):
        """The number of affine layers."""
        return len(self._layers)

    def forward(self, x):
        """Compute the logits of a batch, and keep in each layer what `backward` will need.

        Parameters
        ----------
        x : float array (N, input_size), or (N, …) with as many numbers in each example

        Returns
        -------
        logits : float array (N, num_classes)
        """
        x = self._examples("forward", x)
        self._caches = None  # should forward fail, backward must not go on with half of it
        logits, self._caches = self._propagate(x, self._training, self.dropout)
        return logits

    def _propagate(self, x, buffers, dropout=0.0):
        """Return logits and the caches of all layers; hidden layers are written to `buffers`."""
        affine_forward = self.functions["affine_forward"]
        activation_forward = self.functions[f"{self.activation}_forward"]
        caches, a = [], x
        for (W, b, *_), (z, activated, dropped, mask, *_) in zip(
            self._layers[:-1], buffers.of(len(x)), strict=True
        ):
            z, affine_cache = affine_forward(a, W, b, out=z)
            a, activation_cache = activation_forward(z, out=activated)
            if dropout:
                a, mask = layers.dropout_forward(a, dropout, self._rng, out=(dropped, mask))
            else:
                mask = None
            caches.append((affine_cache, activation_cache, mask))
        W, b, *_ = self._layers[-1]
        logits, affine_cache = affine_forward(a, W, b)
        caches.append((affine_cache, None, None))
        return logits, caches

    def backward(self, dlogits):
        """Fill `gradient` with the derivative of the loss with respect to each parameter, L2 included.

        Parameters
        ----------
        dlogits : float array (N, num_classes)
            The derivative of the loss with respect to the logits of the last `forward`.
        """
        if self._caches is None:
            raise RuntimeError("backward: call forward first; it records what backward needs")
        dz = floats("backward", dlogits=dlogits).astype(self.dtype, copy=False)
        N = self._training.examples
        if dz.shape != (N, self.num_classes):
            raise ValueError(
                f"backward: dlogits must have the shape of the logits of the last forward, "
                f"{(N, self.num_classes)}; got {dz.shape}"
            )
        affine_backward = self.functions["affine_backward"]
        activation_backward = self.functions[f"{self.activation}_backward"]
        hidden = self._training.of(N)
        for layer in reversed(range(1, self.num_layers)):
            affine_cache, _, _ = self._caches[layer]
            _, activation_cache, mask = self._caches[layer - 1]
            _, _, dW, db = self._layers[layer]
            *_, own_da, dz_before = hidden[layer - 1]
            da, _, _ = affine_backward(dz, affine_cache, out=(own_da, dW, db))
            if mask is not None:
                da = layers.dropout_backward(da, mask, out=own_da)
            dz = activation_backward(da, activation_cache, out=dz_before)
        _, _, dW, db = self._layers[0]
        affine_backward(dz, self._caches[0][0], out=(None, dW, db), need_dx=False)
        if self.reg:
            in_blocks(self._add_reg_gradient, self.weights.size, self.dtype)

    def _add_reg_gradient(self, block, scratch):
        # ∂(½ reg ‖W‖²)/∂W = reg · W
        self._gradient[block] += np.multiply(self.weights[block], self.reg, out=scratch)

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
        data_loss, _ = self.functions["cross_entropy"](self.logits(x), y)
        return float(data_loss + self.functions["l2_penalty"](self.weights, self.reg))

    def logits(self, x):
        """Return the logits (N, num_classes) of any number of examples; what `backward` needs stays."""
        x = self._examples("logits", x)
        logits = np.empty((len(x), self.num_classes), self.dtype)
        for start in range(0, len(x), CHUNK):
            chunk = slice(start, start + CHUNK)
            logits[chunk], _ = self._propagate(x[chunk], self._inference)
        return logits

    def activations(self, x):
        """Return what each hidden layer puts out: a list of float arrays (N, M), the first layer first.

        Parameters
        ----------
        x : float array (N, …)
        """
        a, found = self._examples("activations", x), []
        for W, b, *_ in self._layers[:-1]:
            z, _ = self.functions["affine_forward"](a, W, b)
            a, _ = self.functions[f"{self.activation}_forward"](z)
            found.append(a)
        return found

    def predict_proba(self, x):
        """Return the probability (N, num_classes) of each class for each example."""
        return self.functions["softmax"](self.logits(x))

    def predict(self, x):
        """Return the most probable class (N,) of each example, as integers."""
        return self.logits(x).argmax(axis=1)

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
        predicted = self.predict(x)
        if not len(predicted):
            raise ValueError("score: needs at least one example")
        y = losses.labels("score", y, len(predicted), self.num_classes)
        return float((predicted == (y if y.ndim == 1 else y.argmax(axis=1))).mean())

    def use(self, **functions):
        """Put your own functions in the place of the library's; the network runs and trains with them.

        ``net.use(relu_forward=mine)``. A function takes the library function's arguments (``out``
        can be left out) and returns the same kind of result. With None the library's own comes back.

        Returns
        -------
        ClassificationNet
            The network itself.
        """
        for name, function in functions.items():
            if name not in self._library:
                raise ValueError(
                    f"use: this network calls no function {name!r}; it calls {', '.join(self._library)}"
                )
            if function is not None and not callable(function):
                raise TypeError(f"use: {name} must be a function, got {type(function).__name__}")
        for name, function in functions.items():
            if function is None or function is self._library[name]:
                self.functions[name] = self._library[name]
            else:
                self.functions[name] = _adapted(name, function)
        self._caches = None  # of other functions, perhaps
        return self

    @property
    def config(self):
        """The arguments that make a network of this architecture."""
        return {
            "input_size": self.input_size,
            "hidden_sizes": list(self.hidden_sizes),
            "num_classes": self.num_classes,
            "activation": self.activation,
            "reg": self.reg,
            "init": self.init,
            "dtype": self.dtype,
            "dropout": self.dropout,
        }

    def copy(self):
        """Return a network of its own, with the same architecture, functions and parameters."""
        return copy.deepcopy(self)

    __copy__ = copy

    def save(self, path):
        """Write architecture and parameters to a .safetensors file, which `load` reads.

        Functions are not stored: neither those given to `use` nor an `init` of your own, of which
        only is noted that there was one. Other programs read the file too; in PyTorch,
        ``safetensors.torch.load_file(path)["W1"].T`` is the `weight` of the first `Linear`.

        Parameters
        ----------
        path : path
            It ends in .safetensors; a file there is replaced.
        """
        save_network(self, path)

    @classmethod
    def load(cls, path, seed=0):
        """Return the network that `save` wrote, or that of the last step in a checkpoint of `train`.

        Parameters
        ----------
        path : path
        seed : int or numpy.random.Generator
            Of dropout from here on.

        Raises
        ------
        OSError
            If there is no such file, or it may not be read.
        ValueError
            If the file is damaged, cut off, or no network of this library. It names the file.
        """
        config, params = load_network(path)
        try:
            choice("load", "init", config["init"], (*INITIALISATIONS, CUSTOM))
            net = cls(**{**config, "init": "normal"}, seed=seed)
            if left_out := net.config.keys() - config.keys():
                raise ValueError(f"it leaves out {', '.join(sorted(left_out))}")
        except (KeyError, TypeError, ValueError) as error:
            reason = f"the network it describes cannot be made: {error}"
            raise ValueError(f"{path}: {printable(reason)}") from None
        net.init = config["init"]
        net.params.update(params)
        return net

    def __getstate__(self):
        # Copying arrays and views one by one would leave params and theta unconnected.
        return {
            "config": self.config,
            "theta": self.theta.copy(),
            "functions": dict(self.functions),
            "rng": self._rng,
        }

    def __setstate__(self, state):
        # The weights follow, so init is not asked for them; a loaded network's may be the word "custom".
        self.__init__(**{**state["config"], "init": "normal"})
        self.init = state["config"]["init"]
        self.theta = state["theta"]
        self.functions = state["functions"]
        self._rng = state["rng"]

    def __repr__(self):
        sizes = " → ".join(map(str, [self.input_size, *self.hidden_sizes, self.num_classes]))
        reg = f", reg={self.reg:g}" if self.reg else ""
        reg += f", dropout={self.dropout:g}" if self.dropout else ""
        parameters = f"{self.theta.size:,} parameter{'s' if self.theta.size > 1 else ''}"
        return f"ClassificationNet({sizes}, {self.activation}{reg}, {parameters}, {self.dtype})"

    def _examples(self, method, x):
        """Return x as an array (N, input_size) of the network's dtype."""
        if isinstance(x, np.ndarray) and x.dtype == np.uint8:
            raise TypeError(
                f"{method}: x holds uint8 pictures {x.shape}; the network eats data.standardise(images)"
            )
        x = floats(method, x=x)
        if x.ndim < 2 or int(np.prod(x.shape[1:])) != self.input_size:
            raise ValueError(
                f"{method}: x must have shape (N, {self.input_size}), or (N, …) with as many numbers in each "
                f"example; got {x.shape}"
            )
        return x.reshape(len(x), self.input_size).astype(self.dtype, copy=False)


def _zeros(P, dtype):
    """Return two vectors of P zeros."""
    try:
        return np.zeros(P, dtype), np.zeros(P, dtype)
    except (MemoryError, OverflowError, ValueError):  # which of them, depends on how far too many P are
        shown = f"{P:,}" if P < 10**18 else "more than 10¹⁸"
        raise MemoryError(
            f"ClassificationNet: there is not enough memory for {shown} parameters and their gradient; "
            "write smaller hidden_sizes"
        ) from None


class _Buffers:
    """Arrays that hidden layers are computed in, kept between steps so that a step allocates nothing."""

    def __init__(self, net):
        self._sizes, self._dtype = net.hidden_sizes, net.dtype
        self.examples, self._kept, self._in_use = 0, [], []

    def of(self, N):
        """Return (z, a, a after dropout, its mask, da, dz), each (N, M), for every hidden layer."""
        if N != self.examples or len(self._in_use) != len(self._sizes):
            if not self._kept or N > len(self._kept[0][0]):
                self._kept = [tuple(np.empty((N, M), self._dtype) for _ in range(6)) for M in self._sizes]
            self._in_use = [tuple(array[:N] for array in arrays) for arrays in self._kept]
            self.examples = N
        return self._in_use


def _adapted(name, function):
    """Let a function that returns new arrays serve where the network passes ``out=``."""

    def call(*args, out=None, need_dx=True):
        result = function(*args)
        if name == "affine_backward":
            _, dW, db = _expect_tuple(name, result, "(dx, dW, db)")
            _copy_into(out[1], dW, f"dW from your {name}")
            _copy_into(out[2], db, f"db from your {name}")
            if need_dx:
                _expect_array(f"dx from your {name}", result[0], out[0].shape)
        elif name == "affine_forward":
            x, W, _ = args
            z, _ = _expect_tuple(name, result, "(z, cache)")
            _expect_array(f"z from your {name}", z, (len(x), W.shape[1]))
        elif name == "cross_entropy":
            loss, dlogits = _expect_tuple(name, result, "(loss, dlogits)")
            _expect_number(f"loss from your {name}", loss)
            _expect_array(f"dlogits from your {name}", dlogits, args[0].shape)
        elif name.endswith("_forward"):
            a, _ = _expect_tuple(name, result, "(a, cache)")
            _expect_array(f"a from your {name}", a, args[0].shape)
        elif name == "l2_penalty":
            _expect_number(f"what your {name} returns", result)
        else:
            _expect_array(f"what your {name} returns", result, args[0].shape)
        return result

    call.__wrapped__ = function
    return call


def _expect_tuple(name, result, names):
    if not isinstance(result, tuple) or len(result) != names.count(",") + 1:
        raise TypeError(f"your {name} must return {names}, got {describe(result)}")
    return result


def _expect_number(what, given):
    if np.ndim(given) != 0 or np.asarray(given).dtype.kind not in "fiu":
        raise TypeError(f"{what} must be one number, got {describe(given)}")


def _expect_array(what, given, shape):
    if not isinstance(given, np.ndarray):
        raise TypeError(f"{what} must be an array, got {describe(given)}")
    if given.shape != shape:
        raise ValueError(f"{what} must have shape {shape}, got {given.shape}")
    if given.dtype.kind not in "fiu":
        raise TypeError(f"{what} must hold numbers, got {given.dtype}")


def _copy_into(array, values, name):
    values = np.asarray(values)
    if values.shape != array.shape:
        raise ValueError(f"{name} must have shape {array.shape}, got {values.shape}")
    if values.dtype.kind not in "fiu":
        raise TypeError(f"{name} must hold numbers, got {values.dtype}")
    array[...] = values


def _dtype_name(dtype):
    try:
        return np.dtype(dtype).name
    except TypeError:
        return repr(dtype)
