"""The project around the package: what is installed, what the Makefile does, and how a lesson is saved."""

import base64
import io
import json
import operator
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from packaging.requirements import Requirement
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from processes import run_python

import nn_helpers
from nn_helpers.course.lesson import edition
from nn_helpers.exercises import check
from tools import run_notebooks as tool
from tools.minutes import write_minutes
from tools.reference import PAGES, TERMS

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))

needs_sh = pytest.mark.skipif(os.name == "nt", reason="make and sh are for Linux and macOS")


def ranges(requirements):
    """{name: range} of requirement lines such as "numpy>=2.0,<3"."""
    parsed = [Requirement(line) for line in requirements]
    return {requirement.name.lower(): requirement.specifier for requirement in parsed}


def requirements_txt():
    lines = [
        line.split("#")[0].strip()
        for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    ]
    return [line for line in lines if line]


def environment_yml():
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]


# What is installed


def test_conda_and_pip_install_the_same_packages_in_the_same_ranges():
    from_pip = ranges(line for line in requirements_txt() if not line.startswith("-"))
    from_conda = ranges(line for line in environment_yml() if isinstance(line, str))
    assert from_conda.pop("pip") == Requirement("pip").specifier
    assert (
        from_conda.pop("python") == Requirement(f"python{PYPROJECT['project']['requires-python']}").specifier
    )
    assert from_conda == from_pip


def test_conda_and_pip_install_the_module_from_this_folder():
    assert [line for line in requirements_txt() if line.startswith("-")] == ["-e ."]
    assert [line for line in environment_yml() if isinstance(line, dict)] == [{"pip": ["-e ."]}]


def test_services_install_what_the_lessons_need_and_make_the_learners_copy():
    make_copy = "python -m nn_helpers lab --copy-only"
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    assert container["updateContentCommand"] == f"pip install -r requirements.txt && {make_copy}"
    assert container["customizations"]["codespaces"]["openFiles"] == [f"my_lessons/{LESSONS[0].name}"]
    assert (ROOT / ".binder/requirements.txt").read_text(encoding="utf-8") == "-r ../requirements.txt\n"
    assert (ROOT / ".binder/postBuild").read_text(encoding="utf-8").endswith(f"exec {make_copy}\n")
    assert os.access(ROOT / ".binder/postBuild", os.X_OK)


def test_an_editable_install_writes_no_path_into_a_pth_file():
    assert PYPROJECT["tool"]["hatch"]["build"]["dev-mode-exact"]


def test_what_the_module_needs_is_among_the_requirements():
    needed = ranges(PYPROJECT["project"]["dependencies"])
    assert needed
    assert needed.items() <= ranges(line for line in requirements_txt() if not line.startswith("-")).items()


def test_requirements_have_an_upper_bound_and_nbval_is_exact():
    for name, specifier in ranges(line for line in requirements_txt() if not line.startswith("-")).items():
        operators = {part.operator for part in specifier}
        assert operators == ({"=="} if name == "nbval" else {">=", "<"}), name


def test_version_is_said_once():
    assert "version" not in PYPROJECT["project"]
    said = (ROOT / PYPROJECT["tool"]["hatch"]["version"]["path"]).read_text(encoding="utf-8")
    assert f'__version__ = "{nn_helpers.__version__}"' in said


# import nn_helpers


def test_import_loads_numpy_and_nothing_heavier():
    loaded = set(run_python("import sys, nn_helpers; print(*sys.modules)").split())
    assert "numpy" in loaded
    heavy = {
        "matplotlib",
        "PIL",
        "ipywidgets",
        "IPython",
        "filelock",
        "platformdirs",
        "requests",
        "tqdm",
        "asyncio",
        "hypothesis",
        "joblib",
        "sklearn",
    }
    assert not loaded & heavy


def test_import_takes_little_longer_than_numpy():
    timed = (
        "import time, numpy; start = time.process_time(); "  # not the wall's clock: the machine may be busy
        "import nn_helpers; print(time.process_time() - start)"
    )
    assert min(float(run_python(timed)) for _ in range(5)) < 0.15


