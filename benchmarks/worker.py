"""One contender in a process of its own: a line with a number of steps in, a line of JSON out.

``python -m benchmarks.worker CONTENDER WORKLOAD``, with a workload's name or its fields as a JSON object; the
parent sets the number of threads in the environment.
"""

import json
import os
import sys
import time

from benchmarks.contenders import CONTENDERS
from benchmarks.workloads import WORKLOADS, Workload


def peak_memory():
    """Return the peak resident memory of this process in bytes, NaN where nothing tells it."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024
    except (OSError, StopIteration):  # not Linux
        pass
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024


def main(contender, workload):
    """Answer requests until the input ends."""
    workload = WORKLOADS[workload] if workload in WORKLOADS else Workload(**json.loads(workload))
    if "torch" in contender:
        import torch

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    runner = CONTENDERS[contender](workload)
    once = runner.predict if workload.predict else runner.step
    for line in sys.stdin:
        steps, results = int(line), []
        began = time.perf_counter()
        for _ in range(steps):
            results.append(once())
        seconds = time.perf_counter() - began
        losses = [] if workload.predict else results
        classes = [int(c) for c in results[0][:100]] if workload.predict and contender != "limit" else []
        answer = {"seconds": seconds / steps, "losses": losses, "classes": classes, "memory": peak_memory()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
