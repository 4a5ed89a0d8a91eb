"""What a lesson computes with PyTorch; where that is not installed, what it came to when it was saved."""

import json
import os
from datetime import date
from pathlib import Path

import numpy as np

from nn_helpers.course.source import source_folder

SAVING = "NN_HELPERS_SAVES_TO"  # the file to keep results in; tools.run_notebooks says which
FILE = "09_pytorch.json"


class NoPyTorchError(RuntimeError):
    """There is no PyTorch and no saved result. A notebook shows the sentence, and no traceback."""

    def _render_traceback_(self):  # IPython asks for it
        return [str(self)]


def with_pytorch(name, compute):
    """Return ``compute(torch)``, or, without PyTorch, what that came to when the lesson was saved.

    In the second case a line is printed that says so.

    Parameters
    ----------
    name : str
        What the result is called.
    compute : function (torch) -> number, or list or dict of numbers

    Raises
    ------
    NoPyTorchError
        Without PyTorch, for a result that is not the lesson's.
    """
    saving = os.environ.get(SAVING)
    try:
        import torch
    except (ImportError, OSError) as error:
        missing = isinstance(error, ModuleNotFoundError)
        why = "is not installed" if missing else f"cannot be imported ({error})"
        saved = _saved(source_folder() / FILE)
        if saving or name not in saved:
            raise NoPyTorchError(
                f"PyTorch {why}, and this needs it: `pip install torch` brings it."
            ) from None
        print(
            f"PyTorch {why}. In place of {name} this shows what was saved on {saved[name]['on']}, with "
            f"PyTorch {saved[name]['torch']} and the sketches, whatever you change here."
        )
        return saved[name]["result"]
    torch.set_num_threads(1)  # two take longer to meet than these small products
    result = compute(torch)
    if saving:
        _save(Path(saving), name, result, torch.__version__.partition("+")[0])
    return result


def _save(path, name, result, version):
    """Keep a result, unless the one that is kept agrees with it."""
    saved = _saved(path)
    if name in saved and _agree(saved[name]["result"], result):
        return
    saved[name] = {"on": date.today().isoformat(), "torch": version, "result": result}
    lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in saved.items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _saved(path):
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _agree(a, b):
    try:
        return np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-6, atol=1e-9)  # two processors do
    except (TypeError, ValueError):  # dicts, texts, or lists of other lengths
        return a == b