# The committed lessons


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name)
def test_lesson_is_saved_as_make_notebooks_saves_it(path):
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert complaints(notebook) == []
    assert text == tool.as_text(notebook)


def complaints(notebook):
    """Return, as sentences, what `make notebooks` would have saved differently."""
    found = []
    if set(notebook.metadata) != {"kernelspec", "language_info"}:
        found.append("the notebook has more metadata")
    if set(notebook.metadata.get("kernelspec", {}).values()) != {"Python 3 (ipykernel)", "python", "python3"}:
        found.append("the kernel is another one")
    if notebook.metadata.get("language_info") != {"name": "python"}:
        found.append("the language's version is saved")
    if "widgets" in notebook.metadata:
        found.append("the state of widgets is saved")
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        found.append("the cells were not run from top to bottom in one go")
    if any(set(cell.metadata) - {"tags", "beyond"} for cell in notebook.cells):
        found.append("a cell has other metadata than tags and whether it is beyond the core path")
    for number, cell in enumerate(cells, 1):
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"cell {number} raised an error")
            if output.get("name") == "stderr":
                found.append(f"cell {number} wrote to stderr")
            if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
                found.append(f"cell {number} shows a widget that is not there")
    return found


def test_complaints_name_every_fault():
    cell = new_code_cell("1 / 0", execution_count=3, metadata={"jupyter": {}})
    cell.outputs = [
        new_output("error", ename="ZeroDivisionError", evalue="division by zero"),
        new_output("stream", name="stderr", text="a warning"),
        new_output("display_data", {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}}),
    ]
    notebook = new_notebook(
        cells=[cell], metadata={"widgets": {}, "language_info": {"name": "python", "version": "3"}}
    )
    assert len(complaints(notebook)) == 9


DETAILS = {
    "a path": r"(?<![\w.:])/(home|Users|root|tmp|var|usr|opt|private|work)/|[A-Z]:\\|site-packages",
    "an address": r"0x[0-9a-fA-F]{6}",
    "a kernel": r"ipykernel",
    "a version": r"\d+\.\d+\.\d+",
    "a time": r"\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d",
}
FIGURE = {b"IHDR", b"pHYs", b"IDAT", b"IEND"}  # a PNG's parts, without those that hold text


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name)
def test_a_lesson_tells_nothing_of_the_machine_it_was_run_on(path):
    assert details(nbformat.read(path, as_version=4)) == []


