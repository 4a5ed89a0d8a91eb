"""JupyterLab on the learner's lessons, with settings that suit them; nobody's own are changed."""

import importlib.util
import json
import os
import sys
from pathlib import Path

from nn_helpers.course.source import reinstall
from nn_helpers.course.standing import current, standings
from nn_helpers.course.work_copy import MARKER, make, write
from nn_helpers.support import record

# Jupyter's own files of settings, read because JUPYTER_CONFIG_PATH names their folder. They are defaults:
# what somebody chooses in JupyterLab comes first. nbdime merges lessons here; its buttons compare with git.
SETTINGS = {
    "labconfig/default_setting_overrides.json": {
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}
    },
    "labconfig/page_config.json": {"disabledExtensions": {"nbdime-jupyterlab": True}},
    "jupyter_server_config.d/nn_helpers.json": {"ServerApp": {"jpserver_extensions": {"nbdime": False}}},
}
# The first time, the lesson's contents stand beside it. From then on JupyterLab keeps here how it was left.
WORKSPACE = {
    "metadata": {"id": "default"},
    "data": {
        "layout-restorer:data": {
            "left": {
                "collapsed": False,
                "visible": True,
                "current": "@jupyterlab/toc:plugin",
                "widgets": ["filebrowser", "running-sessions", "@jupyterlab/toc:plugin"],
            },
            "relativeSizes": [0.2, 0.8, 0],
        }
    },
}


def open_lab(folder=None, options=()):
    """Make the work copy, or bring it up to date, and run JupyterLab on it until it is shut down.

    Parameters
    ----------
    folder : str or Path, optional
        The work copy; without it the one that this is run in, or my_lessons in the current folder.
    options : sequence of str
        More options for JupyterLab.

    Raises
    ------
    ValueError
        If JupyterLab is not installed.
    OSError
        If the folder belongs to something else, or cannot be written.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise ValueError(f"JupyterLab is not installed; {reinstall()} installs it")
    folder = work_copy_here() if folder is None else Path(folder)
    for sentence in make(folder):
        print(sentence, flush=True)
    folder = folder.absolute()
    os.environ.update(environment(folder))
    from jupyterlab.labapp import main  # reads the environment

    main([f"--ServerApp.root_dir={folder}", f"--LabApp.default_url=/lab/tree/{first_page(folder)}", *options])


def work_copy_here():
    """Return the work copy that commands are about when none is named; a folder inside one means that one."""
    around = (folder for folder in Path().absolute().parents if (folder / MARKER).is_dir())
    return record.home() or next(around, Path("my_lessons"))


def environment(folder):
    """Write the settings of a work copy's JupyterLab; return the variables that lead it there."""
    home = folder / MARKER / "jupyter"
    for name, settings in SETTINGS.items():
        _write_if_new(home / "config" / name, json.dumps(settings, indent=1))
    workspaces = home / "workspaces"
    if not workspaces.exists():
        from jupyterlab_server.workspaces_handler import WorkspacesManager

        WorkspacesManager(str(workspaces)).save("default", json.dumps(WORKSPACE))
    return {
        "JUPYTER_CONFIG_PATH": _before(home / "config", "JUPYTER_CONFIG_PATH"),
        "PATH": _before(Path(sys.executable).parent, "PATH"),  # nn-helpers, in JupyterLab's terminals
        "JUPYTERLAB_WORKSPACES_DIR": str(workspaces),
        "NN_HELPERS_MY_LESSONS": str(folder),
    }


def _before(folder, variable):
    """Return the folders of an environment variable, with one before them."""
    return os.pathsep.join(filter(None, [str(folder), os.environ.get(variable)]))


def _write_if_new(path, text):
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, text.encode())


def first_page(folder):
    """Return the file name of the lesson to open: where the learner goes on, or the first."""
    number = current(standings()).lesson if (folder / record.FILE).exists() else "00"
    lessons = sorted(folder.glob(f"{number}_*.ipynb")) or sorted(folder.glob("*.ipynb"))
    if not lessons:
        raise FileNotFoundError(f"{folder} has no lesson that could be opened")
    return lessons[0].name
