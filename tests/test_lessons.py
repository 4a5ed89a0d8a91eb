"""What the lessons claim holds on CIFAR-10 too, and their numbers hold on other machines.

That every lesson prints what is saved in it is nbval's part: it runs them all in the same pytest run.
"""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from nn_helpers import SGD, Adam, ClassificationNet, Momentum, compare_optimizers, evaluate, load_images

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))

needs_cifar10 = pytest.mark.skipif(
    not os.environ.get("CIFAR10_DIR"), reason="set CIFAR10_DIR to a folder with CIFAR-10 to test on it"
)


@pytest.mark.parametrize("which", ["sketches", pytest.param("cifar10", marks=needs_cifar10)])
def test_after_20_epochs_on_500_pictures_adam_is_ahead_of_momentum_of_sgd_of_gd(which):
    data = load_images(which, quiet=True).subset(500, val=500)
    net = ClassificationNet(3072, [100, 100], 10, seed=0)
    lr = 5e-4
    optimizers = {
        "GD": (SGD(lr), {"batch_size": None}),
        "SGD": SGD(lr),
        "momentum": Momentum(lr),
        "Adam": Adam(lr),
    }
    nets, histories = compare_optimizers(net, data, optimizers, epochs=20, batch_size=8, progress=False)
    assert [len(history) for history in histories.values()] == [20, 1240, 1240, 1240]
    losses = [history.epochs()["loss"][-1] for history in histories.values()]
    assert losses == sorted(losses, reverse=True)
    assert evaluate(nets["Adam"], data, "train")[1] >= 0.99


@needs_cifar10
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_lessons_assertions_hold_on_cifar10(path, monkeypatch):
    monkeypatch.setenv("NN_HELPERS_DATA", "cifar10")
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOKS)}})
    client.execute()  # an assertion that fails is an error here
    printed = "".join(o.get("text", "") for cell in notebook.cells for o in cell.get("outputs", []))
    assert "50,000 training and 10,000 test pictures: CIFAR-10" in printed


TRAINING = """
import numpy as np
from nn_helpers import *
x, y = np.random.default_rng(0).standard_normal((200, 300)), np.arange(200) % 10
net = ClassificationNet(300, [40, 40], 10, dtype=np.float64)
loss = train(net, (x, y), Adam(1e-3), epochs=20, progress=False).to_arrays()["loss"]
print(*(f"{value:.9f}" for value in loss))
"""


def trained(**environment):
    result = subprocess.run(
        [sys.executable, "-c", TRAINING], env={**os.environ, **environment}, capture_output=True, check=True
    )
    return np.array(result.stdout.split(), float)


def test_losses_in_float64_do_not_depend_on_threads_or_on_the_processors_kernels():
    here = trained()
    assert len(here) == 500
    for environment in (
        {"OPENBLAS_NUM_THREADS": "1"},
        {"OPENBLAS_NUM_THREADS": "2"},
        {"OPENBLAS_CORETYPE": "Prescott"},
        {"OPENBLAS_CORETYPE": "Haswell"},
    ):
        # lessons print four digits
        np.testing.assert_allclose(
            trained(**environment), here, rtol=1e-6, atol=2e-9, err_msg=str(environment)
        )
