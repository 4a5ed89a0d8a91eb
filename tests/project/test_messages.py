"""What is said to somebody who calls something wrongly stays as it is, word for word.

Each line of a table below is a wrong call: Python that is run among the names of `prepared`, in an empty
folder of its own. What it brings about, errors, warnings and what widgets or the command line say, is in
messages.json.

When a message is to change, change it, record all of them again, and read the difference in git:

    python tests/project/test_messages.py
"""

import ast
import contextlib
import io
import json
import os
import pickle
import re
import shutil
import tarfile
import tempfile
import time
import types
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import requests
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import nn_helpers
from nn_helpers import (
    SGD,
    ArrayDataset,
    ClassificationNet,
    Dataset,
    Split,
    doctor,
    exercises,
    plots,
    sketches,
    train,
    widgets,
)
from nn_helpers.__main__ import main
from nn_helpers.data import cache_dir, empty_batch
from nn_helpers.optimizers import Optimizer

RECORDED = Path(__file__).with_name("messages.json")

LAYERS = """
affine_forward([[1.0]], W, b)
affine_forward(x, [[1.0]], b)
affine_forward(x, W, None)
affine_forward(x > 0, W, b)
affine_forward(x, W + 1j, b)
affine_forward(x, W, np.array(["a", "b"]))
affine_forward(np.array(2.0), W, b)
affine_forward(x, b, b)
affine_forward(x.T, W, b)
affine_forward(x[0], W, b)
affine_forward(x, W, b[:1])
affine_forward(x, W, W)
affine_backward([[1.0]], (x, W))
affine_backward(z > 0, (x, W))
affine_backward(z[:1], (x, W))
affine_backward(z.T, (x, W))
affine_backward(z, None)
affine_backward(z, x)
affine_backward(z, (x, b))
affine_backward(z, (x, W, b))
affine_backward(z, ([1.0], W))
relu_forward(-1.0)
relu_forward([-1.0])
relu_forward(z > 0)
relu_forward(z, out=x)
relu_backward([1.0], z)
relu_backward(z, None)
relu_backward(z, (z, z))
relu_backward(x, z)
relu_backward(z, x)
relu_backward(z, z.copy(), out=z)
relu_backward(z, other, out=other)
relu_backward(z, z.copy(), out=x)
leaky_relu_forward([-1.0])
leaky_relu_forward(z, slope=1)
leaky_relu_forward(z, slope=-0.1)
leaky_relu_forward(z, slope="small")
leaky_relu_forward(z, slope=True)
leaky_relu_forward(z, out=x)
leaky_relu_backward("da", (z, 0.01))
leaky_relu_backward(z, 3)
leaky_relu_backward(z, z)
leaky_relu_backward(z, (0.01, z))
leaky_relu_backward(x, (z, 0.01))
leaky_relu_backward(z, (z.copy(), 0.01), out=z)
leaky_relu_backward(z, (z.copy(), 0.01), out=x)
sigmoid_forward(None)
sigmoid_forward(z, out=x)
sigmoid_backward([1.0], z)
sigmoid_backward(z, "cache")
sigmoid_backward(x, z)
sigmoid_backward(z, other, out=other)
sigmoid_backward(z, z.copy(), out=x)
tanh_forward((1.0, 2.0))
tanh_forward(z * 1j)
tanh_forward(z, out=x)
tanh_backward([1.0], z)
tanh_backward(z, {})
tanh_backward(x, z)
tanh_backward(z, other, out=z)
tanh_backward(z, z.copy(), out=x)
dropout_forward([1.0], 0.5, rng)
dropout_forward(z > 0, 0.5, rng)
dropout_forward(z, 1, rng)
dropout_forward(z, -0.1, rng)
dropout_forward(z, "half", rng)
dropout_forward(z, None, rng)
dropout_backward([1.0], z)
dropout_backward(z, None)
dropout_backward(x, z)
"""

LOSSES = """
softmax([1.0, 2.0])
softmax(z > 0)
softmax(np.array(1.0))
softmax(np.empty((2, 0)))
log_softmax([1.0, 2.0])
log_softmax(np.array(1.0))
log_softmax(np.empty((2, 0)))
cross_entropy([[1.0, 2.0]], y)
cross_entropy(z > 0, y)
cross_entropy(z[0], y)
cross_entropy(z[:0], y[:0])
cross_entropy(z, [0, 1, 0, 1])
cross_entropy(z, y.astype(float))
cross_entropy(z, y > 0)
cross_entropy(z, y + 5)
cross_entropy(z, y - 1)
cross_entropy(z, y[:2])
cross_entropy(z, x)
cross_entropy(z, np.ones((4, 2)))
cross_entropy(z, np.array([[2.0, -1.0]] * 4))
cross_entropy(z, np.array([["a", "b"]] * 4))
cross_entropy(z, np.full((4, 2), np.nan))
l2_penalty(W, -1)
l2_penalty(W, "much")
l2_penalty(W, None)
l2_penalty(W, True)
l2_penalty(W, np.inf)
l2_penalty(W, 10**309)
l2_penalty(None, 0.1)
l2_penalty([W, [1.0]], 0.1)
l2_penalty([W, W > 0], 0.1)
numerical_gradient(np.sum, [1.0])
numerical_gradient(np.sum, 1.0)
numerical_gradient(np.sum, np.arange(3))
numerical_gradient(np.sum, np.zeros(3, np.float32))
numerical_gradient(np.sum, z, h=0)
numerical_gradient(np.sum, z, h=-1e-5)
numerical_gradient(np.sum, z, h=np.nan)
relative_error(x, z)
relative_error(1.0, [1.0])
"""

