"""The contenders: each trains the same network on the same batches, in the way its users would write it.

A contender has ``step()``, which makes one step and returns its loss without the L2 penalty, and
``predict()``, which returns the classes of all images.
"""

from itertools import pairwise

import numpy as np

from benchmarks.workloads import INPUT_SIZE, NUM_CLASSES, first_parameters, orders, random_images


class Ours:
    """nn_helpers, by the generator that `train` runs."""

    name, needs = "nn_helpers", "nn_helpers"

    def __init__(self, workload):
        from nn_helpers import ClassificationNet, make_optimizer, training_steps

        data = random_images(workload)
        self.net = ClassificationNet(INPUT_SIZE, workload.hidden, NUM_CLASSES, reg=workload.reg)
        for values, (name, _) in zip(
            first_parameters(workload, np.float32), self.net.params.items(), strict=True
        ):
            self.net.params[name] = values
        if workload.predict:
            self.x = data.standardise(data.train.images)
        else:
            optimizer = make_optimizer(workload.optimizer, workload.lr)
            how = {"batch_size": workload.batch_size, "threads": workload.threads}
            self.steps = training_steps(self.net, data, optimizer, **how)

    def step(self):
        return next(self.steps).data_loss

    def predict(self):
        return self.net.predict(self.x)


class Textbook:
    """NumPy as a textbook writes it: float64, a new array for every result, parameters one by one."""

    name, needs = "textbook NumPy, float64", "numpy"

    def __init__(self, workload):
        data = random_images(workload)
        self.x, self.y = data.standardise(data.train.images, np.float64), data.train.labels
        self.workload, self.orders = workload, orders(workload)
        self.parameters = first_parameters(workload, np.float64)
        self.m = [np.zeros_like(p) for p in self.parameters]
        self.v = [np.zeros_like(p) for p in self.parameters]
        self.t = 0

    def forward(self, x):
        inputs = []
        for layer in range(0, len(self.parameters), 2):
            inputs.append(x)
            x = x @ self.parameters[layer] + self.parameters[layer + 1]
            if layer + 2 < len(self.parameters):
                x = np.maximum(x, 0)
        return x, inputs

    def step(self):
        at = next(self.orders)
        x, y = self.x[at], self.y[at]
        logits, inputs = self.forward(x)
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p = p / p.sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(len(y)), y]).mean()
        dz = p.copy()
        dz[np.arange(len(y)), y] -= 1
        dz = dz / len(y)
        gradients = []
        for layer in reversed(range(len(inputs))):
            W = self.parameters[2 * layer]
            gradients = [inputs[layer].T @ dz + self.workload.reg * W, dz.sum(axis=0), *gradients]
            if layer:
                dz = (dz @ W.T) * (inputs[layer] > 0)
        self.update(gradients)
        return loss

    def update(self, gradients):
        self.t += 1
        lr = self.workload.lr
        for i, g in enumerate(gradients):
            if self.workload.optimizer == "momentum":
                self.v[i] = 0.9 * self.v[i] - lr * g
                self.parameters[i] = self.parameters[i] + self.v[i]
                continue
            self.m[i] = 0.9 * self.m[i] + 0.1 * g
            self.v[i] = 0.999 * self.v[i] + 0.001 * g**2
            m_hat, v_hat = self.m[i] / (1 - 0.9**self.t), self.v[i] / (1 - 0.999**self.t)
            self.parameters[i] = self.parameters[i] - lr * m_hat / (np.sqrt(v_hat) + 1e-8)

    def predict(self):
        return self.forward(self.x)[0].argmax(axis=1)


