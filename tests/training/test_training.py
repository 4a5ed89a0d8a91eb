"""Training: what a step does, what a run records, how it ends, and that a seed repeats it bit for bit."""

import inspect
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import numpy as np
import pytest
import threadpoolctl
import tqdm.auto

from nn_helpers import (
    SGD,
    Adam,
    ArrayDataset,
    ClassificationNet,
    History,
    Momentum,
    StepDecay,
    TrainingDivergedError,
    batches,
    compare_optimizers,
    cross_entropy,
    evaluate,
    l2_penalty,
    train,
    training_steps,
)
from nn_helpers.layers import relu_forward
from nn_helpers.optimizers import OPTIMIZERS, make_optimizer
from nn_helpers.support import threads


def blobs(N=60, D=4, C=3, seed=0):
    """Points around one centre for each class."""
    rng = np.random.default_rng(seed)
    y = np.arange(N) % C
    return 2 * np.eye(C, D)[y] + 0.3 * rng.standard_normal((N, D)), y


def net(**options):
    defaults = {"input_size": 4, "hidden_sizes": [5], "num_classes": 3, "dtype": np.float64}
    return ClassificationNet(**{**defaults, **options})


def data_with_validation():
    return ArrayDataset(blobs(), val=blobs(30, seed=1), test=blobs(30, seed=2))


# --- steps -------------------------------------------------------------------------------------------


def test_a_step_is_the_five_steps_of_an_epoch_written_out():
    data, ours, expected = blobs(), net(reg=0.1), net(reg=0.1)
    optimizer, theirs = Momentum(0.1), Momentum(0.1)
    records = training_steps(ours, data, optimizer, batch_size=7, seed=3)
    rng = np.random.default_rng(3)
    for epoch in (1, 2):
        for x, y in batches(data, 7, seed=rng, dtype=np.float64):
            record = next(records)
            logits = expected.forward(x)
            data_loss, dlogits = cross_entropy(logits, y)
            reg_loss = l2_penalty(expected.weights, 0.1)
            expected.backward(dlogits)
            theirs.step(expected.theta, expected.gradient)
            np.testing.assert_array_equal(ours.theta, expected.theta)
            assert record.epoch == epoch
            assert (record.data_loss, record.reg_loss) == (data_loss, reg_loss)
            assert record.loss == data_loss + reg_loss
            assert record.accuracy == (logits.argmax(axis=1) == y).mean()


def test_steps_are_counted_epochs_end_and_an_unbounded_generator_goes_on():
    records = training_steps(net(), blobs(10), SGD(0.1), batch_size=4)
    got = [next(records) for _ in range(5)]
    assert [(r.step, r.epoch, r.epoch_ends) for r in got] == [
        (1, 1, False), (2, 1, True), (3, 2, False), (4, 2, True), (5, 3, False),
    ]  # fmt: skip
    assert len(list(training_steps(net(), blobs(10), SGD(0.1), batch_size=4, epochs=3))) == 6
    kept = training_steps(net(), blobs(10), SGD(0.1), batch_size=4, epochs=3, drop_last=False)
    assert len(list(kept)) == 9


def test_full_batch_gradient_descent_is_a_batch_the_size_of_the_data():
    x, y = blobs(20)
    ours, expected = net(), net()
    assert len(train(ours, (x, y), SGD(0.5), epochs=3, batch_size=None, progress=False)) == 3
    for _ in range(3):
        expected.backward(cross_entropy(expected.forward(x), y)[1])
        expected.theta -= 0.5 * expected.gradient
    np.testing.assert_allclose(ours.theta, expected.theta, rtol=1e-12)


def test_one_epoch_changes_the_weights():
    ours = net()
    before = ours.theta.copy()
    train(ours, blobs(), SGD(0.01), epochs=1, progress=False)
    assert (ours.theta != before).any()


