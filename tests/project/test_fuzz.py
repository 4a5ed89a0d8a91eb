"""`make fuzz`: a small run of it, and that it notices everything it is there to notice."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="what it measures and forbids was tried on Linux alone"
)


def fuzz(*arguments, folder):
    command = [sys.executable, TOOLS / "fuzz.py", "--failures", folder, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def run_python(code, *arguments):
    code = f"import sys; sys.path[:0] = [{str(TOOLS.parent)!r}, {str(TOOLS)!r}]\n" + code
    command = [sys.executable, "-c", code, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_a_thousand_inputs_bring_nothing_unexpected_and_reach_deep(tmp_path):
    result = fuzz("--inputs", "1000", "--seed", "7", folder=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.endswith("\n1,000 inputs, 0 unexpected\n")
    assert list(tmp_path.iterdir()) == []
    accepted = dict(re.findall(r"^(\w+): .*\n(?:  .*\n)*? +([\d,]+)  accepted$", result.stdout, re.M))
    assert list(accepted) == ["copies", "pickles", "networks", "checkpoints"]
    assert all(int(count) > 10 for count in accepted.values())
    different = [int(count) for count in re.findall(r"(\d+) different messages", result.stdout)]
    assert sum(different) > 150


# What it notices


ACTS = """
import contextlib, io, json, os, socket, subprocess, time, warnings
from pathlib import Path
from random import Random

import fuzz
from fuzzing import Given, Target, expect
from fuzzing.watching import Watch, fuzz as run

folder, outside = Path(sys.argv[1]), Path(sys.argv[2])
keep = []

def hidden():
    with contextlib.suppress(Exception):
        os.rename(folder / "a", outside / "a")

def forget():
    class Broken:
        def __del__(self):
            1 / 0
    Broken()

def documented():
    raise ValueError("as it says")

acts = {
    "nothing": lambda: None,
    "documented": documented,
    "inside": lambda: (folder / "x").write_text("x"),
    "expected warning": lambda: warnings.warn("as it says"),
    "exception": lambda: 1 / 0,
    "exit": lambda: sys.exit(0),
    "property": lambda: expect(False, "another result"),
    "hang": lambda: all(iter(lambda: True, False)),
    "memory": lambda: keep.append(b"x" * 100_000_000),
    "far too much memory": lambda: bytearray(10**12),
    "warning": lambda: warnings.warn("something else"),
    "open file": lambda: open(os.devnull),
    "unraisable": forget,
    "write": lambda: (outside / "x").write_text("x"),
    "remove": lambda: os.remove(outside / "kept"),
    "through a link": lambda: (folder / "link" / "x").write_text("x"),
    "hidden": hidden,
    "command": lambda: os.system(f"touch {outside}/x"),
    "program": lambda: subprocess.run(["touch", outside / "x"]),
    "connection": lambda: socket.create_connection(("127.0.0.1", 9)),
    "code": lambda: eval("1"),
    "import": lambda: __import__("antigravity"),
}

class Acts(Target):
    documented, warnings = (ValueError,), ("as it says",)

    def generate(self, rng):
        return Given({"file": b"content", "folder": None}, {"a": 1})

    def prepare(self, given):
        self.reads_only = self.name in ("code", "import")

    def run(self, given):
        acts[self.name]()
        return "accepted", ""

(folder / "link").symlink_to(outside)
watch = Watch(folder, seconds=1, megabytes=50)
watch.install()
seen = {}
for name in acts:
    target = Acts(folder)
    target.name = name
    save = lambda number, given: str(fuzz.save(folder / "saved", given))
    result = run(target, [5], Random, watch, failed=save)
    seen[name] = [(f["what"], f["number"], f["times"]) for f in result.failures]
print(json.dumps(seen))
"""


def test_whatever_an_input_should_not_do_is_noticed(tmp_path):
    found = run_python(
        ACTS,
        make_folder(tmp_path / "inside"),
        make_folder(tmp_path / "outside"),
    )
    words = {
        "exception": "ZeroDivisionError: division by zero",
        "exit": "SystemExit: 0",
        "property": "WrongError: another result",
        "hang": r"TooSlow: more than 1 s",
        "memory": "it took more than 50 MB of memory",
        "far too much memory": "MemoryError",
        "warning": "a warning: UserWarning: something else",
        "open file": "a warning: ResourceWarning: unclosed file",
        "unraisable": "unraisable: ZeroDivisionError",
        "write": "open outside of the folder: .*outside/x",
        "remove": "os.remove outside of the folder: .*outside/kept",
        "through a link": "open outside of the folder: .*outside/x",
        "hidden": "os.rename outside of the folder: .*outside/a",
        "command": "os.system",
        "program": "subprocess.Popen",
        "connection": r"socket\.",
        "code": "compile",
        "import": "import",
    }
    for name, failures in found.items():
        if name not in words:
            assert failures == [], name
            continue
        assert len(failures) == 1, name
        ((what, number, times),) = failures
        assert re.match(words[name], what), (name, what)
        assert (number, times) == (5, 1)
    assert words.keys() < found.keys()
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["kept"]
    saved = tmp_path / "inside" / "saved"
    assert json.loads((saved / "input.json").read_text())["options"] == {"a": 1}
    assert (saved / "file").read_bytes() == b"content"
    assert (saved / "folder").is_dir()


def make_folder(folder):
    folder.mkdir()
    (folder / "kept").write_text("kept")
    return folder


BUGS = """
import contextlib, json, os, pickle, zlib
from pathlib import Path