NETWORK = """
ClassificationNet(3, 100)
ClassificationNet(3, None)
ClassificationNet(0)
ClassificationNet(2.5)
ClassificationNet("3")
ClassificationNet(True)
ClassificationNet(3, [0])
ClassificationNet(3, [5, -1])
ClassificationNet(3, "55")
ClassificationNet(3, [5.0])
ClassificationNet(3, [5], 0)
ClassificationNet(3, [5], None)
ClassificationNet(3, activation="swish")
ClassificationNet(3, activation=None)
ClassificationNet(3, reg=-0.1)
ClassificationNet(3, reg="strong")
ClassificationNet(3, reg=True)
ClassificationNet(3, dropout=1)
ClassificationNet(3, dropout=-0.5)
ClassificationNet(3, dropout="half")
ClassificationNet(3, init="glorot")
ClassificationNet(3, init="custom")
ClassificationNet(3, init=0.01)
ClassificationNet(3, init=lambda D, M: -1)
ClassificationNet(3, init=lambda D, M: None)
ClassificationNet(3, init=lambda D, M: np.nan)
ClassificationNet(3, dtype="float16")
ClassificationNet(3, dtype=int)
ClassificationNet(3, dtype="nonsense")
ClassificationNet(3, dtype=3.0)
ClassificationNet(10**9, [10**9])
ClassificationNet(10**15, [10**15])
net.params["W9"]
net.params["b9"] = b
net.params["W1"] = z
net.params["b2"] = 1.0
net.params["b2"] = np.array(["a", "b"])
net.params["b2"] = b * 1j
del net.params["W1"]
net.grads["W9"]
net.grads["W1"] = z
net.theta = z
net.theta = np.array(["a"] * net.theta.size)
net.weights = b
net.reg = -1
net.reg = None
net.dropout = 1.0
net.dropout = "half"
net.forward([[1.0, 2.0, 3.0]])
net.forward(images)
net.forward(x > 0)
net.forward(x[0])
net.forward(z)
net.logits([[1.0, 2.0, 3.0]])
net.logits(images)
net.logits(z)
net.activations(None)
net.activations(images)
net.activations(z)
net.predict(images)
net.predict(x[0])
net.predict_proba("x")
net.predict_proba(z)
net.score(images, y)
net.score(x[:0], y[:0])
net.score(x, [0, 1, 0, 1])
net.score(x, y.astype(float))
net.score(x, y + 1)
net.score(x, y[:1])
net.score(x, z)
net.loss([[1.0]], y)
net.loss(z, y)
net.loss(x, [0, 1, 0, 1])
net.loss(x, y + 1)
net.loss(x, x)
net.backward(z)
net.logits(x); net.backward(z)
net.forward(x); net.use(); net.backward(z)
net.forward(x); net.backward([[1.0]])
net.forward(x); net.backward(z > 0)
net.forward(x); net.backward(x)
net.forward(x); net.backward(z[:1])
"""

# Functions of one's own in the place of the library's: each kind of result that is not what was asked for.
USE = """
net.use(relu=relu_forward)
net.use(tanh_forward=tanh_forward)
net.use(relu_forward=3)
net.use(relu_forward="relu")
ClassificationNet(3, [5], 2, "tanh").use(relu_forward=relu_forward)
net.use(affine_forward=lambda x, W, b: None).forward(x)
net.use(affine_forward=lambda x, W, b: x @ W + b).forward(x)
net.use(affine_forward=lambda x, W, b: [x @ W + b, x]).forward(x)
net.use(affine_forward=lambda x, W, b: (x @ W + b, x, W)).forward(x)
net.use(affine_forward=lambda x, W, b: (3.0, x)).forward(x)
net.use(affine_forward=lambda x, W, b: (b, x)).logits(x)
net.use(affine_forward=lambda x, W, b: (x @ W > 0, x)).activations(x)
net.use(affine_backward=lambda dz, cache: None); fit()
net.use(affine_backward=lambda dz, cache: dz); fit()
net.use(affine_backward=lambda dz, cache: (dz, dz)); fit()
net.use(affine_backward=lambda dz, cache: (dz, dz, dz)); fit()
net.use(affine_backward=lambda dz, cache: (dz, cache[1].astype(str), dz)); fit()
net.use(affine_backward=lambda dz, cache: (dz, cache[1], dz)); fit()
net.use(affine_backward=lambda dz, cache: (dz, cache[1], dz[0] > 0)); fit()
net.use(affine_backward=lambda dz, cache: (None, cache[1], dz[0])); fit()
net.use(affine_backward=lambda dz, cache: (dz, cache[1], dz[0])); fit()
net.use(affine_backward=lambda dz, cache: (cache[0] > 0, cache[1], dz[0])); fit()
net.use(relu_forward=lambda z: None).forward(x)
net.use(relu_forward=lambda z: np.maximum(z, 0)).forward(x)
net.use(relu_forward=lambda z: (z, z, z)).forward(x)
net.use(relu_forward=lambda z: (z.tolist(), z)).forward(x)
net.use(relu_forward=lambda z: (z.T, z)).forward(x)
net.use(relu_forward=lambda z: (z > 0, z)).forward(x)
net.use(relu_backward=lambda da, cache: None); fit()
net.use(relu_backward=lambda da, cache: (da, da)); fit()
net.use(relu_backward=lambda da, cache: da[0]); fit()
net.use(relu_backward=lambda da, cache: da > 0); fit()
net.use(softmax=lambda logits: None).predict_proba(x)
net.use(softmax=lambda logits: logits.sum()).predict_proba(x)
net.use(softmax=lambda logits: logits[0]).predict_proba(x)
net.use(softmax=lambda logits: logits.astype(str)).predict_proba(x)
net.use(cross_entropy=lambda logits, y: 1.0).loss(x, y)
net.use(cross_entropy=lambda logits, y: (1.0, logits, y)).loss(x, y)
net.use(cross_entropy=lambda logits, y: (logits, logits)).loss(x, y)
net.use(cross_entropy=lambda logits, y: ("1", logits)).loss(x, y)
net.use(cross_entropy=lambda logits, y: (None, logits)).loss(x, y)
net.use(cross_entropy=lambda logits, y: (1.0, None)).loss(x, y)
net.use(cross_entropy=lambda logits, y: (1.0, logits.T)).loss(x, y)
net.use(cross_entropy=lambda logits, y: (1.0, logits > 0)); evaluate(net, data, "val")
net.use(l2_penalty=lambda weights, reg: None).loss(x, y)
net.use(l2_penalty=lambda weights, reg: weights).loss(x, y)
net.use(l2_penalty=lambda weights, reg: True).loss(x, y)
net.use(l2_penalty=lambda weights, reg: "0"); fit()
"""