def test_records_tell_the_learning_rate_of_their_update():
    history = train(
        net(), blobs(8), SGD(StepDecay(0.4, every=2, factor=0.5)), epochs=2, batch_size=2, progress=False
    )
    assert [r.lr for r in history.records] == [0.4, 0.4, 0.2, 0.2, 0.1, 0.1, 0.05, 0.05]


def test_learning_rate_and_regularisation_can_be_changed_while_training():
    ours, optimizer = net(), SGD(0.1)
    records = training_steps(ours, blobs(), optimizer)
    assert next(records).reg_loss == 0
    optimizer.lr, ours.reg = 0.2, 0.5
    record = next(records)
    assert record.lr == 0.2
    assert record.reg_loss > 0


def test_the_library_functions_can_be_replaced_while_training():
    calls = []

    def counting(logits, y):
        calls.append(len(y))
        return cross_entropy(logits, y)

    train(net().use(cross_entropy=counting), blobs(20), SGD(0.1), epochs=1, batch_size=5, progress=False)
    assert calls == [5] * 4


def test_accuracy_is_right_even_when_a_learners_function_writes_into_the_logits():
    def in_place(logits, y):
        logits -= logits.max(axis=1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=1, keepdims=True)
        loss = -np.log(logits[np.arange(len(y)), y]).mean()
        logits[np.arange(len(y)), y] -= 1
        logits /= len(y)
        return loss, logits

    runs = []
    for ours in (net(), net().use(cross_entropy=in_place)):
        history = train(ours, data_with_validation(), Adam(0.01), epochs=3, progress=False)
        runs.append(history.epochs())
    for quantity in ("accuracy", "val_accuracy"):
        np.testing.assert_array_equal(runs[0][quantity], runs[1][quantity])


def test_everything_learns_what_can_be_learned():
    for name in OPTIMIZERS:
        ours = net()
        train(ours, blobs(), make_optimizer(name, 0.02), epochs=20, progress=False)
        assert ours.score(*blobs()) > 0.95, name


# --- history -----------------------------------------------------------------------------------------


def test_validation_is_measured_after_each_epoch_on_the_validation_part():
    data, ours = data_with_validation(), net()
    for record in training_steps(ours, data, Adam(0.01), batch_size=20, epochs=2):
        if record.epoch_ends:
            assert (record.val_loss, record.val_accuracy) == evaluate(ours, data, "val")
        else:
            assert record.val_loss is record.val_accuracy is None
    quiet = train(net(), data, Adam(0.01), epochs=1, validate=False, progress=False)
    assert quiet.records[-1].val_loss is None


def test_evaluate_is_loss_and_accuracy_of_the_whole_part_in_several_batches():
    x, y = blobs(1203)
    ours = net(reg=0.5)
    loss, accuracy = evaluate(ours, (x, y), "train")
    assert loss == pytest.approx(cross_entropy(ours.logits(x), y)[0], rel=1e-12)
    assert accuracy == ours.score(x, y)
    with pytest.raises(ValueError, match=r"the test part of .* is empty"):
        evaluate(ours, (x, y), "test")
    with pytest.raises(ValueError, match="unknown part 'validation'; known: 'train', 'val', 'test'"):
        evaluate(ours, (x, y), "validation")


def test_a_history_converts_to_plain_arrays_by_step_and_by_epoch():
    history = train(net(), data_with_validation(), Adam(0.01), epochs=3, batch_size=20, progress=False)
    steps = history.to_arrays()
    assert steps["step"].tolist() == list(range(1, 10))
    assert steps["epoch"].tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert np.isfinite(steps["val_loss"]).tolist() == [False, False, True] * 3
    assert (np.diff(steps["seconds"]) > 0).all()
    epochs = history.epochs()
    assert epochs["epoch"].tolist() == [1, 2, 3]
    assert epochs["loss"][1] == steps["loss"][3:6].mean()
    assert epochs["val_accuracy"][2] == steps["val_accuracy"][8]
    assert "History(9 steps, 3 epochs" in repr(history)
    assert "History(1 step, 1 epoch; last epoch" in repr(History(history.records[:1]))
    assert repr(History()) == "History(no steps)"
    assert all(len(values) == 0 for values in History().epochs().values())


