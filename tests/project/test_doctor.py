"""The doctor: what it finds, and what it advises."""

import importlib.metadata as metadata
import json
import os
import shutil
import subprocess
import sys
import warnings
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import pytest

import nn_helpers
from nn_helpers.course import doctor as module
from nn_helpers.course import source as where
from nn_helpers.course.doctor import FINE, NOTE, TROUBLE, Finding, Report, doctor
from nn_helpers.course.lesson import edition
from nn_helpers.data import cifar10 as files


def version_of(changes):
    """Return `metadata.version` with some packages in other versions; None stands for not installed."""
    real = metadata.version

    def version(name):
        if name in changes and changes[name] is None:
            raise metadata.PackageNotFoundError(name)
        return changes.get(name) or real(name)

    return version


def test_here_everything_is_in_order_and_said_line_by_line():
    report = doctor()
    assert report.in_order, report
    text = repr(report)
    for topic in (
        "Python",
        "packages",
        "widgets",
        "Jupyter",
        "kernel",
        "matrix products",
        "sketches",
        "CIFAR-10",
        "disk",
    ):
        assert f" {topic}: " in text
    assert text.endswith("Everything the lessons need is in order.")


def test_trouble_is_counted_and_comes_with_advice():
    report = Report(
        [Finding("a", "fine"), Finding("b", "broken", TROUBLE, "mend it"), Finding("c", "so so", NOTE)]
    )
    assert not report.in_order
    assert (
        repr(report)
        == "✓ a: fine\n✗ b: broken\n    → mend it\n· c: so so\n\n1 thing needs your attention: see ✗ above."
    )


def test_the_summary_is_one_line_that_is_the_same_everywhere_or_the_troubles_only():
    fine = Report([Finding("Python", "3.11.2 at /usr/bin/python"), Finding("CIFAR-10", "not here", NOTE)])
    assert fine.summary() == "Everything the lessons need is in order."
    assert doctor().summary() == fine.summary()
    broken = Report([*fine, Finding("widgets", "not installed: ipywidgets", TROUBLE, "install them")])
    assert broken.summary() == (
        "✗ widgets: not installed: ipywidgets\n    → install them\n1 thing needs your attention: see ✗ above."
    )


def test_what_other_packages_warn_of_is_not_part_of_the_report(monkeypatch):
    def look():
        warnings.warn("a folder cannot be written", UserWarning, stacklevel=1)
        return Finding("kernel", "runs")

    monkeypatch.setattr(module, "kernel", look)
    assert Finding("kernel", "runs") in doctor()


def test_what_breaks_while_it_is_looked_at_is_a_finding_and_the_rest_is_looked_at(monkeypatch):
    def widget_stack():
        raise OSError("the disk is gone")

    monkeypatch.setattr(module, "widget_stack", widget_stack)
    report = doctor()
    (trouble,) = report.troubles
    assert (trouble.topic, "OSError: the disk is gone" in trouble.found) == ("widget stack", True)
    assert len(report) >= 9


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tqdm": None}, "tqdm: is not installed"),
        ({"numpy": "1.26.4"}, "numpy: 1.26.4; <3,>=2.0 was tried"),
        ({"matplotlib": "4.0"}, "matplotlib: 4.0"),
    ],
)
def test_a_package_that_is_missing_or_of_another_version(monkeypatch, changes, words):
    monkeypatch.setattr(metadata, "version", version_of(changes))
    _, trouble = module.packages()
    assert words in str(trouble)
    assert trouble.state == TROUBLE
    assert "requirements.txt" in trouble.advice


def test_a_package_that_was_loaded_before_a_newer_one_was_installed_asks_for_a_restart(monkeypatch):
    monkeypatch.setattr(metadata, "version", version_of({"ipywidgets": "8.1.7"}))
    monkeypatch.setitem(sys.modules, "ipywidgets", SimpleNamespace(__version__="7.7.1"))
    _, trouble = module.packages()
    assert str(trouble).startswith("✗ ipywidgets: 7.7.1; <9,>=8.1.4 was tried")
    assert trouble.advice == "restart the kernel: 8.1.7 is installed"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ipywidgets": None}, "not installed: ipywidgets"),
        ({"jupyterlab": None, "ipykernel": None}, "not installed: jupyterlab, ipykernel"),
        ({"ipywidgets": "7.8.1"}, "do not fit together"),
        ({"jupyterlab_widgets": "1.1.7"}, "do not fit together"),
        ({"jupyterlab": "3.6.8"}, "do not fit together"),
    ],
)
def test_widgets_that_would_not_show(monkeypatch, changes, words):
    monkeypatch.setattr(metadata, "version", version_of(changes))
    finding = module.widget_stack()
    assert finding.state == TROUBLE
    assert words in finding.found
    assert "pip install" in finding.advice


