"""What is written — a network, a checkpoint, a figure — goes where it was asked to, whole or not at all."""

import os
import stat
import threading
import time

import numpy as np
import pytest
from faults import names

from nn_helpers import SGD, ClassificationNet, plots, train


def save_network(path, size=4):
    ClassificationNet(3, [size], 2).save(path)


def save_figure(path, size=4):
    plots.save(plots.Figure(figsize=(1, size / 4)), path)


def begin_training(path, size=4):
    """Write the first checkpoint over that of a training that never began."""
    data = np.ones((8, 3), np.float32), np.arange(8) % 2
    net = ClassificationNet(3, [size], 2).use(cross_entropy=stop)
    train(net, data, SGD(0.1), progress=False, checkpoint=path)


def stop(logits, y):
    raise KeyboardInterrupt


WRITERS = [(save_network, ".safetensors"), (begin_training, ".safetensors"), (save_figure, ".png")]
each_writer = pytest.mark.parametrize(("write", "suffix"), WRITERS)
needs_permissions = pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")


@each_writer
def test_a_path_may_begin_at_home(tmp_path, monkeypatch, write, suffix):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write(f"~/new{suffix}")
    assert names(tmp_path) == [f"new{suffix}"]


@each_writer
def test_a_link_stays_a_link_whatever_its_target_is_called(tmp_path, write, suffix):
    link, target = tmp_path / f"link{suffix}", tmp_path / "target"
    try:
        link.symlink_to(target)
    except OSError:  # Windows asks for a right that few have
        pytest.skip("no links here")
    for size in (4, 8):
        write(link, size)
        assert link.is_symlink()
        assert target.stat().st_size == link.stat().st_size
    assert names(tmp_path) == [link.name, "target"]


@needs_permissions
@each_writer
def test_a_replaced_file_keeps_its_mode_and_a_new_one_has_the_usual_one(tmp_path, write, suffix):
    path, other = tmp_path / f"a{suffix}", tmp_path / "other"
    other.touch()
    write(path)
    assert path.stat().st_mode == other.stat().st_mode
    path.chmod(0o640)
    write(path, 8)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@each_writer
def test_a_write_protected_file_is_not_replaced(tmp_path, monkeypatch, write, suffix):
    path = tmp_path / f"a{suffix}"
    write(path)
    content = path.read_bytes()
    path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write to all
    with pytest.raises(PermissionError, match=rf"a\{suffix} is write-protected; choose another path"):
        write(path, 8)
    assert path.read_bytes() == content


@each_writer
def test_a_suffix_alone_is_no_name(tmp_path, write, suffix):
    with pytest.raises(ValueError, match=rf"needs a name before \{suffix}, got '\{suffix}'"):
        write(tmp_path / suffix)
    with pytest.raises(ValueError, match=rf"must end in \{suffix}, got 'a.b'"):
        write(tmp_path / "a.b")
    assert names(tmp_path) == []


@each_writer
def test_what_lies_beside_is_not_touched(tmp_path, write, suffix):
    mine = [f"a{suffix}.part", f".a{suffix}.{os.getpid()}.part", f".a{suffix}.0123456789abcdef.part"]
    for name in mine:
        (tmp_path / name).write_text("mine")
    write(tmp_path / f"a{suffix}")
    assert names(tmp_path) == sorted([*mine, f"a{suffix}"])
    assert all((tmp_path / name).read_text() == "mine" for name in mine)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
@each_writer
def test_a_pipe_and_a_device_are_not_replaced(tmp_path, write, suffix):
    pipe, device = tmp_path / f"pipe{suffix}", tmp_path / f"device{suffix}"
    os.mkfifo(pipe)
    device.symlink_to("/dev/null")
    for path in (pipe, device):
        before = os.stat(path)
        with pytest.raises(FileExistsError, match="is a pipe or a device, and no file; choose another path"):
            write(path)
        assert os.path.samestat(os.stat(path), before)
    assert names(tmp_path) == [device.name, pipe.name]


def test_two_who_write_at_once_leave_a_whole_file_at_every_moment(tmp_path):
    path, end = tmp_path / "net.safetensors", time.perf_counter() + 1
    nets, failed, read = [ClassificationNet(3, [width], 2) for width in (100, 3000)], [], []

    def repeat(do):
        while (time.perf_counter() < end or set(read) < {100, 3000}) and not failed:
            try:
                do()
            except Exception as error:  # whichever: it is what the test is about
                failed.append(error)

    nets[0].save(path)
    jobs = [lambda net=net: net.save(path) for net in nets]
    jobs.append(lambda: read.append(ClassificationNet.load(path).hidden_sizes[0]))
    threads = [threading.Thread(target=repeat, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert set(read) == {100, 3000}  # on a busy machine it takes longer until one of each was read
    assert names(tmp_path) == [path.name]
