"""A patient of the clinic: a small training whose parts are healthy or not, and the instruments."""

import functools
from dataclasses import dataclass, replace

import numpy as np

from nn_helpers import plots
from nn_helpers.data import load_images
from nn_helpers.data.batches import ArrayDataset, batches
from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.network import ClassificationNet
from nn_helpers.optimizers import Optimizer
from nn_helpers.schedules import CosineWithWarmup
from nn_helpers.training.history import History
from nn_helpers.training.steps import TrainingDivergedError, training_steps

SIDE, N, BATCH, EPOCHS, BY_HEART = 8, 400, 20, 15, 100
STEPS = N // BATCH * EPOCHS
LARGEST = 1e9  # what a number is counted as that is larger, or none
ROUNDING = 1e-7  # an error below it is rounding


@dataclass(frozen=True)
class Parts:
    """What a training is made of; as it stands here it is healthy.

    A formula is the library's, or "exercise: mistake", a wrong answer that `check` knows.
    """

    images: str = "standardised"
    val_images: str = "standardised"
    labels: str = "true"
    val_labels: str = "true"
    training_set: str = "its own"
    batches: str = "shuffled"
    units: int = 40
    activation: str = "relu"
    init: float | str = "he"
    bias: float = 0.0
    formula: str = "right"
    rule: str = "right"
    lr: float = 3e-3
    schedule: str = "cosine"
    reg: float = 0.0
    dropout: float = 0.05
    measuring: str = "all units"


class Rule(Optimizer):
    """Adam as lesson 04 writes it, or with one of the mistakes that `check` knows."""

    remembers = ("m", "v")

    def __init__(self, parts, first):
        super().__init__(SCHEDULES[parts.schedule](parts.lr))
        adam = EXERCISES["adam_step"]
        known = adam.mistakes.get(parts.rule)
        self.rule, self.still = known.wrong if known else adam.answer, parts.rule == "first layer left out"
        self.first = first

    def update(self, theta, gradient, lr, scratch, m, v):
        """Make one step."""
        gradient = gradient.copy()
        if self.still:
            gradient[: self.first] = 0
        self.rule(theta, gradient, m, v, self.t, lr, 0.9, 0.999, 1e-8)


SCHEDULES = {
    "cosine": lambda lr: CosineWithWarmup(lr, STEPS),
    "constant": lambda lr: lambda t: lr,
    "over after an epoch": lambda lr: lambda t: lr if t * BATCH <= N else lr / 1e6,
}


class Images(ArrayDataset):
    """Images as rows of numbers; `apart` gives those of a batch in another order than its labels."""

    apart = False

    def standardise(self, images, dtype=np.float32, out=None):
        """Return the rows as they are, or each at another's place."""
        rng = np.random.default_rng(int(1e6 * abs(images[0, 0])) % 2**32)
        return super().standardise(rng.permutation(images) if self.apart else images, dtype, out)


@functools.cache
def _sketches():
    """Return all sketches shrunk to 8 × 8 pixels, their labels, and the names of the classes."""
    data = load_images("sketches", quiet=True)
    images, labels = data.train.images, data.train.labels
    small = images.reshape(-1, SIDE, 4, SIDE, 4, 3).mean(axis=(2, 4))
    return small, labels.astype(int), list(data.class_names)


