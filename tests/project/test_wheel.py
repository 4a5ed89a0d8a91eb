"""The package as it is published: one wheel brings the lessons and the command, and needs no clone."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import nn_helpers
from nn_helpers.course.source import CLONED

ROOT = Path(__file__).resolve().parents[2]
BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
LESSONS = sorted(path.name for path in CLONED.iterdir() if path.is_file())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from this clone."""
    pytest.importorskip("hatchling", reason="hatchling builds the wheel; pip install -e '.[dev]' brings it")
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run([sys.executable, "-c", BUILD, folder], cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def run(wheel, tmp_path_factory):
    """What runs the command of an installed wheel, in an empty folder with no clone near."""
    home, here = tmp_path_factory.mktemp("environment"), tmp_path_factory.mktemp("empty")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    scripts = home / ("Scripts" if os.name == "nt" else "bin")
    pip = [sys.executable, "-m", "pip", "--python", home, "install", "--no-deps", "--no-index", "-q"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run([*pip, "--disable-pip-version-check", wheel], check=True, env=environment)
    # NumPy and the others are those of the tests. This line adds their folder, and not what its own .pth add;
    # it is ASCII, for up to Python 3.12 it is read in the locale's encoding.
    (site,) = home.glob("**/site-packages")
    line = f"import sys; sys.path.append({sysconfig.get_path('purelib')!a})"
    (site / "the_others.pth").write_text(line, encoding="ascii")
    environment |= {"PYTHONIOENCODING": "utf-8", "OPENBLAS_NUM_THREADS": "1"}

    def run(*arguments, program="nn-helpers", **more):
        return subprocess.run(
            [scripts / program, *map(str, arguments)], cwd=here, env={**environment, **more},
            capture_output=True, text=True, encoding="utf-8", timeout=300,
        )  # fmt: skip

    run.here, run.home = here, home
    yield run
    shutil.rmtree(home)


def test_the_wheel_carries_the_lessons_and_is_small(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert sorted(n.split("/")[-1] for n in names if n.startswith("nn_helpers/lessons/")) == LESSONS
    assert {name.split("/")[0].split("-")[0] for name in names} == {"nn_helpers"}
    assert wheel.stat().st_size <= 8_000_000


def test_the_wheel_has_the_version_that_is_said_once(wheel):
    assert wheel.name == f"nn_helpers-{nn_helpers.__version__}-py3-none-any.whl"


def test_without_a_clone_one_command_makes_the_lessons(run):
    made = run("lab", "--copy-only")
    assert (made.returncode, made.stdout) == (0, "my_lessons is your copy of the lessons.\n"), made.stderr
    assert sorted(p.name for p in (run.here / "my_lessons").iterdir() if p.name[0] != ".") == LESSONS
    assert os.listdir(run.here) == ["my_lessons"]
    again = run("lab", "--copy-only")
    assert (again.returncode, again.stdout) == (0, "my_lessons is up to date.\n")


def test_without_a_clone_everything_else_runs(run):
    run("lab", "--copy-only")
    progress = run("progress")
    assert progress.returncode == 0, progress.stderr
    assert "Where to go on: Lesson 00, Start here." in progress.stdout
    reset = run("reset", "relu_forward")
    assert "relu_forward is blank again in " in reset.stdout, reset.stderr
    doctor = run("doctor")
    assert f"✓ lessons: {len(list(CLONED.glob('*.ipynb')))}, written for nn_helpers" in doctor.stdout
    assert "✓ packages: " in doctor.stdout
    few = "--images 20 --val 0 --hidden 4 --epochs 1 --optimizer sgd --quiet"
    train = run("train", *few.split())
    assert train.returncode == 0, train.stderr
    assert "train loss" in train.stdout


def test_the_module_is_the_same_as_the_command(run):
    for asked, name in (
        (run("train", "--epochs", "0"), "nn-helpers"),
        (run("-m", "nn_helpers", "train", "--epochs", "0", program="python"), "python -m nn_helpers"),
    ):
        assert asked.returncode == 2
        assert asked.stderr == f"{name} train: --epochs must be at least 1, got 0\n"
    where = run("-c", "import nn_helpers; print(nn_helpers.__file__)", program="python").stdout
    assert Path(where).is_relative_to(run.home)  # and not in this clone
    assert run("--version").stdout == f"nn-helpers {nn_helpers.__version__}\n"


def test_advice_is_for_what_is_installed(run):
    said = "from nn_helpers.course.source import reinstall; print(reinstall())"
    assert run("-c", said, program="python").stdout.startswith("pip install --upgrade --force-reinstall nn-h")