OPTIMIZERS = """
Constant(0)
Constant("fast")
Constant(True)
Constant(np.inf)
StepDecay(0, 10)
StepDecay(None, 10)
StepDecay(0.1, 0)
StepDecay(0.1, 2.5)
StepDecay(0.1, 10, 0)
StepDecay(0.1, 10, "half")
CosineWithWarmup(-0.1, 10)
CosineWithWarmup("fast", 10)
CosineWithWarmup(0.1, 0)
CosineWithWarmup(0.1, 10.0)
CosineWithWarmup(0.1, 10, -1)
CosineWithWarmup(0.1, 10, 0.5)
CosineWithWarmup(0.1, 10, 10)
CosineWithWarmup(0.1, 10, final_lr=-1)
CosineWithWarmup(0.1, 10, final_lr=None)
SGD(0)
SGD(-0.1)
SGD(np.nan)
SGD(np.inf)
SGD("0.1")
SGD(None)
SGD(True)
SGD([0.1])
optimizer.lr = 0
optimizer.lr = "0.1"
Momentum(0)
Momentum(0.1, 1)
Momentum(0.1, -0.1)
Momentum(0.1, None)
RMSprop("fast")
RMSprop(0.1, 1)
RMSprop(0.1, beta="most")
RMSprop(0.1, eps=0)
RMSprop(0.1, eps=None)
Adam(0)
Adam(0.1, 1)
Adam(0.1, beta1=None)
Adam(0.1, beta2=1.5)
Adam(0.1, beta2="0.999")
Adam(0.1, eps=0)
AdamW(0)
AdamW(0.1, beta1=-1)
AdamW(0.1, beta2=1)
AdamW(0.1, eps=-1e-8)
AdamW(0.1, weight_decay=-0.1)
AdamW(0.1, weight_decay=None)
make_optimizer("sdg", 0.1)
make_optimizer("Adam", 0.1)
make_optimizer(Adam, 0.1)
make_optimizer("adam", 0)
SGD(0.1).step([1.0], b)
SGD(0.1).step(1.0, b)
SGD(0.1).step(np.arange(2), b)
SGD(0.1).step(b, [1.0, 2.0])
SGD(0.1).step(b, b > 0)
SGD(0.1).step(b, z)
Adam(0.1).step(b, b[:1])
optimizer = Momentum(0.1); optimizer.step(b, b); optimizer.step(W, W)
optimizer = Adam(0.1); optimizer.step(b, b); optimizer.step(b.astype(np.float32), b)
SGD(lambda t: -0.1).step(b, b)
AdamW(lambda t: np.nan).step(b, b)
SGD(lambda t: t - 5).lr_at(2)
Optimizer(0.1).step(b, b)
"""

DATA = """
Split([[0]], labels)
Split(images / 255, labels)
Split(images[0], labels)
Split(images[..., :1], labels)
Split(images, [0, 1, 2, 3])
Split(images, labels / 1)
Split(images, labels[:2])
Split(images, labels[:, None])
Split(images, labels)[1]
Split(images, labels)[np.int64(-1)]
Dataset("empty", Split(images[:0], labels[:0]))
Dataset("two sizes", Split(images, labels), val=Split(images[:, 1:], labels))
Dataset("two sizes", Split(images, labels), test=Split(images[:, :, 1:], labels))
Dataset("few names", Split(images, labels), class_names=("cat", "dog"))
Dataset("below 0", Split(images, labels), val=Split(images, labels - 1))
Dataset("beyond", Split(images, labels), test=Split(images, labels + 9))
pictures.subset("all")
pictures.subset(None)
pictures.subset(True)
pictures.subset(1.5)
pictures.subset(0.0)
pictures.subset(np.nan)
pictures.subset(0)
pictures.subset(-1)
pictures.subset(5)
pictures.subset(2, val=3)
pictures.subset(2, val=-1)
pictures.subset(2, val=0.5)
pictures.subset(2, val=True)
pictures.subset(0.01)
pictures.standardise([[0]])
pictures.standardise(images / 255)
pictures.standardise(images[0])
pictures.standardise(images[:, 1:])
pictures.standardise(images.reshape(4, -1))
pictures.standardise(images, dtype=int)
pictures.standardise(images, out=np.empty((4, 90), np.uint8))
ArrayDataset(x)
ArrayDataset(None)
ArrayDataset((x, y, y))
ArrayDataset((x, y), val=x[0])
ArrayDataset((x, y), test=5)
ArrayDataset((x.tolist(), y))
ArrayDataset((images, labels))
ArrayDataset((x[0], y))
ArrayDataset((x, y), val=(x > 0, y))
ArrayDataset((x, y.tolist()))
ArrayDataset((x, y / 1))
ArrayDataset((x, y[:2]))
ArrayDataset((x, np.eye(4)))
ArrayDataset((x, y), test=(x, None))
ArrayDataset((x, y), val=(z, y))
ArrayDataset((x, y), test=(z, y))
points("stars")
points(None)
points(noise=-1)
points(noise="much")
points(n_train=1)
points("spirals", n_train=2)
points(n_train=2.5)
points(n_train=None)
points(n_val=-1)
points(n_val="100")
sketches(0)
sketches(2.5)
sketches(True)
sketches("5000")
sketches(10, n_test=-1)
sketches(10, n_test=None)
sketches(10, n_val=-1)
sketches(10, n_val=0.5)
sketches(10, seed=-1)
sketches(10, seed=None)
next(batches(None, 2))
next(batches([x, y], 2))
next(batches(x, 2))
next(batches((x, y, y), 2))
next(batches(data, 2, part="all"))
next(batches(data, 2, part=None))
next(batches(data, 0))
next(batches(data, 2.0))
next(batches(data, None))
next(batches(data, 5))
next(batches((x, y), 1, part="val"))
next(batches(data, 2, augment=flip_and_shift))
empty_batch(x, 2)
flip_and_shift([[0]], rng)
flip_and_shift(images / 255, rng)
flip_and_shift(images[0], rng)
flip_and_shift(images, rng, shift=-1)
flip_and_shift(images, rng, shift=0.5)
flip_and_shift(images, rng, shift=True)
flip_and_shift(images, rng, shift=5)
load_images("mnist")
load_images(5)
load_images("")
env(NN_HELPERS_DATA="mnist"); load_images()
env(CIFAR10_DIR="nowhere"); load_images("cifar10")
env(CIFAR10_DIR="nowhere", NN_HELPERS_DATA="cifar10"); load_images()
"""