def test_a_history_plots_itself():
    history = train(net(), data_with_validation(), Adam(0.01), epochs=3, progress=False)
    loss, accuracy = history.plot().axes
    assert [line.get_label() for line in loss.lines] == ["training", "validation"]
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), history.epochs()["data_loss"])
    np.testing.assert_array_equal(accuracy.lines[1].get_ydata(), 100 * history.epochs()["val_accuracy"])


# --- the best weights --------------------------------------------------------------------------------


def test_keep_best_returns_the_parameters_of_the_best_epoch_and_not_the_last():
    class UpAgain(SGD):
        """Goes down for 40 steps, and up from there on."""

        def update(self, theta, gradient, lr, scratch):
            super().update(theta, gradient, lr if self.t <= 40 else -lr, scratch)

    data, ours, thetas, accuracies = data_with_validation(), net(), [], []
    twin = net()
    for record in training_steps(twin, data, UpAgain(0.1), batch_size=4, epochs=6):
        if record.epoch_ends:
            thetas.append(twin.theta.copy())
            accuracies.append(record.val_accuracy)
    best = int(np.argmax(accuracies))
    assert accuracies[best] > accuracies[-1]  # or this test would show nothing
    train(ours, data, UpAgain(0.1), batch_size=4, epochs=6, keep_best=True, progress=False)
    np.testing.assert_array_equal(ours.theta, thetas[best])


def test_the_best_weights_survive_a_run_that_diverges():
    data, ours = data_with_validation(), net()

    class Growing(SGD):
        def update(self, theta, gradient, lr, scratch):
            super().update(theta, gradient, lr if self.t <= 20 else 1e300, scratch)

    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="training diverged"):
        history = train(ours, data, Growing(0.1), epochs=9, keep_best=True, progress=False)
    assert history.stopped.startswith("training diverged")
    assert np.isfinite(ours.theta).all()
    assert evaluate(ours, data, "val")[1] == np.nanmax(history.epochs()["val_accuracy"])


def test_data_without_numbers_are_not_told_to_make_a_network_of_none():
    with pytest.raises(ValueError, match=r"the data has 0$"):
        train(net(), (np.empty((8, 0)), np.zeros(8, int)), SGD(0.1), progress=False)


def test_keep_best_needs_something_to_judge_by():
    for options in ({"data": blobs()}, {"data": data_with_validation(), "validate": False}):
        with pytest.raises(ValueError, match=r"keep_best needs validate=True and .* ArrayDataset"):
            train(net(), optimizer=SGD(0.1), keep_best=True, progress=False, **options)


# --- the same twice ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_seed_trains_bit_for_bit_the_same(name, dtype):
    runs = []
    for _ in range(2):
        ours = net(dtype=dtype, seed=5, reg=0.01, dropout=0.1)
        history = train(
            ours, data_with_validation(), make_optimizer(name, 0.01), epochs=3, seed=5, progress=False
        )
        arrays = history.to_arrays()
        del arrays["seconds"]
        runs.append((ours.theta.copy(), arrays))
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    np.testing.assert_equal(runs[0][1], runs[1][1])


def test_another_seed_trains_in_another_order():
    a, b = net(), net()
    train(a, blobs(), SGD(0.1), epochs=1, seed=1, progress=False)
    train(b, blobs(), SGD(0.1), epochs=1, seed=2, progress=False)
    assert (a.theta != b.theta).any()


# --- comparing ---------------------------------------------------------------------------------------


