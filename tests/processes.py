"""Python in a process of its own."""

import os
import subprocess
import sys


def run_python(code, *arguments):
    """Run a program and return what it printed; pytest shows what it wrote to standard error."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