CIFAR10 = """
load_cifar10(5)
load_cifar10("nowhere")
load_cifar10(".")
env(CIFAR10_DIR="nowhere"); load_cifar10()
load_cifar10(written("some.tar.gz", b"no archive"))
load_cifar10(archive("some.tar.gz"))
load_cifar10(archive("some.tar.gz", "data_batch_1.bin"))
load_cifar10(archive("some.tar.gz", *map(str, range(1001))))
load_cifar10(archive("some.tar.gz", "endless", tells=10**12))
written("cifar-10-binary.tar.gz", b""); written("cifar-10-python.tar.gz", b"?"); load_cifar10(".")
written("data_batch_1.bin", b"cut short"); load_cifar10(".")
written("data_batch_1.bin", b"", size=40_000_000); load_cifar10(".")
written("data_batch_1.bin", bytes([10]), size=30_730_000); load_cifar10(".")
written("data_batch_1", b"", size=70_000_000); load_cifar10(".")
written("data_batch_1", b""); load_cifar10(".")
written("data_batch_1", b"N."); load_cifar10(".")
written("data_batch_1", b"."); load_cifar10(".")
written("data_batch_1", b"cos\\nsystem\\n."); load_cifar10(".")
written("data_batch_1", b"Vtext\\n."); load_cifar10(".")
written("data_batch_1", bytes([255])); load_cifar10(".")
written("data_batch_1", b"a."); load_cifar10(".")
written("data_batch_1", b"}NNs."); load_cifar10(".")
written("data_batch_1", b"cos\\n."); load_cifar10(".")
written("data_batch_1", b"N" * 300_000); load_cifar10(".")
written("data_batch_1", bytes([75, 0, 75, 0, 147])); load_cifar10(".")
written("data_batch_1", batch([0], [0])); load_cifar10(".")
written("data_batch_1", batch([0], np.zeros((3, 3), np.uint8, "F"))); load_cifar10(".")
written("data_batch_1", batch(bytes(30_720_000), bytes(2000))); load_cifar10(".")
written("data_batch_1", batch(bytes(30_720_000), 0)[:2000]); load_cifar10(".")
written("data_batch_1", batch([0], np.zeros(3))); load_cifar10(".")
written("data_batch_1", batch([0], np.zeros((1, 9), np.uint8))); load_cifar10(".")
written("data_batch_1", batch([0], np.zeros((1, 3072), np.uint8))); load_cifar10(".")
written("data_batch_1", batch([0], np.zeros((10_000, 3072), np.uint8))); load_cifar10(".")
written("data_batch_1", batch([10] * 10_000, np.zeros((10_000, 3072), np.uint8))); load_cifar10(".")
download_cifar10(5)
download_cifar10(written("cifar-10-binary.tar.gz", b"no archive").parent)
archive("cifar-10-binary.tar.gz"); download_cifar10(".")
env(CIFAR10_DIR=archive("cifar-10-binary.tar.gz").parent); download_cifar10()
disk(free=0); download_cifar10("data", progress=False)
server(requests.ConnectTimeout()); download_cifar10("data", progress=False)
server(requests.ReadTimeout()); download_cifar10("data", progress=False)
server(requests.exceptions.SSLError()); download_cifar10("data", progress=False)
server(requests.ConnectionError()); download_cifar10("data", progress=False)
server(404, "Not Found"); download_cifar10("data", progress=False)
server(503, "Service Unavailable"); download_cifar10("data", progress=False)
server(206); download_cifar10("data", progress=False)
server(200, Content_Type="text/html"); download_cifar10("data", progress=False)
server(200, Content_Length="17"); download_cifar10("data", progress=False)
server(200, content=b"no archive"); download_cifar10("data", progress=False)
server(200, content=bytes([31, 139, 8])); download_cifar10("data", progress=False)
"""

TRAINING = """
fit(net=None)
fit(net=ClassificationNet)
fit(optimizer="adam")
fit(optimizer=SGD)
fit(data=None)
fit(data=[x, y])
fit(data=(x, y, y))
fit(data=(z, y))
fit(data=pictures)
fit(data=(x, y + 1))
fit(data=(x, y - 1))
fit(data=ArrayDataset((x, y), val=(x, y + 7)))
fit(augment=True)
fit(augment=flip_and_shift)
fit(batch_size=0)
fit(batch_size=2.0)
fit(batch_size="all")
fit(batch_size=5)
fit(epochs=0)
fit(epochs=1.5)
fit(epochs=None)
fit(epochs=True)
fit(epochs=10**19)
fit(seed=-1)
fit(seed="zero")
fit(seed=0.5)
fit(keep_best=True, data=(x, y))
fit(keep_best=True, validate=False)
fit(threads=0)
fit(threads="all")
fit(data=(x * np.nan, y))
net.reg = 1; fit(optimizer=SGD(1e200))
net.reg = 1; fit(optimizer=SGD(1e200), batch_size=None, epochs=2)
fit(optimizer=SGD(lambda t: np.inf), batch_size=None, epochs=1)
fit(optimizer=SGD(lambda t: -1))
fit(optimizer=SGD(lambda t: 0.1 if t < 2 else np.nan))
net.reg = 1; list(training_steps(net, data, SGD(1e200), batch_size=2, epochs=2))
list(training_steps(net, (x * np.inf, y), SGD(0.1), batch_size=2, epochs=1))
training_steps(None, data, optimizer)
training_steps(net, x, optimizer)
training_steps(net, data, None)
training_steps(net, data, optimizer, batch_size=8)
training_steps(net, data, optimizer, batch_size=-1)
training_steps(net, data, optimizer, batch_size=2, epochs=0)
training_steps(net, data, optimizer, batch_size=2, epochs="many")
training_steps(net, data, optimizer, batch_size=2, seed=None, augment=3)
training_steps(net, data, optimizer, batch_size=2, seed="zero")
evaluate(net, None)
evaluate(net, x)
evaluate(net, data, "all")
evaluate(net, data, None)
evaluate(net, data)
evaluate(net, (x, y), "val")
evaluate(net, (z, y), "train")
evaluate(net, (x, y + 1), "train")
compare_optimizers(net, data, SGD(0.1))
compare_optimizers(net, data, {})
compare_optimizers(net, data, [SGD(0.1)])
compare_optimizers(net, data, {"SGD": 0.1}, batch_size=2)
compare_optimizers(net, data, {"SGD": (SGD, 0.1)}, batch_size=2)
compare_optimizers(net, data, {"SGD": (1, 2, 3)}, batch_size=2)
compare_optimizers(net, data, {"SGD": (SGD(0.1), {"batch_size": 0})})
compare_optimizers(net, data, {"SGD": SGD(0.1)}, batch_size=2, epochs=0)
compare_optimizers(None, data, {"SGD": SGD(0.1)}, batch_size=2)
compare_optimizers(net, data, {"a": SGD(1), "b": SGD(2)}, batch_size=2, checkpoint="run.safetensors")
net.reg = 1; compare_optimizers(net, data, {"SGD": SGD(1e200)}, batch_size=2, epochs=2, progress=False)
plots.compare_histories({"SGD": History()}, "time")
plots.compare_histories({"SGD": History()}, quantity=None)
plots.compare_histories({"SGD": fit(epochs=1)}, over=["step"])
plots.save(figure, 5)
plots.save(figure, "figure.jpg")
plots.save(figure, ".png")
plots.save(figure, "nowhere/figure.png")
Path("folder.png").mkdir(); plots.save(figure, "folder.png")
protected("figure.png"); plots.save(figure, "figure.png")
disk(writes=0); plots.save(figure, "figure.png")
plots.check_path("figure.pdf")
plots.check_path("nowhere/figure.png", "--figure")
plots.check_path(None, "draw")
"""