def test_the_front_end_of_the_widgets_is_looked_for_where_jupyterlab_looks(monkeypatch, tmp_path):
    import jupyter_core.paths

    assert module.widget_stack().state == FINE
    monkeypatch.setattr(jupyter_core.paths, "jupyter_path", lambda: [str(tmp_path)])
    finding = module.widget_stack()
    assert finding.state == TROUBLE
    assert "reload the page" in finding.advice


def test_a_kernel_of_another_environment_is_named(monkeypatch):
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    Spec = namedtuple("Spec", "argv")
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda self, name: Spec(["/other/bin/python3"]))
    finding = module.kernel()
    assert finding.state == TROUBLE
    assert "/other/bin/python3" in finding.found
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda self, name: Spec([sys.executable]))
    assert module.kernel().state == FINE
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda self, name: Spec(["python"]))
    assert module.kernel().state == FINE  # whatever python is, where the kernel is started

    def nothing(self, name):
        raise NoSuchKernel(name)

    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", nothing)
    assert "no kernel" in module.kernel().found


@pytest.fixture
def nothing_here(monkeypatch, tmp_path):
    """A computer without CIFAR-10, on which a file of it is a single image."""
    for variable in ("CIFAR10_DIR", "NN_HELPERS_DATA"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NN_HELPERS_CACHE", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files, "RECORDS_PER_FILE", 1)


def copy_of_cifar10(folder, **changed):
    folder.mkdir()
    for name in files.FILES:
        (folder / f"{name}.bin").write_bytes(changed.get(name, bytes(3073)))
    return folder


def test_cifar10_is_found_or_its_absence_explained(nothing_here, monkeypatch, tmp_path):
    monkeypatch.setenv("CIFAR10_DIR", str(tmp_path))
    finding = module.cifar10()
    assert finding.state == TROUBLE
    assert str(tmp_path) in finding.found
    assert finding.advice.startswith("correct CIFAR10_DIR, or unset it; python -m nn_helpers data")
    folder = copy_of_cifar10(tmp_path / "cifar-10-batches-bin")
    assert module.cifar10() == Finding("CIFAR-10", f"found at {folder} (CIFAR10_DIR)")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "data_batch_1.bin: it has 0 bytes"),
        (b"\xff" * 3073, "data_batch_1.bin: record 0 of 1 has label 255"),
    ],
)
def test_a_copy_of_cifar10_that_cannot_be_read_is_no_copy(
    nothing_here, monkeypatch, tmp_path, content, words
):
    folder = copy_of_cifar10(tmp_path / "cifar-10-batches-bin", data_batch_1=content)
    assert words in module.cifar10().found
    assert module.cifar10().state == NOTE
    for variable, value in (("CIFAR10_DIR", str(folder)), ("NN_HELPERS_DATA", "cifar10")):
        with monkeypatch.context() as patch:
            patch.setenv(variable, value)
            finding = module.cifar10()
        assert finding.state == TROUBLE
        assert words in finding.found
        assert "Three ways" not in finding.found
        assert f"unset {'it' if variable == 'CIFAR10_DIR' else variable}" in finding.advice
    copy_of_cifar10(tmp_path / "data")
    finding = module.cifar10()
    assert finding.state == NOTE
    assert finding.found.startswith(f"good at {tmp_path / 'data'}")
    assert words in finding.found


def test_without_cifar10_it_is_a_note_unless_the_environment_asks_for_it(nothing_here, monkeypatch):
    assert module.cifar10().state == NOTE
    monkeypatch.setenv("NN_HELPERS_DATA", "cifar10")
    finding = module.cifar10()
    assert finding.state == TROUBLE
    assert "unset NN_HELPERS_DATA" in finding.advice


def test_images_that_there_are_not_are_trouble(nothing_here, monkeypatch):
    assert module.images() == Finding("images", 'load_images() takes "sketches"')
    monkeypatch.setenv("NN_HELPERS_DATA", "cifar")
    (trouble,) = doctor().troubles
    assert "NN_HELPERS_DATA) 'cifar'; known: 'sketches', 'cifar10'" in trouble.found
    assert trouble.advice == "correct NN_HELPERS_DATA, or unset it"


@pytest.mark.skipif(os.name == "nt", reason="Windows guesses where a home would be")
def test_a_home_folder_that_nobody_has_is_trouble_with_the_variable_that_names_it(nothing_here, monkeypatch):
    for variable, look in (("CIFAR10_DIR", module.cifar10), ("NN_HELPERS_CACHE", module.disk)):
        with monkeypatch.context() as patch:
            patch.setenv(variable, "~nobody-of-this-name/x")
            finding = look()
        assert finding.state == TROUBLE
        assert f"{variable} is '~nobody-of-this-name/x', and no home folder is known" in finding.found
        assert finding.advice.startswith(f"correct {variable}, or unset it")


