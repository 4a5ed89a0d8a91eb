import json
import os
import subprocess
import sys

import costly
import pytest

EVERY = bool(os.environ.get("NN_HELPERS_COSTLY"))  # all of them take a minute or two
FEW = [
    "a GB of zeros", "empty gzips", "gzips of 100 bytes",
    "empty blocks with a code of their own", "one of the files with 10 GB",
    "a length of 400,000 digits", "a length of 290,000 digits", "records of nothing", "a map of holes",
    "a map of holes, as GNU wrote it first", "names of names", "a pickle of tuples in tuples",
]  # fmt: skip
READ = """
import json, re, sys, time
from nn_helpers.data.cifar10 import load_cifar10

began = time.process_time()
try:
    load_cifar10(sys.argv[1])
    said = "accepted"
except (ValueError, OSError) as error:
    said = str(error)
seconds = time.process_time() - began
peak = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())
print(json.dumps([said, seconds, int(peak[1]) / 1000 if peak else 0]))
"""


def read(path):
    """What `load_cifar10` says of a file, in a process of its own; seconds of the processor, and MB."""
    out = subprocess.run(
        [sys.executable, "-c", READ, str(path)], stdout=subprocess.PIPE, text=True, timeout=60, check=True
    )
    return json.loads(out.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is measured with Linux's /proc")
@pytest.mark.parametrize("name", costly.ARCHIVES if EVERY else FEW)
def test_an_archive_that_is_built_to_cost_time_or_memory_is_refused_soon_and_at_little_cost(name, tmp_path):
    path = tmp_path / ("copy.tar" if name.startswith("nothing") else "copy.tar.gz")
    costly.write(name, path)
    said, seconds, megabytes = read(path)
    path.unlink()
    assert f"{path}" in said
    assert seconds < 2
    assert megabytes < 300


def test_fifty_such_archives_can_be_made():
    assert len(costly.ARCHIVES) >= 50
    assert set(FEW) < set(costly.ARCHIVES)