FILES = """
net.save(5)
net.save(None)
net.save("net")
net.save("net.npz")
net.save(".safetensors")
net.save("nowhere/net.safetensors")
Path("folder.safetensors").mkdir(); net.save("folder.safetensors")
protected("net.safetensors"); net.save("net.safetensors")
disk(writes=0); net.save("net.safetensors")
ClassificationNet.load(5)
ClassificationNet.load("nowhere.safetensors")
ClassificationNet.load(".")
ClassificationNet.load(written("net.safetensors", b""))
ClassificationNet.load(written("net.safetensors", b"<!DOCTYPE html>"))
ClassificationNet.load(written("net.safetensors", b"something else"))
ClassificationNet.load(damaged(saved(), -1))
ClassificationNet.load(cut(saved()))
ClassificationNet.load(foreign(W=W))
ClassificationNet.load(foreign(about="no JSON", W=W))
ClassificationNet.load(foreign(about="{}", W=W))
ClassificationNet.load(foreign(about="[]", W=W))
ClassificationNet.load(foreign(about='{"format": 1}', W=W))
ClassificationNet.load(edited(saved(), format=2))
ClassificationNet.load(edited(saved(), format="new"))
ClassificationNet.load(edited(saved(), network=None))
ClassificationNet.load(edited(saved(), "network", input_size=0))
ClassificationNet.load(edited(saved(), "network", input_size="3"))
ClassificationNet.load(edited(saved(), "network", hidden_sizes=[6]))
ClassificationNet.load(edited(saved(), "network", hidden_sizes=[]))
ClassificationNet.load(edited(saved(), "network", hidden_sizes=None))
ClassificationNet.load(edited(saved(), "network", num_classes=1.5))
ClassificationNet.load(edited(saved(), "network", dtype="float32"))
ClassificationNet.load(edited(saved(), "network", dtype="float16"))
ClassificationNet.load(edited(saved(), "network", activation="swish"))
ClassificationNet.load(edited(saved(), "network", activation=chr(27) + "swish" * 300))
ClassificationNet.load(edited(saved(), "network", init="glorot"))
ClassificationNet.load(edited(saved(), "network", reg=-1))
ClassificationNet.load(edited(saved(), "network", dropout=1))
ClassificationNet.load(edited(saved(), "network", reg=...))
ClassificationNet.load(edited(saved(), "network", init=...))
ClassificationNet.load(edited(saved(), "network", dtype=...))
ClassificationNet.load(edited(saved(), b2=None))
ClassificationNet.load(edited(saved(), b2=np.zeros(3)))
ClassificationNet.load(edited(saved(), b3=np.zeros(3)))
"""

CHECKPOINTS = """
fit(checkpoint=5)
fit(checkpoint="run.npz")
fit(checkpoint=".safetensors")
fit(checkpoint="nowhere/run.safetensors")
Path("folder.safetensors").mkdir(); fit(checkpoint="folder.safetensors")
protected("run.safetensors"); fit(checkpoint="run.safetensors")
fit(checkpoint_every=2)
fit(checkpoint="run.safetensors", checkpoint_every=0)
fit(checkpoint="run.safetensors", checkpoint_every=1.5)
fit(checkpoint=kept())
fit(checkpoint=saved())
fit(checkpoint=written("run.safetensors", b"something else"))
fit(checkpoint=written("run.safetensors", b""))
kept(); Path("run.safetensors").unlink(); fit(checkpoint="run.safetensors")
fit(checkpoint=kept(), resume=written("other.safetensors", b""))
disk(writes=0); fit(checkpoint="run.safetensors")
disk(writes=1); fit(checkpoint="run.safetensors", checkpoint_every=1)
disk(writes=2); fit(checkpoint="run.safetensors", checkpoint_every=1, epochs=1)
fit(resume=5)
fit(resume="run.safetensors")
fit(resume=saved())
fit(resume=".")
fit(resume=written("run.safetensors", b""))
fit(resume=cut(kept()))
fit(resume=damaged(kept(), -1), epochs=3)
kept(); Path("run.safetensors").unlink(); fit(resume="run.safetensors", epochs=3)
kept(); cut("run.previous.safetensors"); fit(resume=cut("run.safetensors"))
kept(); foreign("run.previous.safetensors", W=W); fit(resume=cut("run.safetensors"))
fit(resume=foreign(W=W))
fit(resume=kept(), epochs=1)
fit(resume=kept(), batch_size=1)
fit(resume=kept(), batch_size=4, drop_last=False, shuffle=False)
fit(resume=kept(), seed=1)
fit(resume=kept(), optimizer=SGD(0.2))
fit(resume=kept(), optimizer=Adam(0.1))
fit(resume=kept(), optimizer=SGD(StepDecay(0.1, 5)))
fit(resume=kept(), optimizer=SGD(lambda t: 0.1))
fit(resume=kept(optimizer=Momentum(0.1)), optimizer=Momentum(0.1, 0.5))
fit(resume=kept(optimizer=AdamW(CosineWithWarmup(0.1, 4))), optimizer=AdamW(CosineWithWarmup(0.1, 8)))
fit(resume=kept(), data=(x, y))
fit(resume=kept(), data=ArrayDataset((x, y), val=(x + 1, y)))
fit(resume=kept(), keep_best=True)
fit(resume=kept(), validate=False)
fit(resume=kept(), net=ClassificationNet(3, [5], 2, dtype="float32"))
fit(resume=kept(), net=ClassificationNet(3, [6], 2, "tanh", 0.1, "normal", "float64", dropout=0.5))
fit(resume=kept(), net=net.copy().use(softmax=lambda logits: logits))
fit(resume=kept(data=pictures, net=wide()), data=pictures, net=wide(), augment=flip_and_shift)
fit(resume=edited(kept(), "training", settings=None), epochs=3)
fit(resume=edited(kept(), "training", settings=...), epochs=3)
fit(resume=edited(kept(), "training", "settings", seed=chr(27) + "7"), epochs=3)
fit(resume=edited(kept(), "training", "settings", seed="7" * 2000), epochs=3)
fit(resume=edited(kept(), "training", steps=3), epochs=3)
fit(resume=edited(kept(), "training", steps=...), epochs=3)
fit(resume=edited(kept(), "training", t=-1), epochs=3)
fit(resume=edited(kept(), "training", t="4"), epochs=3)
fit(resume=edited(kept(), "training", t=10**20), epochs=3)
fit(resume=edited(kept(), "training", remembers=["v"]), epochs=3)
fit(resume=edited(kept(), "training", remembers=["v"], **{"optimizer.v": net.theta}), epochs=3)
fit(resume=edited(kept(), "training", best_accuracy=0.5), epochs=3)
fit(resume=edited(kept(), "training", best_accuracy=-1, best=net.theta), epochs=3)
fit(resume=edited(kept(), "training", best_accuracy="high", best=net.theta), epochs=3)
fit(resume=edited(kept(), "training", generators={}), epochs=3)
fit(resume=edited(kept(), W1=np.full((3, 5), np.nan)), epochs=3)
fit(resume=edited(kept(), history=np.zeros((4, 11))), epochs=3)
fit(resume=edited(kept(), history=np.tile(np.arange(1.0, 5)[:, None], 11)), epochs=3)
fit(resume=edited(kept(), history=np.ones((4, 3))), epochs=3)
mt = np.random.MT19937; fit(resume=overrun(kept(seed=generator(mt))), seed=generator(mt), epochs=3)
"""