@pytest.mark.skipif(os.name == "nt", reason="Windows guesses where a home would be")
def test_without_a_home_folder_the_advice_is_to_set_one_and_not_to_install_anything(nothing_here, tmp_path):
    program = (
        "import pwd\n"
        "def nobody(uid): raise KeyError(uid)\n"
        "pwd.getpwuid = nobody\n"
        "from nn_helpers.course.doctor import doctor\n"
        "print(doctor())\n"
    )

    def report(**variables):
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **variables}
        command = [sys.executable, "-c", program]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout

    without = report()
    assert "✗ jupyter: could not be looked at: RuntimeError: Could not determine home" in without
    assert "→ nobody knows a home folder here: set HOME to a folder of yours" in without
    assert "→ set CIFAR10_DIR to a folder of yours, for there is no home folder; then python -m" in without
    assert "→ set CIFAR10_DIR to a folder of yours, to fetch CIFAR-10" in without
    assert "pip install" not in without
    (tmp_path / "mine").mkdir()
    advised = report(HOME=str(tmp_path / "mine"))
    assert "home" not in advised.replace(str(tmp_path), "")
    assert "Everything the lessons need is in order." in advised


@pytest.mark.parametrize("variable", ["JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"])
def test_a_folder_of_jupyters_that_cannot_be_written_is_trouble(monkeypatch, tmp_path, variable):
    for name in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name / "made" / "later"))
        (tmp_path / name).mkdir()
    assert module.jupyter() == Finding("Jupyter", f"keeps its own files in {os.environ['JUPYTER_DATA_DIR']}")
    monkeypatch.setattr(module.os, "access", lambda path, mode: path != tmp_path / variable)
    finding = module.jupyter()
    assert finding.state == TROUBLE
    assert f"{tmp_path / variable} cannot be written to" in finding.found
    assert finding.advice == f"set {variable} to a folder of yours before JupyterLab starts"


def test_a_full_disk_and_a_cache_that_cannot_be_written(nothing_here, monkeypatch, tmp_path):
    monkeypatch.setenv("NN_HELPERS_CACHE", str(tmp_path / "not" / "there"))
    assert module.disk().state == FINE
    assert str(tmp_path) in module.disk().found
    Usage = namedtuple("Usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(100_000_000))
    assert "0.1 GB free" in module.disk().found
    assert module.disk().state == NOTE
    monkeypatch.setattr(module.os, "access", lambda path, mode: False)
    assert "cannot be written to" in module.disk().found

    def full():
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.tempfile, "TemporaryFile", full)
    assert module.disk().state == TROUBLE
    assert "no temporary file can be made: [Errno 28]" in module.disk().found


def test_lessons_of_another_version_are_named(monkeypatch, tmp_path):
    assert module.notebooks().state == FINE
    monkeypatch.setattr(where, "CARRIED", tmp_path / "lessons")
    monkeypatch.setattr(where, "CLONED", tmp_path / "notebooks")
    assert module.notebooks().state == NOTE
    (tmp_path / "notebooks").mkdir()
    here = edition(nn_helpers.__version__)
    for name, written_for in (("00_a", here), ("01_b", "0.0"), ("02_of_my_own", None)):
        statement = "" if written_for is None else f'nn_helpers.lesson(written_for="{written_for}")\n'
        source = ["import nn_helpers\n", statement, "print(1)"]
        path = tmp_path / "notebooks" / f"{name}.ipynb"
        path.write_text(json.dumps({"cells": [{"source": []}, {"source": source}]}), encoding="utf-8")
    finding = module.notebooks()
    assert finding.state == TROUBLE
    assert finding.found == f"written for another version than {here}: 01_b.ipynb (0.0)"
    assert "its first cell" in finding.advice


def test_slow_products_are_a_note(monkeypatch):
    assert module.speed().state in (FINE, NOTE)
    clock = iter(range(100))
    monkeypatch.setattr(module.time, "perf_counter", lambda: float(next(clock)))
    assert module.speed().state == NOTE


def test_from_a_terminal_the_exit_status_tells(tmp_path):
    def run(**environment):
        return subprocess.run(
            [sys.executable, "-m", "nn_helpers", "doctor"], env={**os.environ, **environment}, text=True,
            capture_output=True, encoding="utf-8",
        )  # fmt: skip

    fine = run(PYTHONIOENCODING="utf-8")
    assert fine.returncode == 0, fine.stdout
    assert "in order" in fine.stdout
    trouble = run(CIFAR10_DIR=str(Path(tmp_path, "nowhere")), PYTHONIOENCODING="utf-8")
    assert trouble.returncode == 1
    assert "needs your attention" in trouble.stdout
