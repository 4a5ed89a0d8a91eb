"""Where the lessons come from: a clone of the project, or an installed package, which carries them."""

import importlib.util
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
# A wheel is built from a clone, so these are the same lessons.
CARRIED, CLONED = PACKAGE / "lessons", PACKAGE.parent / "notebooks"


def source_folder():
    """Return the folder of the lessons that came with this package."""
    for folder in (CARRIED, CLONED):
        if any(folder.glob("00_*.ipynb")):
            return folder
    raise FileNotFoundError(f"the lessons are not beside nn_helpers; {reinstall()} brings them")


def reinstall():
    """Return the command that installs anew, or in its newest version, what runs here."""
    if (PACKAGE.parent / "requirements.txt").is_file():
        return "pip install -r requirements.txt"
    if importlib.util.find_spec("pip"):
        return "pip install --upgrade --force-reinstall nn-helpers"
    return "uvx --refresh nn-helpers@latest lab"  # uv's environments have no pip