EXERCISES = """
lesson(written_for="0.0")
lesson(written_for="99.0")
hint("relu")
hint("softmaxx")
hint(5)
hint(lambda z: z)
hint(relu_forward, "no such exercise")
solution("relu_foward")
solution(None)
solution(np.sum)
check(lambda z: z)
check(np.maximum)
check(relu_forward, "relu_forwards")
check("relu_forward")
check(None)
check(...)
check(relu_forward(z))
check(5)
check(lambda: 0, "relu_forward")
check(lambda x, W: x @ W, "affine_forward")
check(lambda z: np.maximum(z, 0), "relu_forward")
check(lambda z: (z, z, z), "relu_forward")
check(lambda z: None, "relu_forward")
check(unwritten, "relu_forward")
yours_or_ours(None)
yours_or_ours("relu")
yours_or_ours(lambda z: z)
"""

WIDGETS = """
widgets.activation_explorer("swish")
widgets.activation_explorer(None)
widgets.backprop_stepper("swish")
widgets.backprop_stepper(N=0)
widgets.backprop_stepper(N="two")
widgets.softmax_explorer([1.0, 2.0])
widgets.softmax_explorer([1.0], class_names=())
widgets.depth_and_optimizer(5)
widgets.depth_and_optimizer((x, y))
widgets.depth_and_optimizer(data, {"relu": relu_forward})
widgets.depth_and_optimizer(data, speed=1)
widgets.depth_and_optimizer(data, depth=9)
widgets.depth_and_optimizer(data, depth="deep")
widgets.depth_and_optimizer(data, optimizer="sgd")
widgets.depth_and_optimizer(data, width=7)
widgets.depth_and_optimizer(data, epochs=0)
widgets.depth_and_optimizer(data, lr=0)
widgets.depth_and_optimizer(data, lr="fast")
panel = widgets.depth_and_optimizer(many); panel.start()
panel = widgets.depth_and_optimizer(many, {"l2_penalty": endless}); panel.step(); panel.message.value
widgets.playground("stars")
widgets.playground(x)
widgets.playground(Dataset("few", Split(images, labels)))
widgets.playground(functions={"relu": relu_forward})
widgets.playground(functions={"relu_forward": 3})
widgets.playground(speed=1)
widgets.playground(depth=-1)
widgets.playground(width=1000)
widgets.playground(activation="swish")
widgets.playground(init="glorot")
widgets.playground(optimizer="Adam")
widgets.playground(lr=-1)
widgets.playground(lr=None)
widgets.playground(batch_size=7)
widgets.playground(reg=-1)
widgets.playground(reg="strong")
widgets.playground(seed=-1)
widgets.playground(beta=0.5)
widgets.playground(optimizer="momentum", beta=1)
widgets.playground(optimizer="momentum", beta="most")
widgets.playground(optimizer="adamw", weight_decay=2)
panel = widgets.playground(functions={"l2_penalty": endless}); panel.step(); panel.message.value
panel = widgets.playground(); panel.net.theta[:] = np.nan; panel.step(); panel.message.value
widgets.optimizer_race("hill")
widgets.optimizer_race(None)
widgets.optimizer_race(mine=SGD(0.1))
widgets.optimizer_race(mine={str(i): SGD(0.1) for i in range(3)})
widgets.optimizer_race(mine={"Adam": Adam(0.1)})
widgets.optimizer_race(mine={"": Adam(0.1)})
widgets.optimizer_race(mine={5: Adam(0.1)})
widgets.optimizer_race(mine={"mine": Adam})
widgets.optimizer_race(mine={"mine": 0.1})
widgets.optimizer_race(optimizers=["Adam", "Adagrad"])
widgets.optimizer_race(speed=1)
widgets.optimizer_race(factor=100)
widgets.optimizer_race(beta=1)
widgets.optimizer_race(theta1=99)
widgets.optimizer_race(theta2=-99)
widgets.optimizer_race(step=201)
panel = widgets.optimizer_race(mine={"mine": returning}); last_line(panel.facts.value)
"""

TERMINAL = """
terminal("train --figure figure.jpg")
terminal("train --figure nowhere/figure.png")
terminal("train --checkpoint run.safetensors")
terminal("train --seed -1")
terminal("train --epochs 0")
terminal("train --batch-size 0")
terminal("train --resume")
env(NN_HELPERS_DATA="mnist"); terminal("train")
env(CIFAR10_DIR="nowhere"); terminal("train --data cifar10")
env(CIFAR10_DIR="nowhere"); terminal("train --preset full")
terminal("train --images 0")
terminal("train --images 200")
terminal("train --images 50 --val 20 --hidden 0")
terminal("train --images 50 --val 20 --hidden 1000000000 1000000000")
terminal("train --images 50 --val 20 --reg -1")
terminal("train --images 50 --val 20 --dropout 1")
terminal("train --images 50 --val 20 --lr 0")
terminal("train --images 50 --val 20 --optimizer adamw --weight-decay -1")
terminal("train --images 50 --val 20 --batch-size 51")
terminal("train --images 50 --val 0 --keep-best")
terminal("train --images 50 --val 20 --schedule cosine --optimizer sgd --batch-size 60 --lr inf")
terminal("train --images 50 --val 20 --optimizer sgd --checkpoint run.npz")
terminal("train --images 50 --val 20 --optimizer sgd --checkpoint run.safetensors --resume")
terminal("train --images 20 --val 0 --dtype float64 --reg 1 --optimizer sgd --lr 1e200 --epochs 2 --quiet")
terminal(COSINE + "--epochs 1"); terminal(COSINE + "--epochs 2 --resume")
written("cifar-10-binary.tar.gz", b"no archive"); terminal("data --root .")
env(CIFAR10_DIR="nowhere"); str(doctor.cifar10())
env(NN_HELPERS_DATA="mnist"); str(doctor.pictures())
"""

