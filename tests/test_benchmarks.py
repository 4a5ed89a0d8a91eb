"""The benchmark's contenders compute the same, so that their times can be compared."""

import importlib.util
import sys

import numpy as np
import pytest

from benchmarks import __main__ as bench
from benchmarks.contenders import CONTENDERS
from benchmarks.workloads import WORKLOADS, Workload

TINY = {
    "adam": Workload("tiny", (8, 6), pictures=40, reg=1e-2, lr=1e-3),
    "momentum": Workload("tiny", (8, 6), "momentum", pictures=40, lr=1e-3),
}


def contender(key, workload):
    needs = CONTENDERS[key].needs
    if not importlib.util.find_spec(needs):
        pytest.skip(f"{needs} is not installed")
    return CONTENDERS[key](workload)


@pytest.mark.parametrize("key", [key for key in bench.EXACT if key != "ours"])
@pytest.mark.parametrize("workload", TINY.values(), ids=TINY)
def test_the_others_have_our_losses_step_by_step(key, workload):
    ours, theirs = contender("ours", workload), contender(key, workload)
    losses = [(ours.step(), theirs.step()) for _ in range(12)]  # over two epochs' ends
    np.testing.assert_allclose(*zip(*losses, strict=True), rtol=1e-3)


@pytest.mark.parametrize("key", [key for key in bench.EXACT if key != "ours"])
def test_the_others_predict_our_classes(key):
    workload = Workload("tiny", (8,), pictures=40, predict=True)
    np.testing.assert_array_equal(contender(key, workload).predict(), contender("ours", workload).predict())


def test_scikit_learn_and_the_limit_make_steps_too():
    for key in ("sklearn", "limit"):
        if key == "limit" or importlib.util.find_spec("sklearn"):
            contender(key, TINY["adam"]).step()


def test_the_table_and_the_figure_show_medians_and_ratios():
    class Finished:
        title = property(bench.Worker.title.fget)

        def __init__(self, key, seconds):
            self.contender, self.threads, self.seconds, self.memory = key, 1, seconds, 5e7

    workers = [Finished("ours", [0.001, 0.002, 0.003]), Finished("textbook", [0.004, 0.004, 0.006])]
    rows = bench.table("200", workers)
    assert rows[0] == f"### {WORKLOADS['200'].title}"
    assert rows[4] == "| nn_helpers, 1T | 2.000 | 1.000 |  | 50 |"
    assert rows[5] == "| textbook NumPy, float64, 1T | 4.000 | 4.000 | 0.50 (0.38–0.50) | 50 |"
    (ax,) = bench.figure({"200": workers}).axes
    assert [bar.get_width() for bar in ax.patches] == [2.0, 4.0]


def test_contenders_that_disagree_are_not_timed():
    class Wrong:
        def __init__(self, key, loss):
            self.contender, self.loss, self.title = key, loss, key

        def run(self, steps):
            return {"losses": [self.loss] * steps}

    with pytest.raises(RuntimeError, match="textbook does not compute what ours computes"):
        bench.verify([Wrong("ours", 1.0), Wrong("textbook", 1.1)], TINY["adam"])


def test_one_workload_runs_in_processes_and_is_saved(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench, "installed", lambda: (["ours", "limit"], ["PyTorch"]))
    table = tmp_path / "table.md"
    arguments = ["--workload", "4x100-momentum", "--rounds", "1", "--threads", "1", "--table", str(table)]
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    bench.main()
    assert "Not installed here, and left out: PyTorch." in capsys.readouterr().out
    assert "| nn_helpers, 1T |" in table.read_text(encoding="utf-8")