def test_optimizers_are_compared_from_the_same_first_weights_and_the_same_order():
    start = net()
    before = start.theta.copy()
    nets, histories = compare_optimizers(
        start,
        blobs(),
        {"GD": (SGD(0.1), {"batch_size": None}), "SGD": SGD(0.1), "Adam": Adam(0.01)},
        epochs=2,
        progress=False,
    )
    np.testing.assert_array_equal(start.theta, before)
    assert list(nets) == list(histories) == ["GD", "SGD", "Adam"]
    assert [len(h) for h in histories.values()] == [2, 14, 14]
    alone = start.copy()
    train(alone, blobs(), Adam(0.01), epochs=2, progress=False)
    np.testing.assert_array_equal(nets["Adam"].theta, alone.theta)
    assert histories["SGD"].records[0].loss == histories["Adam"].records[0].loss
    with pytest.raises(TypeError, match="optimizers must be a dict"):
        compare_optimizers(start, blobs(), [SGD(0.1)])


def test_a_comparison_changes_neither_its_optimizers_nor_its_generator():
    optimizers, seed = {"a": Adam(0.01), "b": Adam(0.01)}, np.random.default_rng(0)
    runs = [
        compare_optimizers(net(), blobs(), optimizers, epochs=2, seed=seed, progress=False) for _ in range(2)
    ]
    thetas = [trained.theta for nets, _ in runs for trained in nets.values()]
    for theta in thetas[1:]:
        np.testing.assert_array_equal(theta, thetas[0])


def test_one_generator_for_dropout_and_order_stays_one_in_a_comparison():
    seed = np.random.default_rng(0)
    alone = net(seed=seed, dropout=0.3)
    nets, _ = compare_optimizers(alone, blobs(), {"a": SGD(0.1)}, seed=seed, epochs=2, progress=False)
    train(alone, blobs(), SGD(0.1), seed=seed, epochs=2, progress=False)
    np.testing.assert_array_equal(nets["a"].theta, alone.theta)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (Adam, "optimizer must be one such as"),
        ((Adam(0.1),), r"'b' must be an optimizer, or a pair of one and a dict .*got \(Adam\(lr=0.1"),
        ((Adam(0.1), 5), "'b' must be an optimizer, or a pair of one and a dict"),
        ((Adam(0.1), {"checkpoint": 5}), 'checkpoint must be a path such as "run.safetensors", got 5'),
        ((Adam(0.1), {"epoch": 5}), "unexpected keyword argument 'epoch'"),
    ],
)
def test_a_comparison_refuses_what_cannot_be_trained_before_the_first_run(second, words):
    ran = []
    ours = net().use(cross_entropy=lambda logits, y: ran.append(1) or cross_entropy(logits, y))
    with pytest.raises(TypeError, match=words):
        compare_optimizers(ours, blobs(), {"a": SGD(0.1), "b": second}, progress=False)
    assert not ran


# --- how training ends -------------------------------------------------------------------------------


def test_a_loss_that_is_not_finite_stops_training_before_the_update():
    ours, theta = net(), None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the overflow on the way there
        steps = training_steps(ours, blobs(), SGD(1e200), batch_size=20)
        last = None
        try:
            for record in steps:
                last, theta = record, ours.theta.copy()
        except TrainingDivergedError as caught:
            error = caught
    np.testing.assert_array_equal(ours.theta, theta)
    assert error.step == last.step + 1
    assert error.last_loss == last.loss
    assert error.lr == 1e200
    assert f"at step {error.step} (learning rate 1e+200)" in str(error)
    assert "smaller learning rate" in str(error)


def test_train_keeps_the_history_of_a_run_that_diverged_and_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message="training diverged")
        with pytest.raises(RuntimeWarning, match="training diverged"):
            train(net(), blobs(), SGD(1e200), progress=False)
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="training diverged"):
        history = train(net(), blobs(), SGD(1e200), progress=False)
    assert len(history) >= 1
    assert np.isfinite(history.to_arrays()["loss"]).all()
    assert history.stopped.startswith("training diverged")
    assert "training diverged" in repr(history)


def test_a_last_update_that_ruins_the_parameters_is_reported_too():
    x, y = blobs()
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="training diverged"):
        history = train(net(), (1000 * x, y), SGD(1e308), epochs=1, batch_size=None, progress=False)
    assert len(history) == 1
    assert "became nan at step 2" in history.stopped