# Where a file's name may be as long, and a home as unknown, as on Linux and macOS.
POSIX = """
env(NN_HELPERS_CACHE="~nobody_by_that_name/cache"); cache_dir()
env(NN_HELPERS_CACHE="~nobody_by_that_name/cache"); str(doctor.disk())
env(CIFAR10_DIR="~nobody_by_that_name/data"); load_cifar10()
load_cifar10("~nobody_by_that_name/data")
download_cifar10("~nobody_by_that_name/data")
download_cifar10(written("file", b""))
download_cifar10(written("file", b"") / "data")
written("file", b""); terminal("data --root file")
net.save("~nobody_by_that_name/net.safetensors")
ClassificationNet.load("~nobody_by_that_name/net.safetensors")
ClassificationNet.load("/dev/null")
fit(checkpoint="~nobody_by_that_name/run.safetensors")
fit(checkpoint="r" * 240 + ".safetensors")
fit(resume="~nobody_by_that_name/run.safetensors")
plots.save(figure, "~nobody_by_that_name/figure.png")
"""

TABLES = {
    "layers": LAYERS,
    "losses": LOSSES,
    "network": NETWORK,
    "use": USE,
    "optimizers": OPTIMIZERS,
    "data": DATA,
    "cifar10": CIFAR10,
    "training": TRAINING,
    "files": FILES,
    "checkpoints": CHECKPOINTS,
    "exercises": EXERCISES,
    "widgets": WIDGETS,
    "terminal": TERMINAL,
    "posix": POSIX,
}
COSINE = (
    "train --images 20 --val 0 --hidden 5 --optimizer sgd --schedule cosine --quiet "
    "--checkpoint run.safetensors "
)
FEW_SKETCHES = sketches(n_train=100, n_test=20)


@pytest.mark.parametrize("table", TABLES)
def test_every_wrong_call_brings_about_the_message_that_was_recorded(table, tmp_path):
    if table == "posix" and os.name == "nt":
        pytest.skip("Windows has other long names, and guesses where a home would be")
    recorded, found = json.loads(RECORDED.read_text(encoding="utf-8"))[table], messages(table, tmp_path)
    differences = [
        f"{call}\n  recorded: {recorded.get(call)!r}\n  now:      {found.get(call)!r}"
        for call in {**recorded, **found}
        if recorded.get(call) != found.get(call)
    ]
    assert not differences, "\n".join([f"{len(differences)} differences", *differences])


def test_every_call_in_the_tables_is_wrong_and_there_once():
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert {table: list(calls) for table, calls in recorded.items()} == {t: lines(t) for t in TABLES}
    assert [call for calls in recorded.values() for call, said in calls.items() if not said] == []


def lines(table):
    """Return the calls of a table."""
    return TABLES[table].strip().splitlines()


def messages(table, folder):
    """Return what each call of a table brings about, as text by call."""
    return {call: message(call, folder / f"{table}{i}") for i, call in enumerate(lines(table))}


def message(call, folder):
    """Run a call in a new folder; return its warnings, what it says, and its error, in this order."""
    folder.mkdir()
    here, error, said = os.path.realpath(folder), "", None
    printed = io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        warnings.catch_warnings(record=True) as warned,
        np.errstate(all="ignore"),
        contextlib.redirect_stderr(printed),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("always")
        patch.chdir(here)
        for variable in ("NN_HELPERS_DATA", "CIFAR10_DIR", "KERAS_HOME"):
            patch.delenv(variable, raising=False)
        patch.setenv("NN_HELPERS_CACHE", os.path.join(here, "cache"))
        patch.setenv("HOME", here)
        patch.setattr("nn_helpers.data.sketches", lambda: FEW_SKETCHES)
        try:
            said = run(call, prepared(patch))
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
    said = str(said) if isinstance(said, str | exercises.Verdict) else ""
    kinds = RuntimeWarning, UserWarning
    all_warned = [f"{w.category.__name__}: {w.message}" for w in warned if w.category in kinds]
    return the_same_everywhere("\n".join(filter(None, [*all_warned, printed.getvalue(), said, error])), here)


