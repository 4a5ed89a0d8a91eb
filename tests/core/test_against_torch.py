"""The same network in PyTorch: same first weights, same batches, same losses, same parameters."""

import numpy as np
import pytest

from nn_helpers import SGD, Adam, AdamW, ClassificationNet, Momentum, RMSprop, batches, training_steps

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed; `pip install -e .[compare]` brings it in", exc_type=ImportError
)

torch.set_num_threads(1)  # two threads take longer to meet than these small products
STEPS = 100
PAIRS = {
    "SGD": (lambda: SGD(0.05), lambda p: torch.optim.SGD(p, 0.05)),
    # PyTorch keeps v/α: θ ← θ − αv with v ← βv + g. At a constant learning rate it is the same path.
    "Momentum": (lambda: Momentum(0.02, 0.9), lambda p: torch.optim.SGD(p, 0.02, momentum=0.9)),
    "RMSprop": (lambda: RMSprop(1e-3), lambda p: torch.optim.RMSprop(p, 1e-3)),
    "Adam": (lambda: Adam(1e-3), lambda p: torch.optim.Adam(p, 1e-3)),
    "AdamW": (lambda: AdamW(1e-3, weight_decay=0.1), lambda p: torch.optim.AdamW(p, 1e-3, weight_decay=0.1)),
}
ACTIVATIONS = {
    "relu": lambda: torch.nn.ReLU(),
    "leaky_relu": lambda: torch.nn.LeakyReLU(0.01),
    "sigmoid": lambda: torch.nn.Sigmoid(),
    "tanh": lambda: torch.nn.Tanh(),
}


def points(N=203, D=20, C=5):
    rng = np.random.default_rng(0)
    return rng.standard_normal((N, D)), rng.integers(C, size=N)


def in_torch(net):
    """The same network with the same parameters, in float64."""
    layers = []
    for layer in range(1, net.num_layers + 1):
        W, b = net.params[f"W{layer}"], net.params[f"b{layer}"]
        linear = torch.nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T.copy()))
            linear.bias.copy_(torch.from_numpy(b.copy()))
        activation = (*net.hidden_activations, "relu")[layer - 1]  # the last is cut off
        layers += [linear, ACTIVATIONS[activation]()]
    return torch.nn.Sequential(*layers[:-1])


def torch_losses(model, optimizer, data, reg, batch_size):
    """Losses of as many steps on the same batches in the same order."""
    rng, losses = np.random.default_rng(0), []
    while True:
        for x, y in batches(data, batch_size, seed=rng, dtype=np.float64):
            if len(losses) == STEPS:
                return losses
            loss = torch.nn.functional.cross_entropy(model(torch.from_numpy(x)), torch.from_numpy(y))
            loss = loss + 0.5 * reg * sum(
                (layer.weight**2).sum() for layer in model if hasattr(layer, "weight")
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(
    ("hidden", "activation", "reg"),
    [([], "relu", 0.01), ([16], "relu", 0.0), ([16, 12], "tanh", 0.01), ([12] * 3, "leaky_relu", 0.0),
     ([10] * 5, "sigmoid", 0.001), ([12, 10, 8], ["tanh", "relu", "sigmoid"], 0.01)],
)  # fmt: skip
def test_a_hundred_steps_have_the_losses_and_parameters_of_pytorch(name, hidden, activation, reg):
    data = points()
    init = "he" if "relu" in activation else "xavier"
    net = ClassificationNet(20, hidden, 5, activation, reg, init, np.float64)
    model = in_torch(net)
    make_ours, make_theirs = PAIRS[name]
    records = training_steps(net, data, make_ours(), batch_size=8, seed=0)
    ours = [next(records).loss for _ in range(STEPS)]
    theirs = torch_losses(model, make_theirs(model.parameters()), data, reg, 8)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    linears = [layer for layer in model if hasattr(layer, "weight")]
    for layer, linear in enumerate(linears, start=1):
        np.testing.assert_allclose(net.params[f"W{layer}"], linear.weight.detach().T, rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(net.params[f"b{layer}"], linear.bias.detach(), rtol=1e-7, atol=1e-10)


def test_the_gradient_is_that_of_autograd():
    x, y = points(N=9)
    net = ClassificationNet(20, [7, 6], 5, "tanh", 0.3, "xavier", np.float64)
    model = in_torch(net)
    loss = torch.nn.functional.cross_entropy(model(torch.from_numpy(x)), torch.from_numpy(y))
    loss = loss + 0.15 * sum((layer.weight**2).sum() for layer in model if hasattr(layer, "weight"))
    loss.backward()
    assert net.loss(x, y) == pytest.approx(loss.item(), rel=1e-13)
    net.backward(net.functions["cross_entropy"](net.forward(x), y)[1])
    linears = [layer for layer in model if hasattr(layer, "weight")]
    for layer, linear in enumerate(linears, start=1):
        np.testing.assert_allclose(net.grads[f"W{layer}"], linear.weight.grad.T, rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(net.grads[f"b{layer}"], linear.bias.grad, rtol=1e-10, atol=1e-14)


class WithShortcuts(torch.nn.Module):
    """The same network with batch normalisation and shortcuts, in float64."""

    def __init__(self, net):
        super().__init__()
        linears = [layer for layer in in_torch(net) if hasattr(layer, "weight")]
        self.linears = torch.nn.ModuleList(linears)
        self.acts = [ACTIVATIONS[name]() for name in net.hidden_activations]
        norms = [torch.nn.BatchNorm1d(M, dtype=torch.float64) for M in net.hidden_sizes]
        self.norms, self.residual = torch.nn.ModuleList(norms), net.residual

    def forward(self, a):
        for linear, norm, act in zip(self.linears, self.norms, self.acts, strict=False):
            out = act(norm(linear(a)))
            a = out + a if self.residual and out.shape == a.shape else out
        return self.linears[-1](a)


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize(
    ("name", "activation"), [("Adam", "relu"), ("Momentum", ["tanh", "sigmoid", "relu"])]
)
def test_batch_normalisation_and_shortcuts_are_those_of_pytorch(name, activation, residual):
    x, y = points(N=96)
    net = ClassificationNet(
        20, [12, 10, 10], 5, activation, dtype=np.float64, normalise=True, residual=residual
    )
    model, losses = WithShortcuts(net), []
    make_ours, make_theirs = PAIRS[name]
    records = training_steps(net, (x, y), make_ours(), batch_size=16, seed=0)
    ours, optimizer = [next(records).loss for _ in range(60)], make_theirs(model.parameters())
    rng = np.random.default_rng(0)
    for _ in range(10):
        for x_batch, y_batch in batches((x, y), 16, seed=rng, dtype=np.float64):
            logits = model(torch.from_numpy(x_batch))
            loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(y_batch))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    np.testing.assert_allclose(ours, losses, rtol=1e-9)
    for layer, norm in enumerate(model.norms, start=1):
        theirs = {"gamma": norm.weight, "beta": norm.bias, "mean": norm.running_mean, "var": norm.running_var}
        for kind, array in theirs.items():
            np.testing.assert_allclose(net.arrays[f"{kind}{layer}"], array.detach(), rtol=1e-7, atol=1e-9)
    model.eval()
    with torch.no_grad():
        np.testing.assert_allclose(net.logits(x), model(torch.from_numpy(x)), rtol=1e-7, atol=1e-9)