def test_numbers_that_are_none_in_the_data_are_not_blamed_on_the_learning_rate():
    x, y = blobs()
    x[3, 2] = np.nan
    with pytest.warns(
        RuntimeWarning, match="before the first update. Look for NaN or infinity in the examples"
    ):
        history = train(net(), (x, y), SGD(0.1), batch_size=None, progress=False)
    assert len(history) == 0


def test_a_warning_names_the_line_that_asked_for_the_training():
    for run in (
        lambda: train(net(), blobs(), SGD(1e200), progress=False),
        lambda: compare_optimizers(net(), blobs(), {"a": SGD(1e200)}, progress=False),
    ):
        with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="training diverged") as caught:
            run()
        assert caught[0].filename == __file__


class Interrupting(SGD):
    """An optimizer during whose n-th step Ctrl-C is pressed."""

    def __init__(self, lr, at):
        super().__init__(lr)
        self.at = at

    def update(self, theta, gradient, lr, scratch):
        half = theta.size // 2
        theta[:half] -= lr * gradient[:half]
        if self.t == self.at:
            signal.raise_signal(signal.SIGINT)
        theta[half:] -= lr * gradient[half:]


def test_ctrl_c_ends_training_after_the_step_with_the_history_and_the_net_of_that_step():
    ours, expected = net(), net()
    handler = signal.getsignal(signal.SIGINT)
    history = train(ours, blobs(), Interrupting(0.1, at=5), epochs=10, progress=False)
    assert len(history) == 5
    assert history.stopped == "interrupted after step 5 of 70"
    steps = training_steps(expected, blobs(), SGD(0.1))
    for _ in range(5):
        next(steps)
    np.testing.assert_array_equal(ours.theta, expected.theta)
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_second_ctrl_c_comes_through_at_once():
    class Stuck(SGD):
        def update(self, theta, gradient, lr, scratch):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            pytest.fail("the second interrupt was held back")

    history = train(net(), blobs(), Stuck(0.1), progress=False)
    assert len(history) == 0
    assert history.stopped == "interrupted after step 0 of 140"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_generator_that_is_interrupted_at_any_record_leaves_everything_as_that_step_did():
    run = lambda: (net(dropout=0.2), Adam(0.01))  # noqa: E731
    expected, optimizer = run()
    after = [
        (expected.theta.copy(), optimizer.t, optimizer.state["m_sum"].copy())
        for _ in training_steps(expected, data_with_validation(), optimizer, batch_size=20, epochs=3)
    ]
    assert len(after) == 9
    for step, (theta, t, M) in enumerate(after, start=1):
        ours, optimizer = run()
        records = training_steps(ours, data_with_validation(), optimizer, batch_size=20, epochs=3)
        for _ in range(step):
            record = next(records)
        with pytest.raises(KeyboardInterrupt):
            records.throw(KeyboardInterrupt)
        np.testing.assert_array_equal(ours.theta, theta)
        np.testing.assert_array_equal(optimizer.state["m_sum"], M)
        assert record.step == optimizer.t == t
        assert next(records, None) is None


def test_an_interrupt_while_the_progress_bar_is_closed_costs_neither_history_nor_best_weights(monkeypatch):
    class Interrupting(tqdm.auto.tqdm):
        def close(self):
            if not self.disable:  # once: it is closed again when it is thrown away
                super().close()
                raise KeyboardInterrupt

    def run(progress):
        ours = net()
        history = train(ours, data_with_validation(), Adam(0.05), epochs=3, keep_best=True, progress=progress)
        return ours.theta, len(history)

    expected = run(progress=False)
    monkeypatch.setattr(tqdm.auto, "tqdm", Interrupting)
    theta, steps = run(progress=True)
    np.testing.assert_array_equal(theta, expected[0])
    assert steps == expected[1]


