"""The benchmark's contenders compute the same, and what is measured is what the tables and figures show."""

import functools
import importlib.util
import json
import os
import sys

import numpy as np
import pytest

from benchmarks import __main__ as bench
from benchmarks import ablation, scaling
from benchmarks.contenders import CONTENDERS
from benchmarks.workloads import WORKLOADS, Workload
from nn_helpers import History, evaluate, flip_and_shift, sketches, train

TINY = {
    "adam": Workload("tiny", (8, 6), images=40, reg=1e-2, lr=1e-3),
    "momentum": Workload("tiny", (8, 6), "momentum", images=40, lr=1e-3),
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
    workload = Workload("tiny", (8,), images=40, predict=True)
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
            self.disturbed = [2 * s for s in seconds[:-1]] + [seconds[-1]]

    workers = [Finished("ours", [0.001, 0.002, 0.003]), Finished("textbook", [0.004, 0.004, 0.006])]
    rows = bench.table("200", workers)
    assert rows[0] == f"## {WORKLOADS['200'].title}"
    assert rows[4] == "| nn_helpers, 1T | 2.000 | 1.000 |  | 50 |"
    assert rows[5] == "| textbook NumPy, float64, 1T | 4.000 | 4.000 | 0.50 (0.38–0.50) | 50 |"
    rows = bench.disturbed_table(workers)
    assert rows[4] == "| nn_helpers, 1T | 3.000 | 2.00 (1.50–2.00) |  |"
    assert rows[5] == "| textbook NumPy, float64, 1T | 8.000 | 2.00 (1.50–2.00) | 0.50 (0.38–0.50) |"
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
    table = tmp_path / "new" / "table.md"
    arguments = ["--workload", "4x100-momentum", "--rounds", "1", "--threads", "1", "--disturbed"]
    arguments += ["--table", str(table)]
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    bench.main()
    assert "Not installed here, and left out: PyTorch." in capsys.readouterr().out
    assert table.read_text(encoding="utf-8").count("| nn_helpers, 1T |") == 2


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not pin a process")
def test_the_load_holds_one_core_from_the_first_moment_to_the_last():
    with bench.Load() as load:
        assert os.sched_getaffinity(load.process.pid) == {max(os.sched_getaffinity(0))}
        assert load.process.poll() is None
    assert load.process.poll() is not None


def test_threads_are_those_that_the_workload_says():
    for threads in (1, 3):
        ours = contender("ours", Workload("tiny", (8,), images=40, threads=threads))
        assert ours.steps.gi_frame.f_locals["plan"].threads == threads


# How time and memory grow


def curve(measured=((1.0, 2.0, 6.0), (3.0, 4.0, 5.0), (8.0, 8.0, 8.0)), log=False):
    return scaling.Curve(
        "Depth", "layers", "time", "ms", (1, 2, 4), np.array(measured), (1, 2.0), (4, 8.0), "a line", log
    )


def test_the_ideal_is_the_line_through_two_points():
    np.testing.assert_allclose(curve().ideal([1, 2, 3, 4]), [2, 4, 6, 8])
    np.testing.assert_allclose(curve().median / curve().ideal(curve().x), [1, 1, 1])


def test_threads_without_a_core_add_nothing_to_the_ideal(monkeypatch):
    monkeypatch.setattr(scaling, "usable_cores", lambda: 2)
    monkeypatch.setattr(scaling, "milliseconds", lambda workloads, *_: np.full((len(workloads), 3), 20.0))
    threads = scaling.over_threads(scaling.FULL, 1)
    assert threads.x == (1, 2, 3, 4, 6, 8)
    assert threads.ideal(threads.x).tolist() == [50, 100, 100, 100, 100, 100]


def test_a_row_has_median_quartiles_minimum_and_the_share_of_the_ideal():
    rows = scaling.table(curve(((1.0, 2.0, 6.0), (3.0, 5.0, 6.0), (8.0, 8.0, 8.0))))
    assert rows[4] == "| layers | median | quartiles | minimum | ideal | median / ideal |"
    assert rows[6] == "| 1 | 2.00 | 1.50–4.00 | 1.00 | 2.00 | 1.00 |"
    assert rows[7] == "| 2 | 5.00 | 4.00–5.50 | 3.00 | 4.00 | 1.25 |"


def test_a_plot_of_growth_has_the_medians_their_quartiles_and_the_ideal():
    for log in (False, True):
        (ax, *_) = scaling.figure([curve(log=log)] * 4).axes
        measured, ideal = ax.containers[0].lines[0], ax.lines[-1]
        np.testing.assert_array_equal(measured.get_xydata(), [(1, 2), (2, 4), (4, 8)])
        np.testing.assert_allclose(ideal.get_xydata()[[0, -1]], [(1, 2), (4, 8)])
        quartiles = [segment[:, 1] for segment in ax.collections[0].get_segments()]
        np.testing.assert_allclose(quartiles, [(1.5, 4), (3.5, 4.5), (8, 8)])
        assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()) == (
            "layers", "time (ms)", "log" if log else "linear",
        )  # fmt: skip
        assert ax.get_legend().get_texts()[0].get_text() == "ideal: a line"


