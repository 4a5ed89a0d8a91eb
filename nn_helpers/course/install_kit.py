"""Install the lessons, without network, from the folder that this file is in: python install.py [FOLDER]."""

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

PYTHON = ".".join(map(str, sys.version_info[:2]))
MACHINES = {"Linux": "x86_64", "macOS": "arm64", "Windows": "AMD64"}
PLACE = "nn-lessons"


def main(folder=PLACE):
    """Make an environment in a folder, and the lessons beside it."""
    kit, folder = Path(__file__).resolve().parent, Path(folder).absolute()
    about = json.loads((kit / "kit.json").read_text(encoding="utf-8"))
    system = platform.system().replace("Darwin", "macOS")
    if platform.machine() != MACHINES.get(system):
        known = ", ".join(f"{name} on {machine}" for name, machine in MACHINES.items())
        sys.exit(f"This is {system} on {platform.machine()}, and the kit is for {known}.")
    if PYTHON not in about["pythons"]:
        known = " or ".join(about["pythons"])
        sys.exit(f"This is Python {PYTHON}, and the kit is for {known}. Start install.py with that one.")
    if folder.exists() and not (folder / ".venv").is_dir() and (folder.is_file() or os.listdir(folder)):
        sys.exit(f"{folder} is there already. Name another folder: python install.py FOLDER")
    scripts = folder / ".venv" / ("Scripts" if os.name == "nt" else "bin")
    print(f"Installing the lessons into {folder}. This takes a minute or two.", flush=True)
    run("no environment could be made", sys.executable, "-m", "venv", folder / ".venv")
    run(
        "the packages could not be installed",
        scripts / "python", "-m", "pip", "--isolated", "--disable-pip-version-check", "install", "-q",
        "--no-index", "--find-links", kit / "wheels", f"nn-helpers=={about['version']}",
    )  # fmt: skip
    if (kit / "data").is_dir():
        shutil.copytree(kit / "data", folder / "data", dirs_exist_ok=True)
    command = scripts / "nn-helpers"
    run("the lessons could not be copied", command, "lab", "--copy-only", folder / "my_lessons")
    print(f'Done. Open the lessons with\n\n    cd "{folder}"\n    {command.relative_to(folder)} lab\n')


def run(otherwise, *command):
    """Run a program; if it fails, it has said why, and this says what it was for."""
    if subprocess.run(list(map(str, command))).returncode:
        sys.exit(f"Not installed: {otherwise}. The lines above say why.")


if __name__ == "__main__":
    main(*sys.argv[1:2])