def test_a_step_that_an_optimizer_of_your_own_does_not_finish_is_not_counted():
    class Unfinished(Adam):
        def update(self, *arguments, **memory):
            if self.t == 3:
                raise ZeroDivisionError
            super().update(*arguments, **memory)

    optimizer = Unfinished(0.01)
    with pytest.raises(ZeroDivisionError):
        train(net(), blobs(), optimizer, progress=False)
    assert optimizer.t == 2


def test_an_interrupted_comparison_returns_what_there_is():
    nets, histories = compare_optimizers(
        net(), blobs(), {"a": SGD(0.1), "b": Interrupting(0.1, at=2), "c": SGD(0.1)}, epochs=2, progress=False
    )
    assert list(nets) == list(histories) == ["a", "b"]
    assert [len(h) for h in histories.values()] == [14, 2]


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_in_a_terminal_ends_training_cleanly(tmp_path):
    program = textwrap.dedent("""
        import numpy as np
        from nn_helpers import *
        x, y = np.random.default_rng(0).standard_normal((64, 3072)), np.arange(64) % 10
        net = ClassificationNet(3072, [200])
        print("ready", flush=True)
        history = train(net, (x, y), Adam(1e-4), epochs=100_000, progress=False)
        print(len(history) > 0, np.isfinite(net.theta).all(), history.stopped)
    """)
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert out.startswith("True True interrupted after step ")


def test_interrupt_kernel_ends_training_cleanly_in_a_notebook():
    manager = pytest.importorskip("jupyter_client.manager")
    kernel, client = manager.start_new_kernel(kernel_name="python3")
    try:
        client.execute(
            "import numpy as np\nfrom nn_helpers import *\n"
            "x, y = np.random.default_rng(0).standard_normal((64, 3072)), np.arange(64) % 10\n"
            "net = ClassificationNet(3072, [200])\nprint('ready', flush=True)\n"
            "history = train(net, (x, y), Adam(1e-4), epochs=100_000, progress=False)"
        )
        while True:
            message = client.get_iopub_msg(timeout=60)
            if message["content"].get("text", "").startswith("ready"):
                break
        time.sleep(0.5)
        kernel.interrupt_kernel()
        assert client.get_shell_msg(timeout=60)["content"]["status"] == "ok"
        replies = []
        client.execute_interactive(
            "print(len(history) > 0, history.stopped)",
            output_hook=lambda m: replies.append(m["content"].get("text", "")),
            timeout=60,
        )
        assert "".join(replies).startswith("True interrupted after step ")
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)


# --- threads ---------------------------------------------------------------------------------------


def blas_threads():
    return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]


@pytest.mark.skipif(not blas_threads(), reason="NumPy's BLAS here does not tell its threads")
@pytest.mark.parametrize(
    ("options", "shares"),
    [({"batch_size": 8}, 1), ({"batch_size": 63}, 1), ({"batch_size": 64}, 2), ({"batch_size": 128}, 3),
     ({"batch_size": 8, "threads": 2}, 2), ({"batch_size": 128, "threads": 1}, 1)],
)  # fmt: skip
def test_each_share_has_32_examples_and_a_thread_whose_products_take_one(monkeypatch, options, shares):
    def watching(z):
        together.wait(timeout=20)
        seen.append((len(z), threading.get_ident(), *blas_threads()))
        return relu_forward(z)

    monkeypatch.setattr(threads, "physical_cores", lambda: 3)
    N, seen, together = options["batch_size"], [], threading.Barrier(shares)
    with threadpoolctl.threadpool_limits(8, user_api="blas"):
        own = net().use(relu_forward=watching)
        train(own, blobs(N), SGD(0.1), epochs=1, progress=False, validate=False, **options)
        assert set(blas_threads()) == {8}
    sizes, idents, *products = zip(*seen, strict=True)
    assert len(seen) == len(set(idents)) == shares
    assert sum(sizes) == N
    assert max(sizes) - min(sizes) <= 1
    assert {count for counts in products for count in counts} == {1}


