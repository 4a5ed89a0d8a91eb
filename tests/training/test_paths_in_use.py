"""A path that a training writes to belongs to it: who else wants it is told what holds it, and what to do."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
from contextlib import contextmanager

import numpy as np
import pytest
from faults import names
from networks import small_net
from processes import run_python
from runs import STEPS, Augment, Run, assert_equal, colours, steps_in

from nn_helpers import SGD, ClassificationNet, CosineWithWarmup, compare_optimizers, flip_and_shift, train
from nn_helpers.training import run as runs_of_train

SLOW = textwrap.dedent("""
    import sys, time
    import numpy as np
    from nn_helpers import SGD, Dataset, ClassificationNet, Split, train

    def wait(images, rng):
        print("begun", flush=True)
        {does}

    part = Split(np.zeros((8, 6, 6, 3), np.uint8), np.arange(8))
    net = ClassificationNet(108, [3], 10)
    data = Dataset("zeros", part)
    train(net, data, SGD(0.1), epochs=1, augment=wait, progress=False, checkpoint=sys.argv[1])
""")


@contextmanager
def training_elsewhere(path, does="time.sleep(60)"):
    """A process that has begun a training and does not end it."""
    with subprocess.Popen(
        [sys.executable, "-c", SLOW.format(does=does), str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "begun\n"
            yield process
        finally:
            process.kill()


class While:
    """An `augment` that does something else while its training goes on, at one of its batches."""

    def __init__(self, do, at=1):
        self.do, self.at, self.batches, self.error = do, at, 0, None

    def __deepcopy__(self, memo):
        return self  # compare_optimizers copies what it is given: this is one for all

    def __call__(self, images, rng):
        self.batches += 1
        if self.batches == self.at:
            try:
                self.do()
            except OSError as error:
                self.error = error
        flip_and_shift(images, rng)


def holder(process, path):
    return re.escape(f"a training in process {process} writes to {path}. Wait until it has ended, or name")


def test_a_second_training_on_a_path_in_use_is_refused_with_the_number_of_the_process(tmp_path):
    path, augment = tmp_path / "run.safetensors", Augment()
    with training_elsewhere(path) as process:
        content = path.read_bytes()
        for resume in (None, path):
            with pytest.raises(FileExistsError, match=f"train: the checkpoint .*{holder(process.pid, path)}"):
                Run().train(checkpoint=path, resume=resume, augment=augment)
        assert path.read_bytes() == content
        Run().train(checkpoint=tmp_path / "other.safetensors")  # as it was told to
    assert augment.batches == 0
    forgotten = Run().train(checkpoint=path)  # its first step never came
    assert len(forgotten.history) == 4 * STEPS
    assert names(tmp_path) == ["other.safetensors", "run.safetensors"]


@pytest.mark.parametrize("step", [1, STEPS + 2])  # before there is a step in the file, and after
@pytest.mark.parametrize("resumed", [False, True])
def test_a_second_training_in_the_same_process_or_another_thread_is_refused(tmp_path, step, resumed):
    path = tmp_path / "run.safetensors"

    def second():
        Run().train(checkpoint=path, resume=path if resumed else None)

    def in_a_thread():
        errors = []

        def catch():
            try:
                second()
            except OSError as error:
                errors.append(error)

        thread = threading.Thread(target=catch)
        thread.start()
        thread.join()
        raise errors[0]

    for do in (second, in_a_thread):
        path.unlink(missing_ok=True)
        augment = While(do, step)
        first = Run(augment=augment).train(checkpoint=path)
        here = f"a training in process {os.getpid()}, which is this one, writes to {path}"
        assert isinstance(augment.error, FileExistsError)
        assert here in str(augment.error)
        assert len(first.history) == 4 * STEPS
        assert steps_in(tmp_path) == {path.name: 4 * STEPS}


def test_a_network_is_not_saved_over_a_training_that_goes_on(tmp_path):
    path = tmp_path / "run.safetensors"
    augment = While(lambda: small_net().save(path), STEPS + 1)
    assert_equal(Run(augment=augment).train(checkpoint=path), Run().train())
    assert steps_in(tmp_path) == {path.name: 4 * STEPS}
    assert re.search(f"save: the network .*process {os.getpid()}, which is this one", str(augment.error))
    small_net().save(path)  # now it has ended


def test_a_training_leaves_its_path_however_it_ends(tmp_path):
    path = tmp_path / "run.safetensors"
    Run().cut_after(STEPS + 1, path)  # an error
    Run().train(checkpoint=path, resume=path, augment=Augment(2, signal.SIGINT))  # Ctrl-C
    assert len(Run().train(checkpoint=path, resume=path).history) == 4 * STEPS
    other = tmp_path / "other.safetensors"
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="training diverged"):
        Run(SGD(1e30)).train(checkpoint=other)
    other.unlink()
    Run().train(checkpoint=other)
    assert names(tmp_path) == [other.name, path.name]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL, and removes no open file")
def test_the_lock_of_a_killed_process_hinders_nobody_and_its_number_misleads_nobody(tmp_path):
    path = tmp_path / "run.safetensors"
    with training_elsewhere(path) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    (lock,) = (name for name in names(tmp_path) if name.endswith(".lock"))
    assert str(process.pid) in (tmp_path / lock).read_text()
    (tmp_path / f"{lock[:-5]}.{'0' * 16}.part").write_bytes(b"half a checkpoint")
    augment = While(lambda: Run().train(checkpoint=path))
    Run(augment=augment).train(checkpoint=path)
    assert f"process {os.getpid()}" in str(augment.error)
    assert str(process.pid) not in str(augment.error)
    assert names(tmp_path) == [path.name]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows forks no processes")
def test_a_process_that_a_training_forked_does_not_keep_its_path(tmp_path):
    path = tmp_path / "run.safetensors"
    forks = "child = os.fork()\n    if child: print(child, flush=True)\n    time.sleep(60)"
    with training_elsewhere(path, does=f"import os; {forks}") as process:
        child = int(process.stdout.readline())
        try:
            process.kill()
            process.wait()
            assert len(Run().train(checkpoint=path).history) == 4 * STEPS
        finally:
            os.kill(child, signal.SIGKILL)


def test_of_two_comparisons_the_second_is_refused_before_anything_is_trained(tmp_path):
    paths = [tmp_path / f"{name}.safetensors" for name in "ab"]

    def optimizers():
        return {path.stem: (SGD(0.1), {"checkpoint": path}) for path in paths}

    batches = Augment()

    def second():
        mixed = {"free": SGD(0.1), "b": optimizers()["b"]}
        compare_optimizers(small(), colours(), mixed, augment=batches, progress=False)

    for at in (1, 23):  # while the first of the two optimizers trains, and while the second does
        for path in paths:
            path.unlink(missing_ok=True)
        augment = While(second, at)
        options = {"augment": augment, "epochs": 10, "batch_size": 11}
        _, histories = compare_optimizers(small(), colours(), optimizers(), progress=False, **options)
        assert f"process {os.getpid()}, which is this one" in str(augment.error)
        assert batches.batches == 0
        assert [len(history) for history in histories.values()] == [20, 20]
    assert steps_in(tmp_path) == {"a.safetensors": 20, "b.safetensors": 20}


def small():
    return ClassificationNet(108, [4], 3)


@pytest.mark.parametrize("resumed", [False, True])
def test_a_training_that_ended_between_the_making_and_the_start_of_another_is_not_written_over(
    tmp_path, monkeypatch, resumed
):
    path, made = tmp_path / "run.safetensors", runs_of_train.Run.__init__
    if resumed:
        Run().cut_after(STEPS, path)

    def make_and_be_late(run, plan):
        made(run, plan)
        monkeypatch.undo()
        Run().train(checkpoint=path, resume=plan.resume)

    monkeypatch.setattr(runs_of_train.Run, "__init__", make_and_be_late)
    said = "has written to .*run.safetensors since it was read. Call train again to go on"
    with pytest.raises(FileExistsError, match=said if resumed else "stands at step 24"):
        Run().train(checkpoint=path, resume=path if resumed else None)
    assert steps_in(tmp_path) == {path.name: 4 * STEPS}
    Run().train(checkpoint=path, resume=path)  # as it was told to


def test_a_checkpoint_may_be_gone_on_from_elsewhere_while_its_training_goes_on(tmp_path):
    path, other = tmp_path / "run.safetensors", tmp_path / "other.safetensors"
    expected = Run().train()
    branch = Run(augment=While(lambda: None))
    augment = While(lambda: branch.train(checkpoint=other, resume=path), STEPS + 2)
    assert_equal(Run(augment=augment).train(checkpoint=path), expected)
    assert augment.error is None
    assert_equal(branch, expected)


def test_a_path_in_use_is_known_by_every_name_it_has(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.safetensors").symlink_to("run.safetensors")
    (tmp_path / "folder").symlink_to(tmp_path)
    for other in ("run.safetensors", "link.safetensors", "folder/run.safetensors"):
        augment = While(lambda path=other: Run().train(checkpoint=path))
        Run(augment=augment).train(checkpoint=tmp_path / "run.safetensors", epochs=1)
        assert "which is this one" in str(augment.error)
        os.unlink("run.safetensors")


def test_a_training_after_whose_end_a_schedule_is_flat_keeps_it_when_it_is_resumed(tmp_path):
    path = tmp_path / "run.safetensors"
    Run().train(checkpoint=path)
    with pytest.warns(RuntimeWarning, match="ends at step 24, .* step 48 .* A resumed training keeps its"):
        Run().train(checkpoint=path, resume=path, epochs=8)
    net = ClassificationNet.load(path)  # as it was told to
    lr = SGD(CosineWithWarmup(0.02, 4 * STEPS, 3))
    arguments = {"epochs": 4, "batch_size": 4, "drop_last": False}
    train(net, colours(), lr, progress=False, checkpoint=tmp_path / "anew.safetensors", **arguments)


def test_a_process_that_does_not_train_needs_no_locks():
    code = "import sys, nn_helpers; print('filelock' in sys.modules)"
    assert run_python(code) == "False\n"