def test_memory_that_the_system_does_not_tell_is_left_out():
    unknown = curve(np.full((3, 2), np.nan))
    assert scaling.table(unknown)[2] == "Depth: this system does not tell the time."
    assert [text.get_text() for text in scaling.figure([unknown] * 4).axes[0].texts] == [
        "this system does not tell"
    ]


def test_trainings_take_turns_forwards_and_backwards_and_all_are_closed(monkeypatch):
    asked, closed = [], []

    class Fake:
        def __init__(self, contender, workload, threads):
            self.width, self.seconds = json.loads(workload)["hidden"][0], []

        def run(self, steps):
            asked.append((self.width, steps))
            if self.width == 13:
                raise RuntimeError
            return {"seconds": self.width / 1000}

        def close(self):
            closed.append(self.width)

    monkeypatch.setattr(scaling, "Worker", Fake)
    sizes = scaling.TINY.__class__(**{**vars(scaling.TINY), "rounds": 2, "seconds": 0.02})
    workloads = [Workload("", (width,)) for width in (2, 4)]
    np.testing.assert_allclose(scaling.milliseconds(workloads, sizes, 1), [[2, 2], [4, 4]])
    assert asked[-4:] == [(4, 6), (2, 11), (2, 11), (4, 6)]  # 20 ms' worth of steps, and one more
    with pytest.raises(RuntimeError):
        scaling.milliseconds([*workloads, Workload("", (13,))], sizes, 1)
    assert closed == [2, 4, 2, 4, 13]


def test_images_are_in_memory_once():
    workloads = [Workload("memory", (8,), images=N) for N in (1_000, 11_000)]
    (small,), (large,) = scaling.megabytes(workloads, scaling.TINY, 1)
    if np.isnan(small):
        pytest.skip("this system does not tell")
    assert large - small == pytest.approx(10_000 * 3072 / 1e6, rel=0.1)


def test_growth_is_measured_in_processes_and_saved(tmp_path):
    to = tmp_path / "a new" / "folder"
    scaling.main(["--tiny", "--to", str(to)])
    page = (to / "scaling.md").read_text(encoding="utf-8")
    assert page.count("| median | quartiles | minimum | ideal | median / ideal |") >= 3
    assert f"Measured on {bench.machine(['numpy'])}, 1 thread unless it says otherwise:" in page
    assert "Rate in steps/s. Ideal: as much for each further thread with a core." in page
    assert "| 12,342 |" in page  # 3,072 → 4 → 10
    assert "times the ideal (in proportion to the parameters)" in page
    assert (to / "scaling.png").read_bytes().startswith(b"\x89PNG")


# What each part of the full recipe brings


@functools.cache
def few():
    """The sketches of --tiny."""
    return sketches(n_train=100, n_test=20)


def full(**changes):
    return {**ablation.PRESETS["full"], **ablation.TINY, **changes}


# With ten validation images several epochs are the best, and the first of them counts.
@pytest.mark.parametrize("changes", [{"val": 10}, {"augment": False, "dropout": 0.0, "schedule": "constant"}])
def test_one_training_gives_the_best_epochs_accuracy_and_the_last_epochs(changes):
    images, options, histories = sketches(n_train=100, n_test=50), full(epochs=12, **changes), []
    measured = ablation.measure(images, options, seed=3, threads=1)
    for weights, keep_best in (("best", True), ("last", False)):
        data, net, optimizer = ablation.prepare(images, options, seed=3)
        augment = flip_and_shift if options["augment"] else None
        histories.append(
            train(
                net, data, optimizer, epochs=12, batch_size=10, augment=augment, seed=3, keep_best=keep_best,
                progress=False, threads=1,
            )
        )  # fmt: skip
        assert measured[weights] == evaluate(net, data)[1]
    assert measured["best"] != measured["last"]  # else nothing was compared
    for name, values in measured["course"].items():
        np.testing.assert_allclose(values, histories[0].epochs()[name], atol=1e-5)