class Torch:
    """PyTorch eager with Adam as it comes."""

    name, needs, fused = "PyTorch", "torch", None

    def __init__(self, workload):
        import torch

        self.torch = torch
        data = random_images(workload)
        self.x = torch.from_numpy(data.standardise(data.train.images))
        self.y = torch.from_numpy(data.train.labels)
        self.orders = orders(workload)
        layers = []
        sizes = [INPUT_SIZE, *workload.hidden, NUM_CLASSES]
        parameters = iter(first_parameters(workload, np.float32))
        for D, M in pairwise(sizes):
            linear = torch.nn.Linear(D, M)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(next(parameters).T.copy()))
                linear.bias.copy_(torch.from_numpy(next(parameters)))
            layers += [linear, torch.nn.ReLU()]
        self.model = torch.nn.Sequential(*layers[:-1])
        # Its weight decay is our L2 penalty, and leaves biases out where they are in a group without it.
        groups = [
            {"params": [p for p in self.model.parameters() if p.ndim == 2], "weight_decay": workload.reg},
            {"params": [p for p in self.model.parameters() if p.ndim == 1], "weight_decay": 0.0},
        ]
        if workload.optimizer == "momentum":
            self.optimizer = torch.optim.SGD(groups, workload.lr, momentum=0.9, fused=self.fused)
        else:
            self.optimizer = torch.optim.Adam(groups, workload.lr, fused=self.fused)

    def step(self):
        at = self.torch.from_numpy(next(self.orders))
        loss = self.torch.nn.functional.cross_entropy(self.model(self.x[at]), self.y[at])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def predict(self):
        with self.torch.inference_mode():
            return self.model(self.x).argmax(dim=1).numpy()


class TorchFused(Torch):
    """PyTorch eager with its fastest optimizer on a processor."""

    name, fused = "PyTorch, fused", True


class ScikitLearn:
    """scikit-learn's MLPClassifier by `partial_fit`. It draws its own first weights."""

    name, needs = "scikit-learn", "sklearn"

    def __init__(self, workload):
        from sklearn.neural_network import MLPClassifier

        data = random_images(workload)
        self.x, self.y = data.standardise(data.train.images), data.train.labels
        self.orders = orders(workload)
        solver = {"adam": "adam", "momentum": "sgd"}[workload.optimizer]
        self.model = MLPClassifier(
            workload.hidden, solver=solver, alpha=workload.reg, batch_size=workload.batch_size,
            learning_rate_init=workload.lr, nesterovs_momentum=False, random_state=0,
        )  # fmt: skip
        self.model.partial_fit(self.x[:NUM_CLASSES], np.arange(NUM_CLASSES), classes=np.arange(NUM_CLASSES))

    def step(self):
        at = next(self.orders)
        self.model.batch_size = len(at)
        self.model.partial_fit(self.x[at], self.y[at])
        return self.model.loss_

    def predict(self):
        return self.model.predict(self.x)


class Limit:
    """What the machine allows: the step's matrix products, and the update's memory traffic, nothing else.

    The products are NumPy's, into arrays that are there already. The update is copies of as many bytes as
    an optimizer has to read and write once: parameters, gradient and memory.
    """

    name, needs = "the machine's limit", "numpy"

    def __init__(self, workload):
        rng = np.random.default_rng(0)
        N = workload.images if workload.predict else workload.batch_size
        self.products = []
        sizes = [INPUT_SIZE, *workload.hidden, NUM_CLASSES]
        for layer, (D, M) in enumerate(pairwise(sizes)):
            x, W, z = (rng.standard_normal(s, np.float32) for s in ((N, D), (D, M), (N, M)))
            self.products.append((x, W, z.copy()))
            if not workload.predict:
                self.products.append((x.T, z, np.empty_like(W)))
                if layer:
                    self.products.append((z, W.T, np.empty_like(x)))
        P = sum(D * M + M for D, M in pairwise(sizes))
        # Adam moves 7 vectors (θ, g, m, v in; θ, m, v out), momentum 5; copying half a vector moves as
        # much as reading or writing a whole one.
        passes = 0 if workload.predict else {"adam": 7, "momentum": 5}[workload.optimizer]
        source, target = rng.standard_normal(P, np.float32), np.empty(P, np.float32)
        halves = [(source[: P // 2], target[: P // 2]), (source[P // 2 :], target[P // 2 :])]
        self.copies = [halves[i % 2] for i in range(passes)]

    def step(self):
        for a, b, out in self.products:
            np.matmul(a, b, out=out)
        for source, target in self.copies:
            np.copyto(target, source)
        return float("nan")

    predict = step


CONTENDERS = {
    "ours": Ours,
    "textbook": Textbook,
    "torch": Torch,
    "torch-fused": TorchFused,
    "sklearn": ScikitLearn,
    "limit": Limit,
}