class Patient:
    """A training that has been made: network, data and history, and what the instruments read.

    Parameters
    ----------
    parts : Parts
    seed : int
        Which images, which first weights, which order.
    only : int, optional
        Learn from so many of its images alone.
    """

    def __init__(self, parts, seed=0, only=None):
        self.parts, self.seed, self.only = parts, seed, only
        self.data, self.fresh, self.wrong = self._collect(np.random.default_rng([6, seed]))
        self.start = self._first_weights()
        self.net, self.history, self.relative_updates = self.start.copy(), History(), []
        with np.errstate(all="ignore"):
            self._train()

    def _collect(self, rng):
        """Return the data, fresh images, and which labels of the training images are wrong."""
        parts, (images, labels, _) = self.parts, _sketches()
        train, val, fresh = rng.permutation(len(images))[: 3 * N].reshape(3, N)
        if parts.training_set == "30 images":
            train = np.tile(train[:30], 14)[:N]
        elif parts.training_set == "with validation images":
            train = np.concatenate([train[: N // 4], val[: 3 * N // 4]])
        elif parts.training_set == "whole batches of classes":
            train = train[labels[train] < labels.max()]
        if parts.batches == "sorted":
            train = train[np.argsort(labels[train], kind="stable")]
        y, y_val = _labels(labels[train], parts.labels, rng), _labels(labels[val], parts.val_labels, rng)
        scale = images[train].mean(axis=(0, 1, 2)), images[train].std(axis=(0, 1, 2))
        x, x_val, x_fresh = (
            _rows(images[at], how, *scale)
            for at, how in ((train, parts.images), (val, parts.val_images), (fresh, parts.images))
        )
        if parts.val_images == "standardised":
            x_val = _rows(images[val], parts.images, *scale)
        data = Images((x[: self.only], y[: self.only]), (x_val, y_val))
        data.apart = parts.batches == "images and labels apart"
        return data, (x_fresh, labels[fresh]), y != labels[train]

    def _first_weights(self):
        parts, D = self.parts, SIDE * SIDE * 3
        init = (lambda D, M: max(parts.init, 1e-300)) if isinstance(parts.init, float) else "he"
        net = ClassificationNet(
            D, [parts.units] * 3, 10, parts.activation, parts.reg, init, np.float64, self.seed, parts.dropout
        )
        for name, array in net.params.items():
            if name[0] == "b" and name != "b4":
                array[...] = parts.bias
            elif parts.init == "alike" and name[0] == "W":
                array[...] = array[:, :1]
        exercise, _, mistake = parts.formula.partition(": ")
        if exercise == "relu":
            net.use(relu_forward=lambda z: (z.copy(), z), relu_backward=lambda da, cache: da.copy())
        elif mistake:
            net.use(**{exercise: EXERCISES[exercise].mistakes[mistake].wrong})
        return net

    def _train(self):
        parts, net, data = self.parts, self.net, self.data
        W1 = net.params["W1"]
        rule, before = Rule(parts, W1.size), W1.copy()
        steps = training_steps(
            net, data, rule, batch_size=BATCH, epochs=EPOCHS if self.only is None else BY_HEART,
            shuffle=parts.batches != "sorted", seed=self.seed, validate=False, threads=1,
        )  # fmt: skip
        try:
            for record in steps:
                size = np.linalg.norm(before)
                self.relative_updates.append(np.linalg.norm(W1 - before) / size if size else 0.0)
                before[...] = W1
                if record.epoch_ends:
                    record.val_loss, record.val_accuracy = self._measure()
                self.history.append(record)
        except TrainingDivergedError as error:
            self.history.stopped = str(error)

    def logits(self, x):
        """Return the logits as this training measures with them."""
        return self.net.forward(x) if self.parts.measuring == "with dropout" else self.net.logits(x)

    def predicted(self, x):
        """Return the classes that it says."""
        with np.errstate(all="ignore"):
            return np.nan_to_num(self.logits(x)).argmax(axis=1)

    def measure(self):
        """Return loss and accuracy on the validation images, the same however often one measures."""
        self.net.rng = np.random.default_rng(self.seed)
        return self._measure()

    def _measure(self):
        x, y = self.data.val.inputs, self.data.val.labels
        logits = self.logits(x)
        loss, _ = self.net.functions["cross_entropy"](logits, y)
        return float(loss), float(np.mean(logits.argmax(axis=1) == y))

    def batch(self, net):
        """Return net, a batch of 100 images, and the loss's derivative there; dropout is off."""
        net = net.copy()
        net.dropout, (x, y) = 0.0, (self.data.train.inputs[::4], self.data.train.labels[::4])
        _, dlogits = net.functions["cross_entropy"](net.forward(x), y)
        net.backward(dlogits)
        return net, x, y


def _labels(y, how, rng):
    """Return labels as they are, or with what may happen to them."""
    y = y.copy()
    if how == "shuffled":
        rng.shuffle(y)
    elif how == "a third at random":
        at = rng.random(len(y)) < 0.37
        y[at] = rng.integers(0, 10, at.sum())
    elif how == "two classes exchanged":
        y = np.array([0, 1, 2, 5, 4, 3, 6, 7, 8, 9])[y]
    elif how == "counted from 1":
        y = (y + 1) % 10
    return y


def _rows(images, how, mean, std):
    """Return images (N, H, W, 3) as rows, standardised or not."""
    if how == "bytes":
        return images.reshape(len(images), -1)
    x = (images - mean) / std
    if how == "divided by 255 again":
        x = x / 255
    if how == "pixels of all mixed":  # x.reshape(D, N).T: a row holds numbers of many images
        return x.reshape(-1, len(x)).T.copy()
    return x.reshape(len(x), -1)


# Instruments: each returns numbers by name, and what draws a figure, or None


def curves(patient):
    """Show loss and accuracy on training and validation images."""
    epochs = patient.history.epochs()
    epochs.pop("reg_loss")  # whether there is a penalty, the title would say
    numbers = {
        "training loss, last epoch": LARGEST if patient.history.stopped else epochs["loss"][-1],
        "training accuracy, last epoch": epochs["accuracy"][-1],
        "validation loss": epochs["val_loss"][-1],
        "validation accuracy": epochs["val_accuracy"][-1],
    }
    return numbers, lambda: plots.training_curves(epochs)


def images(patient):
    """Look at what goes in: how large, which labels, how many classes in a batch, and 20 of the images."""
    x, x_val, y = patient.data.train.inputs, patient.data.val.inputs, patient.data.train.labels
    pixels = x.reshape(-1, SIDE, SIDE, 3)
    seen = [labels for _, labels in batches(patient.data, BATCH, shuffle=patient.parts.batches != "sorted")]
    numbers = {
        "training inputs, mean": x.mean(),
        "training inputs, standard deviation": x.std(),
        "validation inputs, standard deviation": x_val.std(),
        "neighbouring pixels, correlation": np.corrcoef(pixels[:, 1:].ravel(), pixels[:, :-1].ravel())[0, 1],
        "different images": len(np.unique(x, axis=0)),
        "images of the rarest class": np.bincount(y, minlength=10).min(),
        "different classes in a batch": np.mean([len(np.unique(each)) for each in seen]),
        "labels that do not fit their image, %": 100 * patient.wrong.mean(),
    }
    x, y = (x[patient.seed % 20 :: 20], y[patient.seed % 20 :: 20])
    if patient.data.apart:
        x = patient.data.standardise(x, float)
    low, high = x.min(), x.max()
    shown = (255 * (x - low) / (high - low)).astype(np.uint8).reshape(-1, SIDE, SIDE, 3)
    return numbers, lambda: plots.image_grid(shown, [_sketches()[2][label] for label in y], columns=10)


def layers(patient):
    """Look at what each layer puts out and what gradients reach it, before and after."""
    numbers, sizes, first = {}, {}, patient.start.params
    for when, net in (("first", patient.start), ("last", patient.net)):
        net, x, _ = patient.batch(net)
        outputs = net.activations(x)
        gradients = [np.linalg.norm(net.grads[f"W{i}"]) for i in (1, 2, 3, 4)]
        sizes[f"outputs, {when} weights"] = [a.std() for a in outputs]
        sizes[f"gradients, {when} weights"] = gradients
        numbers |= {
            f"outputs of layer 3, standard deviation, {when} weights": outputs[-1].std(),
            f"gradient of layer 1 / of layer 4, {when} weights": gradients[0] / max(gradients[-1], 1e-300),
        }
    numbers |= {
        "loss of the first batch": patient.history.records[0].loss,
        "zeros among the outputs": np.mean([np.mean(a == 0) for a in outputs]),
        "dead units": np.mean([np.mean((a == 0).all(axis=0)) for a in outputs]),
        "saturated units": np.mean([np.mean(np.abs(np.abs(a) - 0.5) > 0.49) for a in outputs])
        * (net.activation == "tanh"),
        "negative outputs": np.mean([np.mean(a < 0) for a in outputs]),
        "different units in layer 1, first weights": len(np.unique(first["W1"].round(9), axis=1).T),
        "W2, standard deviation, first weights": first["W2"].std(),
        "W2, standard deviation, last weights": net.params["W2"].std(),
    }
    positive = {name: np.maximum(np.nan_to_num(each), 1e-12) for name, each in sizes.items()}
    vertical = "standard deviation of outputs, norm of gradients"
    return numbers, lambda: plots.sizes_through_layers(positive, vertical)


def gradient_check(patient):
    """Compare the gradient with differences of the loss, at the first weights."""
    net, x, y = patient.batch(patient.start)
    rng, numbers, pairs = np.random.default_rng(patient.seed), {}, {}
    for kind in ("W1", "W4", "b1", "b4"):
        values, computed = net.params[kind].reshape(-1), net.grads[kind].reshape(-1)
        at = rng.choice(values.size, min(15, values.size), replace=False)
        pairs[kind] = computed[at].copy(), np.array([_difference(net, x, y, values, i) for i in at])
        size = max(*map(np.linalg.norm, pairs[kind]), 1e-7)
        numbers[f"relative error, {kind}"] = max(ROUNDING, np.linalg.norm(np.subtract(*pairs[kind])) / size)
    sizes = [np.linalg.norm(np.concatenate([pair[i] for pair in pairs.values()])) for i in (0, 1)]
    numbers["size of the gradient / of the differences"] = sizes[0] / max(sizes[1], 1e-7)
    return numbers, None


def _difference(net, x, y, values, i, h=1e-5):
    kept, losses = values[i], []
    for values[i] in (kept + h, kept - h):
        losses.append(net.loss(x, y))
    values[i] = kept
    return (losses[0] - losses[1]) / (2 * h)


def updates(patient):
    """Look at how far each step moves the first layer's weights, and at the learning rate."""
    shares, steps = np.array(patient.relative_updates), patient.history.to_arrays()
    rates, last = steps["lr"], steps["loss"][-20:]
    numbers = {
        "update / weight, first step": shares[0],
        "update / weight, steps 2 to 10": shares[1:10].mean() if len(shares) > 1 else LARGEST,
        "update / weight, half way": shares[len(shares) // 2],
        "update / weight, last steps": shares[-10:].mean(),
        "learning rate, last / first": rates[-1] / rates[0],
        "loss of the last 20 batches, deviation / mean": last.std() / last.mean(),
    }
    return numbers, lambda: plots.learning_rates({"learning rate": rates})


def by_heart(patient):
    """Let the same program learn from 20 of its images alone, without dropout."""
    other = Patient(replace(patient.parts, dropout=0.0), patient.seed, only=BATCH)
    loss = other.history.to_arrays()["loss"]
    last = LARGEST if other.history.stopped else loss[-1]
    return {"loss on 20 images, first step": loss[0], "loss on 20 images, last step": last}, None


def confusion(patient):
    """Count which class of the validation images is taken for which."""
    y, predicted = patient.data.val.labels, patient.predicted(patient.data.val.inputs)
    matrix = EXERCISES["confusion_matrix"].answer(y, predicted, 10)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    numbers = {
        "classes that are never said": np.sum(matrix.sum(axis=0) == 0),
        "most frequent answer, share": matrix.sum(axis=0).max() / len(y),
        "cat taken for dog, dog for cat": (share[3, 5] + share[5, 3]) / 2,
        "each class taken for the one before it": np.mean(share[np.arange(10), np.arange(10) - 1]),
    }
    return numbers, lambda: plots.confusion_matrix(matrix, _sketches()[2])


def asked_twice(patient):
    """Ask for the classes of the same 400 images twice."""
    x = patient.data.val.inputs
    return {"answers that differ": np.mean(patient.predicted(x) != patient.predicted(x))}, None


def fresh_images(patient):
    """Measure on 400 images that nobody has touched."""
    x, y = patient.fresh
    accuracy, (_, measured) = np.mean(patient.net.predict(x) == y), patient.measure()
    known = {row.tobytes() for row in patient.data.train.inputs}
    numbers = {
        "accuracy on fresh images": accuracy,
        "validation accuracy minus that": measured - accuracy,
        "validation images found in training": sum(row.tobytes() in known for row in patient.data.val.inputs),
    }
    return numbers, None


ALL = curves, images, layers, gradient_check, updates, by_heart, confusion, asked_twice, fresh_images
INSTRUMENTS = {f.__name__.replace("_", " "): f for f in ALL}


def reading(patient, instrument):
    """Return what an instrument reads: numbers by name, all finite, and what draws its figure, or None."""
    patient.net.rng = np.random.default_rng(patient.seed)  # of dropout: it reads the same each time
    with np.errstate(all="ignore"):
        numbers, figure = INSTRUMENTS[instrument](patient)
    return {name: _finite(number) for name, number in numbers.items()}, figure


def _finite(number):
    number = min(float(np.nan_to_num(number, nan=LARGEST, posinf=LARGEST)), LARGEST)
    return number if abs(number) > 1e-12 else 0.0
