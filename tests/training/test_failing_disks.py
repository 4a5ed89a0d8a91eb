"""A disk that is full or forbids costs at most a checkpoint, never a training."""

import errno
import itertools
import os
import re
import warnings

import pytest
import runs
from faults import CTRL_C, DISK_FULL, FORBIDDEN, disk_full, failing_disk
from runs import STEPS, Augment, PowerCutError, Run, assert_equal, steps_in
from safetensors.numpy import load_file

from nn_helpers import ClassificationNet


def test_a_folder_without_permission_is_said_before_training(tmp_path, monkeypatch):
    path, augment = tmp_path / "run.safetensors", Augment()
    if os.name == "nt" or os.geteuid() == 0:  # Windows has other permissions, and root has all

        def forbidden(*arguments):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr("builtins.open", forbidden)
    else:
        tmp_path.chmod(0o500)
    with pytest.raises(
        PermissionError, match=r"the checkpoint cannot be written: Permission denied.*run\.safe"
    ):
        Run().train(checkpoint=path, augment=augment)
    assert augment.batches == 0


def not_permitted(path, monkeypatch):
    """Make a file unreadable, even for root, who may read everything."""
    path.chmod(0)
    if os.name == "nt" or os.geteuid() == 0:

        def refuse(file, *arguments, **options):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))

        monkeypatch.setattr("builtins.open", refuse)


def test_a_file_that_may_not_be_read_is_not_passed_over_nor_said_to_be_missing(tmp_path, monkeypatch):
    path = tmp_path / "run.safetensors"
    Run().cut_after(3, path)
    with monkeypatch.context() as patch:
        not_permitted(path, patch)
        for read in (ClassificationNet.load, lambda path: Run().train(resume=path)):
            with pytest.raises(PermissionError, match=r"Permission denied: '.*run\.safetensors'"):
                read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_and_a_device_are_refused_at_once(tmp_path):
    pipe = tmp_path / "run.safetensors"
    os.mkfifo(pipe)
    for path in (pipe, "/dev/null"):
        for read in (ClassificationNet.load, lambda path: Run().train(resume=path)):
            with pytest.raises(ValueError, match=f"{path}: this is a device and no file"):
                read(path)


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_full_disk_ends_no_training_and_spoils_no_checkpoint(tmp_path, monkeypatch, fails):
    path, augment = tmp_path / "run.safetensors", Augment()
    works, calls = getattr(os, fails), []

    def full_for_a_while(*arguments):
        calls.append(augment.batches)
        return works(*arguments) if augment.batches < STEPS or augment.batches > 3 * STEPS else disk_full()

    monkeypatch.setattr(os, fails, full_for_a_while)
    augment.at, augment.happens = 3 * STEPS + 1, PowerCutError
    said = pytest.warns(RuntimeWarning, match=r"could not be written after step 6 .*No space left")
    with said as caught, pytest.raises(PowerCutError):
        Run(augment=augment).train(checkpoint=path)
    assert "stays as it was after step 0. If training goes on" in str(caught[0].message)
    assert len(caught) == 1
    assert caught[0].filename == runs.__file__
    assert len(calls) > 3  # it was tried again
    monkeypatch.undo()
    assert steps_in(tmp_path) == {"run.safetensors": 0}
    assert_equal(Run().train(resume=path), Run().train())


@pytest.mark.parametrize("lasting", [True, False])
@pytest.mark.parametrize("fault", [DISK_FULL, FORBIDDEN, CTRL_C])
def test_wherever_the_disk_fails_the_training_can_be_gone_on_with(tmp_path, fault, lasting):
    path, expected = tmp_path / "run.safetensors", Run(epochs=2).train()
    outcomes = []
    for at in itertools.count(1):
        for file in tmp_path.iterdir():
            file.unlink()
        run, augment, error, outcome = Run(epochs=2), Augment(), None, "whole"
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            with failing_disk(tmp_path, at, fault, lasting=lasting) as disk:
                try:
                    run.train(checkpoint=path, augment=augment)
                except (OSError, KeyboardInterrupt) as caught:
                    error, outcome = caught, "refused"
        if error is not None:  # the first checkpoint: nothing was trained
            assert augment.batches == 0
            assert isinstance(error, KeyboardInterrupt) or "the checkpoint cannot be written" in str(error)
        elif run.history.stopped:
            outcome = "interrupted"
            assert fault == CTRL_C
        else:
            assert_equal(run, expected)
        if said:
            outcome = "warned"
            messages = [str(warning.message) for warning in said]
            written = len(load_file(path)["history"])
            assert re.search(f"could not be written after step ({STEPS}|{2 * STEPS}) ", messages[0])
            ended = f"ended after step {2 * STEPS}, and {path} stays as it was after step {written}"
            late = f"after step {STEPS} " in messages[0] and written < 2 * STEPS
            assert [ended in message for message in messages[1:]] == [True] * late
        if error is None:
            assert len(load_file(path)["history"]) in (0, STEPS, 2 * STEPS)
            assert_equal(Run(epochs=2).train(resume=path), expected)
        outcomes.append(outcome)
        if not disk.failed:
            break
    assert outcomes[-1] == "whole"
    assert {"refused", "interrupted" if fault == CTRL_C else "warned"} <= set(outcomes)


def test_each_time_the_disk_is_full_is_said_once_and_so_is_a_last_checkpoint_that_is_missing(
    tmp_path, monkeypatch
):
    path, fsync, augment, epochs = tmp_path / "run.safetensors", os.fsync, Augment(), 6
    full = [STEPS * epoch for epoch in (2, 4, 5, 6)]
    monkeypatch.setattr(os, "fsync", lambda d: disk_full() if augment.batches in full else fsync(d))
    with pytest.warns(RuntimeWarning) as said:
        Run(total_steps=epochs * STEPS).train(epochs=epochs, checkpoint=path, augment=augment)
    first, second, last = (str(warning.message) for warning in said)
    assert "could not be written after step 12 " in first
    assert "could not be written after step 24 " in second
    assert f"training ended after step 36, and {path} stays as it was after step 18" in last
    assert steps_in(tmp_path) == {"run.safetensors": 18}


def test_after_a_full_disk_checkpoints_are_written_again(tmp_path, monkeypatch):
    path, fsync, augment = tmp_path / "run.safetensors", os.fsync, Augment()
    full = range(2 * STEPS, 3 * STEPS + 1)
    monkeypatch.setattr(os, "fsync", lambda d: disk_full() if augment.batches in full else fsync(d))
    with pytest.warns(RuntimeWarning, match="could not be written after step 12"):
        run = Run().train(checkpoint=path, augment=augment)
    assert_equal(run, Run().train())
    assert steps_in(tmp_path) == {"run.safetensors": 24}