def test_every_recipe_takes_away_what_it_says():
    changed = {name: ablation.prepare(few(), full(**more), 0) for name, (more, _) in ablation.RECIPES.items()}
    dropout = [net.dropout for _, net, _ in changed.values()]
    assert dropout == [0.1, 0.1, 0.0, 0.1, 0.1, 0.1, 0.0]
    optimizers = [type(optimizer).__name__ for *_, optimizer in changed.values()]
    assert optimizers == ["AdamW", "AdamW", "AdamW", "Adam", "AdamW", "AdamW", "Adam"]
    rates = [callable(optimizer.lr) for *_, optimizer in changed.values()]
    assert rates == [True, True, True, True, False, True, False]
    augment = [full(**more)["augment"] for more, _ in ablation.RECIPES.values()]
    assert augment == [True, False, True, True, True, True, False]
    assert [weights for _, weights in ablation.RECIPES.values()] == ["best"] * 5 + ["last"] * 2


def result(best, last=0.0):
    return {"best": best, "last": last}


def test_the_table_of_recipes_has_means_spreads_and_differences_seed_by_seed():
    found = {name: [result(0.5, 0.45), result(0.52, 0.46)] for name in ablation.RECIPES}
    found["without dropout"] = [result(0.48), result(0.53)]
    rows = ablation.ablation_table(found)
    assert rows[2] == "| full recipe | 51.00 (50.00–52.00) |  |"
    assert rows[4] == "| without dropout | 50.50 (48.00–53.00) | −0.50 (−2.00 to +1.00) |"
    assert rows[7] == (
        "| without the best weights: the last epoch's | 45.50 (45.00–46.00) | −5.50 (−6.00 to −5.00) |"
    )


@pytest.fixture
def trainings(monkeypatch):
    """Train nothing and draw nothing; return the list of the seeds that were to be trained with."""
    made = []

    def fake(data, options, seed, threads):
        made.append(seed)
        if len(made) == 9:
            raise SystemExit("stopped: interrupted")
        return {
            "best": 0.5,
            "last": 0.4,
            "seconds": 1.0,
            "course": {name: [0.1, 0.2] for name in ablation.KEPT},
        }

    monkeypatch.setattr(ablation, "measure", fake)
    monkeypatch.setattr(ablation, "sketches", lambda n_train, n_test: few())
    monkeypatch.setattr("nn_helpers.plots.save", lambda figure, path: None)
    return made


def test_an_interrupted_measurement_goes_on_where_it_was(tmp_path, trainings):
    arguments = ["--tiny", "--seeds", "0", "1", "--results", str(tmp_path / "r.jsonl"), "--to", str(tmp_path)]
    with pytest.raises(SystemExit):
        ablation.main(arguments)  # in the middle of the 9th of 2 × 6 trainings
    with open(tmp_path / "r.jsonl", "a", encoding="utf-8") as file:
        file.write('{"what": {"images": "sk')  # the computer went off
    ablation.main(arguments)
    assert trainings == [0] * 6 + [1] * 3 + [1] * 4
    ablation.main(arguments)
    assert len(trainings) == 13
    ablation.main([*arguments, "--presets"])
    assert trainings[13:] == [0, 1]  # large; full is there
    ablation.main([*arguments, "--threads", "1"])
    assert len(trainings) == 15 + 12  # other threads, other times
    ablation.main([*arguments, "--presets", "1", "2"])
    assert trainings[27:] == [2, 2]  # full and large; those of seed 1 are there


def test_results_on_other_images_are_not_taken_for_these():
    assert ablation.fingerprint(few()) == ablation.fingerprint(sketches(100, 20))
    assert ablation.fingerprint(few()) != ablation.fingerprint(sketches(100, 20, seed=1))


def test_a_training_that_stops_early_is_no_result(monkeypatch):
    monkeypatch.setattr(ablation, "train", lambda *a, **k: History(stopped="interrupted after step 1 of 6"))
    with pytest.raises(SystemExit, match="interrupted after step 1 of 6"):
        ablation.measure(few(), full(), 0, 1)


def test_the_page_says_on_which_images(tmp_path, capsys):
    arguments = [
        "--tiny",
        "--presets",
        "--seeds",
        "4",
        "--results",
        str(tmp_path / "r.jsonl"),
        "--to",
        str(tmp_path / "new"),
    ]
    ablation.main([*arguments, "--label", "a hundred sketches", "--threads", "1"])
    page = (tmp_path / "new" / "ablation.md").read_text(encoding="utf-8")
    assert "Images: a hundred sketches, 60 to train on, 40 for validation, 20 to test. Seed 4." in page
    assert "; threads: 1." in page
    assert page.count("\n| ") == 2 + len(ablation.RECIPES) + 2
    assert "## The full recipe, seed 4" in page
    assert (tmp_path / "new" / "full_training.png").read_bytes().startswith(b"\x89PNG")
    assert len((tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()) == 7
    ablation.main([*arguments, "--threads", "1"])
    assert "Images: sketches, " in (tmp_path / "new" / "ablation.md").read_text(encoding="utf-8")