def details(notebook):
    """Return, as sentences, what the outputs of a notebook reveal of a machine."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            words = [output.get("text", ""), *(data[kind] for kind in data if not kind.startswith("image"))]
            said = "\n".join(map(str, words))
            found += [f"{what}: {said}" for what, pattern in DETAILS.items() if re.search(pattern, said)]
            if not png_chunks(base64.b64decode(data.get("image/png", ""))) <= FIGURE:
                found.append("a figure with text in its file")
    return found


def png_chunks(png):
    at, chunks = 8, set()
    while at < len(png):
        chunks.add(png[at + 4 : at + 8])
        at += 12 + int.from_bytes(png[at : at + 4], "big")
    return chunks


def test_every_detail_of_a_machine_is_noticed():
    file, text = io.BytesIO(), PngInfo()
    text.add_text("Software", "Matplotlib")
    Image.new("RGB", (8, 8)).save(file, "png", pnginfo=text)
    for output in (
        new_output("stream", name="stdout", text="in /home/me/.venv"),
        new_output("stream", name="stdout", text=r"in C:\Users\me"),
        new_output("stream", name="stdout", text="took from 10:31:07 on"),
        new_output("execute_result", {"text/plain": "<object at 0x7f0123456789>"}),
        new_output("execute_result", {"text/html": "<p>NumPy 2.4.6</p>"}),
        new_output("execute_result", {"text/html": "<p>ipykernel_launcher.py</p>"}),
        new_output("display_data", {"image/png": base64.b64encode(file.getvalue()).decode()}),
    ):
        assert len(details(new_notebook(cells=[new_code_cell(outputs=[output])]))) == 1


# tools/run_notebooks.py and tools/minutes.py


def save(path, *sources):
    notebook = new_notebook(cells=[new_markdown_cell("# A lesson"), *map(new_code_cell, sources)])
    nbformat.write(notebook, path)
    return path


def run_notebooks(*paths):
    command = [sys.executable, "-m", "tools.run_notebooks", *paths]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False
    )


def test_a_second_run_changes_nothing_and_a_lesson_with_a_fault_is_left_as_it_was(
    tmp_path, monkeypatch, capsys
):
    faults = {
        "raises": ("1 / 0", "ZeroDivisionError"),
        "warns": ("import warnings as w\nw.simplefilter('always')\nw.warn('mind')", "cell 2 wrote to stderr"),
    }
    bad = {
        save(tmp_path / f"{name}.ipynb", "print('before')", fault[0]): fault[1]
        for name, fault in faults.items()
    }
    lesson = save(
        tmp_path / "lesson.ipynb",
        'import nn_helpers\nnn_helpers.lesson(written_for="0.0")',
        "import matplotlib.pyplot as plt\nimport ipywidgets\nx = 'θ'\nx",
        "print(x, flush=True)\nprint(x)",
        "",
        "plt.plot([1, 2])\nplt.show()",
        "ipywidgets.FloatSlider()",
    )
    cells = nbformat.read(lesson, as_version=4).cells
    before = {path: path.read_bytes() for path in bad}
    first = run_notebooks(*bad, lesson)
    assert (first.returncode, first.stdout) == (1, "lesson.ipynb: saved\n"), first.stderr
    for path, reason in bad.items():
        assert path.read_bytes() == before[path]
        said = first.stderr.partition(f"{path.name}: left as it was: ")[2].partition("left as it was")[0]
        assert reason in said
    saved, notebook = lesson.read_bytes(), nbformat.read(lesson, as_version=4)
    assert complaints(notebook) == []
    assert [cell.id for cell in notebook.cells] == [cell.id for cell in cells]
    assert [len(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"] == [0, 1, 1, 0, 1, 1]
    here = edition(nn_helpers.__version__)
    assert notebook.cells[1].source.endswith(f'nn_helpers.lesson(written_for="{here}")')
    assert "image/png" in notebook.cells[5].outputs[0].data
    assert notebook.cells[6].outputs[0].data["text/plain"] == "FloatSlider(value=0.0)"
    assert b"\r" not in saved
    assert saved.endswith(b"}\n")
    assert "θ".encode() in saved

    monkeypatch.setattr(sys, "argv", ["run_notebooks", str(lesson)])
    assert tool.main() == 0
    assert capsys.readouterr().out == "lesson.ipynb: unchanged\n"
    assert lesson.read_bytes() == saved
    assert sorted(tmp_path.iterdir()) == sorted([*bad, lesson])


def test_glossary_formulas_and_answers_are_up_to_date_and_use_names_that_exist():
    for path, page in PAGES.items():
        assert path.read_text(encoding="utf-8") == page(), "run python -m tools.reference"
    names = [name for term in TERMS for name in (term["term"], *term.get("also", ()))]
    assert len(names) == len({name.lower() for name in names})
    for term in TERMS:
        assert (
            {"term", "lesson", "says"} <= set(term) <= {"term", "also", "lesson", "code", "formula", "says"}
        )
        assert operator.attrgetter(term.get("code", "train"))(nn_helpers)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term["term"])
def test_a_term_is_said_in_the_lesson_that_the_glossary_names(term):
    text = next(path for path in LESSONS if path.name.startswith(term["lesson"])).read_text(encoding="utf-8")
    text = " ".join(text.replace('\\n",\n    "', " ").split()).lower()
    stem = term["term"].lower().removesuffix("s").removesuffix(" rate")
    assert stem in text or any(word.lower() in text for word in term.get("also", ()))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_says_how_long_it_takes_by_the_rule(path):
    notebook = nbformat.read(path, as_version=4)
    before = [cell.source for cell in notebook.cells]
    write_minutes(notebook)
    assert [cell.source for cell in notebook.cells] == before


def test_minutes_come_from_words_lines_and_exercises():
    words, exercise = "word " * 650, "def relu_forward(z):\n    ...\n\n\ncheck(relu_forward)"
    beyond = new_markdown_cell(f"## Two\n\n{words}", metadata={"beyond": True})
    notebook = new_notebook(
        cells=[
            new_markdown_cell(f"# A lesson\n\n{words}"),
            new_markdown_cell("## One\n\n### Exercise 1"),
            new_code_cell(exercise),
            new_code_cell("x = 1\n" * 80, metadata={"tags": ["claims"]}),
            beyond,
            new_code_cell("x = 1\n" * 32),
        ]
    )
    write_minutes(notebook)
    write_minutes(notebook)
    assert [cell.source.split("\n")[2] for cell in notebook.cells[:2]] == [
        "*About 12 minutes; 21 with the parts beyond the core path*",
        "*7 minutes*",
    ]
    assert beyond.source.startswith("## Two\n\n*9 minutes · beyond the core path*\n\nword")


def test_a_lesson_that_hangs_is_left_as_it_was(tmp_path, monkeypatch, capsys):
    lesson = save(tmp_path / "hangs.ipynb", "import time\ntime.sleep(60)")
    before = lesson.read_bytes()
    monkeypatch.setattr(sys, "argv", ["run_notebooks", str(lesson), "--timeout=1"])
    assert tool.main() == 1
    assert "hangs.ipynb: left as it was: a cell took longer than 1 s" in capsys.readouterr().err
    assert lesson.read_bytes() == before
    assert list(tmp_path.iterdir()) == [lesson]


def normalise_figure(new, old, tags=(), old_code="plot()"):
    cell = new_code_cell("plot()", outputs=[new_output("display_data", {"image/png": new})])
    cell.metadata["tags"] = list(tags)
    notebook = new_notebook(cells=[cell])
    tool.normalise(notebook, {(cell.id, 0): (old_code, old)})
    return notebook.cells[0].outputs[0].data["image/png"]


def test_a_figure_is_replaced_only_when_its_pixels_change():
    red, red_in_other_bytes, blue = png("red", 9), png("red", 0), png("blue", 9)
    assert red != red_in_other_bytes
    assert normalise_figure(red, red_in_other_bytes) == red_in_other_bytes
    assert normalise_figure(blue, red) == blue


def test_a_figure_of_measured_time_is_replaced_only_when_its_code_changes():
    red, blue = png("red", 9), png("blue", 9)
    assert normalise_figure(blue, red, tags=["shows-time"]) == red
    assert normalise_figure(blue, red, tags=["shows-time"], old_code="old()") == blue


def png(colour, compress_level):
    file = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "png", compress_level=compress_level)
    return base64.b64encode(file.getvalue()).decode()


# README.md


def test_the_readme_shows_what_check_says():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code, shown = re.search(r"```python\n(def .*?)```.*?```\n(.*?)```", text, re.DOTALL).groups()
    names = {}
    exec(code, names)
    said = str(check(names["affine_backward"])).splitlines()
    assert [line for line in shown.splitlines() if line not in said] == ["    …"]


# Makefile and tools/make_venv.sh


def targets():
    return set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "TEACHING.md"])
def test_every_make_target_that_is_named_exists(page):
    named = set(re.findall(r"(?m)(?:`|^)make ([a-z][\w-]*)", (ROOT / page).read_text(encoding="utf-8")))
    assert {"lab", "test"} <= targets()
    assert named <= targets()


@needs_sh
def test_make_alone_explains_every_target():
    shown = subprocess.run(["make", "-s", "-C", ROOT], check=True, capture_output=True, text=True).stdout
    assert set(re.findall(r"^  make (\S+) +\S", shown, re.M)) == targets()


@needs_sh
def test_make_lab_opens_the_learners_copy_and_passes_options_on():
    command = [
        "make",
        "-n",
        "-C",
        ROOT,
        "-o",
        ".venv/.lessons-ready",
        "LESSONS_READY=.venv/.lessons-ready",
        "lab",
    ]
    shown = subprocess.run([*command, "LAB_ARGS=--no-browser"], check=True, capture_output=True, text=True)
    assert ".venv/bin/python -m nn_helpers lab --no-browser" in shown.stdout


def test_git_leaves_the_learners_copy_alone():
    assert "my_lessons/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def make_venv(folder, path, *python):
    """Run make_venv.sh in `folder` with only `path` to find a Python on, besides the system's own tools."""
    bin_folder = folder / "tools on the path"
    bin_folder.mkdir(exist_ok=True)
    for name in ("rm", "sh", "dirname"):
        if not (bin_folder / name).exists():
            (bin_folder / name).symlink_to(shutil.which(name))
    return subprocess.run(
        ["/bin/sh", ROOT / "tools" / "make_venv.sh", *python],
        cwd=folder,
        env={"PATH": f"{path}:{bin_folder}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def executable(path, script):
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def has_pip(folder):
    probe = [folder / ".venv" / "bin" / "python", "-m", "pip", "--version"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


BASE_PYTHON = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"


# A Python whose `venv` copies pip from a folder: installing it a second time takes longer than all the rest.
PYTHON_WITH_PIP = f"""
if [ "$2" = venv ]; then
    "{BASE_PYTHON}" "$@" --without-pip && {{cp}} -R "{{kept}}/." .venv/lib/python*/site-packages/
else
    exec "{BASE_PYTHON}" "$@"
fi
"""


@needs_sh
@pytest.mark.skipif(not BASE_PYTHON.exists(), reason=f"{BASE_PYTHON} is not there")
def test_make_venv_mends_what_was_interrupted_and_passes_over_bad_pythons(tmp_path):
    folder = tmp_path / "with a space and ü"
    on_path, nothing = folder / "bin", folder / "nothing here"
    subprocess.run([BASE_PYTHON, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    (site,) = folder.glob(".venv/lib/python*/site-packages")
    for file, content in {
        "pip-23.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: pip\nVersion: 23.0\n",
        "pip/__init__.py": "__version__ = '23.0'\n",
    }.items():  # pip was being unpacked when the power went
        (site / file).parent.mkdir()
        (site / file).write_text(content)
    made = make_venv(folder, nothing)  # needs no Python on the path
    assert made.returncode == 0, made.stderr
    assert has_pip(folder)
    again = make_venv(folder, nothing)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")

    kept = shutil.copytree(site, tmp_path / "kept")
    for python in folder.glob(".venv/bin/python*"):
        python.unlink()
        python.symlink_to(tmp_path / "a Python that was uninstalled")
    executable(on_path / "python3", "echo 'pyenv: python3: command not found' >&2; exit 127")
    executable(on_path / "python3.14", "exit 1")  # what `sys.version_info < (3, 11)` gives for an old Python
    executable(on_path / "python3.12", PYTHON_WITH_PIP.format(kept=kept, cp=shutil.which("cp")))
    made = make_venv(folder, on_path)
    assert made.returncode == 0, made.stderr
    assert has_pip(folder)


@needs_sh
def test_make_venv_says_so_when_there_is_no_python(tmp_path):
    executable(tmp_path / "bin" / "python3", "exit 1")
    for python in ([], [""]):
        result = make_venv(tmp_path, tmp_path / "bin", *python)
        assert result.returncode == 1
        assert "No Python 3.11 or newer found" in result.stderr
    result = make_venv(tmp_path, tmp_path / "bin", "python2")
    assert result.returncode == 1
    assert "python2 is not a Python 3.11 or newer" in result.stderr
    assert not (tmp_path / ".venv").exists()


@needs_sh
def test_make_venv_names_the_package_debian_needs(tmp_path):
    executable(
        tmp_path / "bin" / "python3",
        'if [ "$1" = -m ]; then echo "ensurepip is not available" >&2; exit 1; fi',
    )
    result = make_venv(tmp_path, tmp_path / "bin")
    assert result.returncode == 1
    assert "ensurepip is not available" in result.stderr
    assert "apt install python3-venv" in result.stderr