def test_there_are_no_more_threads_than_examples():
    steps = training_steps(net(), blobs(), SGD(0.1), batch_size=7, threads=10**9)
    assert steps.gi_frame.f_locals["plan"].threads == 7
    next(steps)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [(0, ValueError, "threads must be at least 1, got 0"), (-2, ValueError, "threads must be at least 1"),
     ("2", TypeError, "threads must be a whole number, got '2'"), (True, TypeError, "got True"),
     (2.5, TypeError, "threads must be a whole number, got 2.5")],
)  # fmt: skip
def test_what_is_no_number_of_threads_is_said(given, error, words):
    with pytest.raises(error, match=words):
        train(net(), blobs(), SGD(0.1), threads=given)
    with pytest.raises(error, match=words):
        next(training_steps(net(), blobs(), SGD(0.1), threads=given))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows forks no processes")
def test_a_process_that_forks_between_two_steps_trains_and_predicts_in_both():
    def trained():
        own = net()
        train(own, blobs(), SGD(0.1), epochs=2, threads=2, progress=False)
        return own

    expected, x, failed = trained(), np.ones((1300, 4)), 1
    answers = expected.logits(x)
    with threads.sharing(2), threads._one_thread._lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's: this process has threads
        if not (child := os.fork()):
            signal.alarm(20)  # ends a child that waits for ever
            try:
                same = (trained().theta == expected.theta).all() and (expected.logits(x) == answers).all()
                failed = not same
            finally:
                os._exit(failed)
    assert os.waitpid(child, 0)[1] == 0
    assert np.array_equal(trained().theta, expected.theta)


# --- progress ----------------------------------------------------------------------------------------


def test_the_progress_bar_tells_loss_and_accuracy_and_can_be_quiet(capsys):
    train(net(), blobs(), SGD(0.1), epochs=2, progress=False)
    assert capsys.readouterr() == ("", "")
    train(net(), blobs(), SGD(0.1), epochs=2, progress="plain SGD")
    shown = capsys.readouterr().err
    assert "plain SGD: 100%" in shown
    assert "14/14" in shown
    assert "epoch 2, loss " in shown
    assert "accuracy " in shown


# --- what cannot be trained --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (
            {"batch_size": 61},
            ValueError,
            "batch_size 61 is larger than the training part: 60 examples; .* batch_size=None",
        ),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ({"batch_size": 1.5}, TypeError, "batch_size must be a whole number"),
        ({"epochs": 0}, ValueError, "epochs must be at least 1, got 0"),
        ({"epochs": 2.0}, TypeError, "epochs must be a whole number, got 2.0"),
        ({"net": None}, TypeError, "net must be a ClassificationNet, got NoneType"),
        ({"optimizer": "adam"}, TypeError, r"optimizer must be one such as Adam\(lr=0.001\), got 'adam'"),
        ({"optimizer": Adam}, TypeError, "optimizer must be one such as"),
        ({"data": blobs(D=5)}, ValueError, r"takes 4 numbers an example, the data has 5; .*input_size=5"),
        ({"data": blobs(C=4)}, ValueError, "has 3 classes, the train labels go from 0 to 3"),
        ({"data": ArrayDataset(blobs(), val=blobs(C=4))}, ValueError, "the val labels go from 0 to 3"),
        ({"data": np.ones((3, 4))}, TypeError, r"a Dataset or a pair \(x, y\)"),
        ({"epoch": 3}, TypeError, "epoch"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_happens(change, error, words):
    ours = net()
    arguments = {"net": ours, "data": blobs(), "optimizer": SGD(0.1), "progress": False, **change}
    before = ours.theta.copy()
    with pytest.raises(error, match=words):
        train(**arguments)
    np.testing.assert_array_equal(ours.theta, before)


def test_the_generator_refuses_at_the_call_not_at_the_first_step():
    with pytest.raises(ValueError, match="larger than the training part: 60 examples"):
        training_steps(net(), blobs(), SGD(0.1), batch_size=61)


def test_train_takes_every_option_of_the_generator():
    options = set(inspect.signature(training_steps).parameters)
    assert options <= set(inspect.signature(train).parameters)