import fuzz
from fuzzing.watching import Watch, fuzz as run
from nn_helpers.training import checkpoints
from nn_helpers import saving
from nn_helpers.data import pickles, cifar10

@contextlib.contextmanager
def nothing_explained(path, *advice):
    yield

bugs = {
    "copies": [
        (cifar10, "archive_errors", nothing_explained),
        (cifar10, "_interleave", lambda pixels, images: None),
    ],
    "pickles": [(pickles, "NAMES", {*pickles.NAMES, "fuzzing.canary.sing"})],
    "networks": [(saving, "explain_damage", nothing_explained)],
    "checkpoints": [(checkpoints, "_refuse_other_memory", lambda *a: None)],
}

def checksum_of(number, seed):
    given = target.generate(fuzz.random_for(seed, name)(number))
    return zlib.crc32(pickle.dumps([given.kind, sorted(given.files.items()), given.options]))

def noticed():
    for number in range(1000):
        if failures := run(target, [number], fuzz.random_for(0, name), watch).failures:
            return failures[0]["what"][:200]

folder, seen, numbers = Path(sys.argv[1]), {}, range(20)
watch = Watch(folder)
watch.install()
for target in fuzz.make_targets(folder, fuzz.SHARES):
    name = target.name
    forwards, backwards = ([checksum_of(n, 3) for n in order] for order in (numbers, reversed(numbers)))
    seen[name] = [forwards == backwards[::-1], forwards != [checksum_of(n, 4) for n in numbers]]
    for module, function, bug in bugs[name]:
        right = getattr(module, function)
        setattr(module, function, bug)
        seen[function] = noticed()
        setattr(module, function, right)
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def targets(tmp_path_factory):
    """What every target makes of the same numbers twice, and of a bug that was put into what it tests."""
    return run_python(
        BUGS,
        make_folder(tmp_path_factory.mktemp("targets") / "inside"),
    )


@pytest.mark.parametrize(
    ("bug", "words"),
    [
        ("archive_errors", "BadGzipFile|ReadError|EOFError|InvalidHeaderError|error"),
        ("_interleave", "WrongError: images are others"),
        ("NAMES", r"WrongError: accepted, though wrong \(hostile\)"),
        ("explain_damage", "KeyError|AttributeError|WrongError: the message does not name the file"),
        ("_refuse_other_memory", "TypeError"),
    ],
)
def test_a_bug_that_is_put_into_what_is_tested_is_noticed(targets, bug, words):
    assert re.match(words, targets[bug])


@pytest.mark.parametrize("name", ["copies", "pickles", "networks", "checkpoints"])
def test_an_input_is_decided_by_its_seed_and_number_alone(targets, name):
    the_same_twice, another_seed = targets[name]
    assert the_same_twice
    assert another_seed


HOSTILE = """
import json, pickle
from random import Random

from fuzzing.canary import SUNG
from fuzzing.pickles import hostile, write

heard = []
for number in range(400):
    steps, sings = hostile(Random(number))
    if sings:
        SUNG.clear()
        pickle.loads(write(steps, 2), encoding="latin-1")
        heard.append(bool(SUNG))
print(json.dumps(heard))
"""


def test_pickle_itself_runs_what_is_called_hostile_or_a_refusal_would_show_nothing():
    heard = run_python(HOSTILE)
    assert all(heard)
    assert len(heard) > 100


def test_the_end_of_the_process_is_reported_with_the_input_that_brought_it(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(TOOLS))
    import fuzz

    asked = []

    def dies(folder, counts, options, **job):
        asked.append((counts.copy(), job))
        if not job:
            (Path(folder) / fuzz.AT).write_bytes((41).to_bytes(8, "little"))
        return iter(())

    monkeypatch.setattr(fuzz, "worker", dies)
    failures = tmp_path / "failures"
    assert fuzz.main(["--target", "pickles", "--seed", "2", "--failures", str(failures)]) == 1
    out = capsys.readouterr().out
    assert "pickles: FAILED, the process ended at input 41\n" in out
    assert f"--target pickles --seed 2 --only 41; saved in {failures / 'pickles-2-41'}\n" in out
    assert out.endswith("0 inputs, 1 unexpected\n")
    assert asked == [({"pickles": 200_000}, {}), ({"pickles": 1}, {"only": 41, "only_save": True})]


def test_a_failed_input_can_be_made_again_alone(tmp_path):
    job = {"counts": {"pickles": 1}, "seed": 0, "only": 41, "failures": str(tmp_path / "saved")}
    (tmp_path / "at").write_bytes(bytes(8))
    command = [
        sys.executable,
        TOOLS / "fuzz.py",
        "--worker",
        tmp_path,
        json.dumps({**job, "only_save": True}),
    ]
    subprocess.run(command, check=True, timeout=60)
    assert json.loads((tmp_path / "saved" / "pickles-0-41" / "input.json").read_text())["kind"]
    assert (tmp_path / "saved" / "pickles-0-41" / "batch").stat().st_size


def test_all_inputs_are_shared_out():
    code = (
        "import fuzz, json; print(json.dumps([fuzz.shares(n, list(fuzz.SHARES)) for n in (200_000, 7, 0)]))"
    )
    many, few, none = run_python(code)
    assert (sum(many.values()), sum(few.values()), sum(none.values())) == (200_000, 7, 0)
    assert min(many.values()) >= 20_000