def run(call, names):
    """Run Python statements; return the value of the last, if it is an expression."""
    *before, last = ast.parse(call).body
    for statement in before:
        exec(compile(ast.Module([statement], []), call, "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), call, "eval"), names)
    return exec(compile(ast.Module([last], []), call, "exec"), names)


def the_same_everywhere(text, here):
    """Return a text without what differs from machine to machine, or with the versions of packages."""
    root = str(Path(nn_helpers.__file__).resolve().parent.parent)
    text = text.replace(here, "<here>").replace(root, "<root>")
    if os.name == "nt":
        text = text.replace(repr(here)[1:-1], "<here>").replace("\\\\", "/").replace("\\", "/")
    text = text.replace(f"{nn_helpers.__version__} is running", "<version> is running")
    text = re.sub(r"\[Errno \d+\]", "[Errno …]", text)
    return re.sub(r"(?<=no complete safetensors file \().*?(?=\); it )", "…", text)


def last_line(text):
    """Return the last line of a traceback on a page."""
    return text.partition("</pre>")[0].rstrip().rpartition("\n")[2]


def prepared(patch):
    """Return the names that calls use, all of them new: arrays, a network, data, and what makes files."""
    x = np.arange(12.0).reshape(4, 3) / 10
    W, b = np.array([[0.1, -0.2], [0.3, 0.4], [-0.5, 0.6]]), np.array([0.1, -0.1])
    y = np.array([0, 1, 0, 1])
    images = np.arange(4 * 6 * 5 * 3, dtype=np.uint8).reshape(4, 6, 5, 3)
    split = Split(images, np.arange(4))
    net, optimizer = ClassificationNet(3, [5], 2, dtype="float64"), SGD(0.1)
    data = ArrayDataset((x, y), val=(x, y))
    pictures = Dataset("pictures", split, split)

    def fit(net=net, data=data, optimizer=optimizer, **options):
        """Train in the right way but for what is said."""
        options = {"epochs": 2, "batch_size": 2, "progress": False, **options}
        return train(net, data, optimizer, **options)

    def kept(net=None, optimizer=None, **options):
        """Return the path of a checkpoint of two epochs."""
        fit(net or ClassificationNet(3, [5], 2, dtype="float64"), checkpoint="run.safetensors",
            optimizer=optimizer or SGD(0.1), **options)  # fmt: skip
        return "run.safetensors"

    def saved():
        net.save("net.safetensors")
        return "net.safetensors"

    def terminal(arguments):
        main(arguments.split())

    def unwritten(z):
        raise NotImplementedError

    def returning(theta, gradient, lr):
        return theta - lr * gradient

    def env(**variables):
        for name, value in variables.items():
            patch.setenv(name, str(value))

    def protected(path):
        Path(path).touch()
        patch.setattr(os, "access", lambda path, mode: False)

    def disk(free=None, writes=None):
        """Leave so many bytes free on the disk, and so many files that can be written."""
        if free is not None:
            patch.setattr(shutil, "disk_usage", lambda path: types.SimpleNamespace(free=free))
        if writes is not None:
            replace, left = os.replace, iter(range(writes))

            def replace_while_there_is_room(*paths):
                if next(left, None) is None:
                    raise OSError(28, "No space left on device")
                replace(*paths)

            patch.setattr(os, "replace", replace_while_there_is_room)

    def server(status, reason="", content=b"", **headers):
        """Let every download get this answer, or this error."""
        disk(free=10**12)

        def get(url, **options):
            if isinstance(status, Exception):
                raise status
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return Answer(status, reason, named, io.BytesIO(content), url)

        patch.setattr(requests, "get", get)
        patch.setattr(time, "sleep", lambda seconds: None)

    return {
        **{name: getattr(nn_helpers, name) for name in nn_helpers.__all__},
        **{name: getattr(exercises, name) for name in ("check", "hint", "solution", "yours_or_ours")},
        **{f.__name__: f for f in (archive, batch, cut, damaged, edited, foreign, overrun, written)},
        **{f.__name__: f for f in (fit, kept, saved, terminal, unwritten, returning, env, protected)},
        **{f.__name__: f for f in (disk, server, cache_dir, empty_batch, generator, last_line)},
        "Optimizer": Optimizer, "Path": Path,
        "np": np, "plots": plots, "widgets": widgets, "doctor": doctor, "requests": requests,
        "x": x, "W": W, "b": b, "y": y, "z": x @ W + b, "other": x @ W, "rng": np.random.default_rng(0),
        "net": net, "data": data, "optimizer": optimizer, "images": images, "labels": split.labels,
        "pictures": pictures, "wide": lambda: ClassificationNet(90, [5], 10), "COSINE": COSINE,
        "many": ArrayDataset((np.tile(x, (20, 1)), np.tile(y, 20)), (x, y)),
        "endless": lambda weights, reg: np.inf, "figure": plots.Picture(),
    }  # fmt: skip


class Answer(io.BytesIO):
    """What a server answers, as far as a download looks at it."""

    def __init__(self, status_code, reason, headers, content, url):
        super().__init__()
        self.status_code, self.reason, self.headers, self.url = status_code, reason, headers, url
        self.raw = types.SimpleNamespace(read=lambda size, decode_content: content.read(size))


# What writes files of all kinds, good ones and others; each returns the path


def written(name, content, size=None):
    """Write a file; of zeros up to its size, if that is given."""
    with open(name, "wb") as file:
        file.write(content)
        if size is not None:
            file.truncate(size)
    return Path(name).absolute()


def archive(name, *members, tells=0):
    """Write a .tar.gz of empty files, of which each is said to have so many bytes."""
    with tarfile.open(name, "w:gz", compresslevel=1) as tar:
        for member in members:
            info = tarfile.TarInfo(member)
            info.size = tells
            tar.fileobj.write(info.tobuf())
    return Path(name).absolute()


def batch(labels, data):
    """Return a batch of CIFAR-10 as Python writes it."""
    return pickle.dumps({"labels": labels, "data": data}, 4)


def cut(path):
    Path(path).write_bytes(Path(path).read_bytes()[:-1])
    return path


def damaged(path, at):
    content = bytearray(Path(path).read_bytes())
    content[at] ^= 1
    Path(path).write_bytes(content)
    return path


def foreign(path="foreign.safetensors", about=None, **arrays):
    """Write arrays that another program might have written, with a text that tells of them."""
    save_file(arrays, path, None if about is None else {"nn_helpers": about, "crc32": "0"})
    return path


def edited(path, *keys, **values):
    """Write a file anew, with a right checksum and other content: arrays by name, all else under these keys.

    None leaves an array out, and ... leaves out anything else.
    """
    with safe_open(path, framework="numpy") as file:
        about = json.loads(file.metadata()["nn_helpers"])
    arrays, there = load_file(path), about
    for key in keys:
        there = there[key]
    for name, value in values.items():
        if isinstance(value, np.ndarray) or name in arrays:
            arrays[name] = value
        else:
            there[name] = value
    for values in (arrays, there):
        for name in [name for name, value in values.items() if value is (None if values is arrays else ...)]:
            del values[name]
    text = json.dumps(about)
    checksum = zlib.crc32(text.encode())
    for name in sorted(arrays):
        checksum = zlib.crc32(arrays[name], checksum)
    save_file(arrays, path, {"nn_helpers": text, "crc32": f"{checksum:08x}"})
    return path


def generator(kind):
    return np.random.Generator(kind(0))


def overrun(path):
    """Let the state of a checkpoint's MT19937 point beyond its buffer."""
    with safe_open(path, framework="numpy") as file:
        now = json.loads(file.metadata()["nn_helpers"])["training"]["generators"]["now"]
    return edited(path, "training", "generators", now={**now, "state": {**now["state"], "pos": 10**6}})


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        recorded = {table: messages(table, Path(folder)) for table in TABLES}
    RECORDED.write_text(json.dumps(recorded, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for table, calls in recorded.items():
        print(f"{table}: {len(calls)}")
        print("".join(f"  says nothing: {call}\n" for call, said in calls.items() if not said), end="")
