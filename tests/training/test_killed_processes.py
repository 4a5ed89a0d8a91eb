"""Processes that end in the middle of a training: there is always a checkpoint to go on from."""

import os
import random
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from faults import names
from processes import run_python
from runs import forget

from nn_helpers import ClassificationNet

KILLS = int(os.environ.get("NN_HELPERS_KILLS", "6"))  # NN_HELPERS_KILLS=300 pytest tests/training -k kill


TRAINING = textwrap.dedent("""
    import os, sys
    import numpy as np
    from nn_helpers import *

    def training(**arguments):
        images = np.random.default_rng(0).integers(256, size=(60, 16, 16, 3), dtype=np.uint8)
        part = Split(images, np.arange(60) % 10)
        data = Dataset("noise", part[:48], part[48:])
        net = ClassificationNet(768, [60, 30], 10, dropout=0.2, seed=2)
        optimizer = AdamW(CosineWithWarmup(0.002, 60, 5))
        history = train(net, data, optimizer, epochs=5, batch_size=4, augment=flip_and_shift, keep_best=True,
                        seed=3, progress=False, checkpoint_every=1, **arguments)
        return net, optimizer, history

    def end(path, net, optimizer, history):
        arrays = history.to_arrays()
        del arrays["seconds"]
        np.savez(path, theta=net.theta, t=optimizer.t, **optimizer.state, **arrays)
""")


