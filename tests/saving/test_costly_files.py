import json
import os
import subprocess
import sys
from pathlib import Path

import costly_files
import pytest

linux = pytest.mark.skipif(sys.platform != "linux", reason="it needs Linux's /proc, and files with holes")
EVERY = bool(os.environ.get("NN_HELPERS_COSTLY"))  # all of them take a minute
FEW = ["a network of 10 GB", "settings with a long name, many times"]
READ = """
import json, re, resource, sys, time, warnings
from pathlib import Path
from costly_files import begin
from nn_helpers import ClassificationNet

warnings.simplefilter("error")
resource.setrlimit(resource.RLIMIT_AS, (4 * 10**9,) * 2)
path, found = sys.argv[1], {}
for way, read in {
    "load": lambda: ClassificationNet.load(path),
    "resume": lambda: begin(resume=path),
    "checkpoint": lambda: begin(checkpoint=path),
}.items():
    began = time.process_time()
    try:
        read()
        said = "taken"
    except (ValueError, OSError) as error:
        said = str(error)
    found[way] = said, time.process_time() - began
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(json.dumps([found, int(peak[1]) / 1000]))
"""
ADVICE = (
    "use another copy", "not an nn_helpers file", "give a file that", "there is no", "of another version",
    "name another path", "choose another path", "must be a file", "begin a new one",
    "ClassificationNet.load reads it",
)  # fmt: skip


def read(path):
    """What each that reads a file says of it, with seconds of the processor; and MB."""
    places = os.pathsep.join(filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")]))
    out = subprocess.run(
        [sys.executable, "-c", READ, str(path)], stdout=subprocess.PIPE, text=True, timeout=60, check=True,
        env={**os.environ, "PYTHONPATH": places},
    )  # fmt: skip
    return json.loads(out.stdout)


@linux
@pytest.mark.parametrize("name", costly_files.FILES if EVERY else FEW)
def test_a_file_that_is_built_to_cost_time_or_memory_is_answered_soon_and_at_little_cost(name, tmp_path):
    path = tmp_path / "run.safetensors"
    costly_files.write(name, path)
    found, megabytes = read(path)
    assert (found["load"][0] == "taken") == (name in costly_files.NETWORKS)
    assert found["resume"][0] != "taken"
    for said, seconds in found.values():
        assert said == "taken" or any(words in said for words in ADVICE), said
        assert len(said) < 2000
        assert seconds < 2
    assert megabytes < 300


def test_fifty_such_files_can_be_made():
    assert len(costly_files.FILES) >= 50
    assert set(FEW) | costly_files.NETWORKS < set(costly_files.FILES)


@linux
def test_a_large_network_whose_bytes_are_all_there_is_read(tmp_path):
    path = tmp_path / "net.safetensors"
    costly_files.write("a network of 30 MB", path)
    with pytest.raises(ValueError, match="of them were ever written"):
        costly_files.ClassificationNet.load(path)
    path.write_bytes(path.read_bytes())
    assert costly_files.ClassificationNet.load(path).input_size == 7_500_000