def same(a, b):
    with np.load(a) as first, np.load(b) as second:
        assert sorted(first) == sorted(second)
        for name in first:
            np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def test_a_training_that_is_killed_again_and_again_ends_like_one_that_never_was(tmp_path):
    checkpoint, ended, expected = (tmp_path / name for name in ("run.safetensors", "end.npz", "expected.npz"))
    folder = tmp_path / "undisturbed"
    folder.mkdir()
    undisturbed = TRAINING + textwrap.dedent("""
        import time

        began = time.perf_counter()
        end(sys.argv[1], *training(checkpoint=sys.argv[2]))
        print(time.perf_counter() - began)
    """)
    seconds = float(run_python(undisturbed, expected, folder / "run.safetensors"))
    program = TRAINING + textwrap.dedent("""
        checkpoint, ended = sys.argv[1:]
        resume = checkpoint if os.path.exists(checkpoint) else None
        print("ready", flush=True)
        end(ended, *training(checkpoint=checkpoint, resume=resume))
    """)
    chance, kills, ended_since = random.Random(0), 0, False
    while kills < KILLS or not ended_since:
        with subprocess.Popen(
            [sys.executable, "-W", "error", "-c", program, str(checkpoint), str(ended)],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout.readline() == "ready\n"
            try:
                process.wait(chance.uniform(0, seconds) if kills < KILLS else 60)
            except subprocess.TimeoutExpired:
                process.kill()
                kills, ended_since = kills + 1, False
                process.wait()
                if checkpoint.exists():  # else it was killed before training began
                    ClassificationNet.load(checkpoint)
                continue
        assert process.returncode == 0
        same(ended, expected)
        ended_since = True
        forget(checkpoint)  # start again from the beginning
        ended.unlink()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows forks no processes")
def test_a_process_that_ends_at_any_call_to_the_disk_leaves_a_checkpoint_to_go_on_from(tmp_path):
    program = TRAINING + textwrap.dedent("""
        from pathlib import Path

        path = Path(sys.argv[1])
        calls = 0

        def ending(function, last):
            def call(*arguments, **options):
                global calls
                calls += 1
                if calls == last:
                    os._exit(9)
                return function(*arguments, **options)
            return call

        training(checkpoint=path)
        good = path.read_bytes()
        for last in range(1, 15):
            for stale in path.parent.iterdir():
                stale.unlink()
            path.write_bytes(good)
            if not (child := os.fork()):
                for name in ("open", "fsync", "replace", "unlink"):
                    setattr(os, name, ending(getattr(os, name), last))
                training(checkpoint=path, resume=path)
                os._exit(0)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            ClassificationNet.load(path)
            print(code, end=" ")
    """)
    codes = run_python(program, tmp_path / "run.safetensors").split()
    cut, whole = codes.count("9"), codes.count("0")
    assert codes == ["9"] * cut + ["0"] * whole
    assert cut >= 8  # two locks are opened and removed; part written, synchronised, renamed; folder
    assert whole  # so there were no more calls to end at


WRITERS = textwrap.dedent("""
    import mmap, random, signal, time, traceback, zlib
    from contextlib import suppress
    from pathlib import Path
    from nn_helpers.saving import read
    from nn_helpers.training import checkpoints
    from nn_helpers.training.history import COLUMNS

    path, kills = Path(sys.argv[1]), int(sys.argv[2])
    chance, refused = random.Random(0), mmap.mmap(-1, 1)  # which all processes share
    REFUSALS = "a training in process", "stands at step", "another training has written"

    def digest(arrays):
        arrays = {name: np.array(array) for name, array in arrays.items()}
        if "history" in arrays:
            arrays["history"][:, COLUMNS.index("seconds")] = 0
        return {name: zlib.crc32(array) for name, array in arrays.items()}

    def fork(write, number):
        parent = os.getpid()
        if child := os.fork():
            return child
        try:
            while os.getppid() == parent:  # or, if that is killed, they would go on without anybody
                try:
                    write(number)
                except FileExistsError as error:
                    assert any(words in str(error) for words in REFUSALS), error
                    refused[0] = 1
                    time.sleep(0.001)
        finally:  # not one step further in what only the parent does
            traceback.print_exc()
            os._exit(1)

    def kill(child):
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL  # so it had not ended by an error

    def killed(write, look, ended):
        children = {}
        try:
            kill_again_and_again(write, look, ended, children)
        finally:
            for child in children.values():
                with suppress(ProcessLookupError):  # it has ended by an error, which is told above
                    os.kill(child, signal.SIGKILL)
                    os.waitpid(child, 0)  # or it could still hold the path

    def kill_again_and_again(write, look, ended, children):
        last, looks, killed = None, 0, 0
        while killed < kills:
            for number in {0, 1} - children.keys():
                children[number] = fork(write, number)
            until = time.perf_counter() + chance.random() * chance.choice((0.005, 0.03, 0.4))
            while last is None or time.perf_counter() < until:
                assert last is None or path.exists()
                for child in children.values():
                    assert os.waitpid(child, os.WNOHANG) == (0, 0)  # it goes on
                if path.exists():
                    last, looks = look(last), looks + 1
            over = ended(last)
            for number in (0, 1) if over else (chance.randrange(2),):
                kill(children.pop(number))
                killed += 1
                last = look(last)
            if over:
                path.unlink()
                last = None
        print(killed, looks, refused[0])
""")
TRAINERS = """
expected, write_file = {}, checkpoints.write_file

def note(path, arrays, about):
    expected[about["training"]["steps"]] = digest(arrays)
    write_file(path, arrays, about)

def train_and_be_killed(number):
    training(checkpoint=path, resume=path if path.exists() else None)
    time.sleep(60)

def look(last):
    about, arrays = read(path)
    steps = about["training"]["steps"]
    assert digest(arrays) == expected[steps], (steps, "is a mixture")
    assert last is None or steps >= last, (last, steps)
    return steps

checkpoints.write_file = note
training(checkpoint=path)
checkpoints.write_file = write_file
path.unlink()
killed(train_and_be_killed, look, lambda steps: steps == 60)
training(checkpoint=path, resume=path if path.exists() else None)  # the next owner clears the place
"""
SAVERS = """
nets = [ClassificationNet(30, [width], 10, seed=width) for width in (20, 3000)]
expected = [digest(net.params) for net in nets]

def look(last):
    assert digest(read(path)[1]) in expected
    return True

nets[0].save(path)
killed(lambda number: nets[number].save(path), look, lambda last: False)
nets[0].save(path)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows forks no processes")
@pytest.mark.parametrize("writers", [TRAINERS, SAVERS], ids=["trainers", "savers"])
def test_of_two_writers_that_are_killed_again_and_again_a_whole_file_of_one_is_always_there(
    tmp_path, writers
):
    path = tmp_path / "run.safetensors"
    said = run_python(TRAINING + WRITERS + writers, path, max(KILLS, 10))
    killed, looks, refused = map(int, said.split())
    assert killed >= max(KILLS, 10)
    assert looks > killed
    assert refused == (writers is TRAINERS)
    assert names(tmp_path) == [path.name]
