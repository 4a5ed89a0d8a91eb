"""Feed generated inputs to all that reads what others wrote, and see that only documented errors come out.

`make fuzz` runs it: the readers of CIFAR-10's binary and Python layouts, and of the files of networks and
trainings. An input fails when anything undocumented comes of it: another
exception, a warning, a hang, a lot of memory, a file written outside of the temporary folder, a program
started, a connection made, a right input refused or a wrong one accepted.

Input number n of a target is made from the seed and n alone: ``--target … --seed … --only n`` runs it again.
"""

import argparse
import json
import mmap
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parent.parent
INPUTS = 200_000
# Of all inputs; the slower ones get fewer.
SHARES = {"copies": 0.18, "pickles": 0.38, "networks": 0.23, "checkpoints": 0.21}
AT = "at"  # the file in which the worker says where it is


def make_targets(folder):
    """Yield each target, made when its turn comes, with a folder of its own."""
    from fuzzing.copies import Copies
    from fuzzing.networks import Checkpoints, Networks
    from fuzzing.pickles import Pickles

    for kind in (Copies, Pickles, Networks, Checkpoints):
        (folder / kind.name).mkdir(exist_ok=True)
        yield kind.name, lambda kind=kind: kind(folder / kind.name)


def shares(inputs, names):
    """Return how many of `inputs` each target gets; together they are all."""
    total = sum(SHARES[name] for name in names)
    counts = {name: int(inputs * SHARES[name] / total) for name in names}
    counts[names[0]] += inputs - sum(counts.values())
    return counts


def random_for(seed, name):
    """Return the function that gives each input of a target its own generator."""
    return lambda number: Random(f"{seed} {name} {number}")


# The worker: one process for all targets, so that a crash ends that process and not the report


def work(folder, seed, counts, only, failures, only_save=False):
    """Run targets one after the other; print what was seen of each as one line of JSON."""
    from fuzzing.watching import Watch, fuzz

    with open(folder / AT, "r+b") as file:
        at = mmap.mmap(file.fileno(), 8)

    def tell(number):
        at[:] = struct.pack("<q", number)

    watch = Watch(folder)
    watch.install()
    os.fsync = lambda descriptor: None  # nothing here has to outlive the power
    for name, make in make_targets(folder):
        if name not in counts:
            continue
        tell(-1)
        target, make_random = make(), random_for(seed, name)
        if only_save:
            save(failure_folder(failures, name, seed, only), target.generate(make_random(only)))
            continue

        def failed(number, given, name=name):
            return str(save(failure_folder(failures, name, seed, number), given))

        numbers = range(counts[name]) if only is None else [only]
        seen = fuzz(target, numbers, make_random, watch, tell, failed)
        print(json.dumps({"name": name, **vars(seen)}), flush=True)


def failure_folder(failures, name, seed, number):
    """Return the folder for an input that failed."""
    return Path(failures) / f"{name}-{seed}-{number}"


def save(folder, given):
    """Write an input to a folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "input.json").write_text(json.dumps({"kind": given.kind, "options": given.options}, indent=1))
    for name, content in given.files.items():
        path = folder / name
        path.mkdir(exist_ok=True) if content is None else path.write_bytes(content)
    return folder


# The report


def run(options):
    """Start workers until every target was run; return the exit status."""
    counts = shares(options.inputs, options.target)
    failed = total = 0
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # ten times as fast as a disk
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=memory) as folder:
        while counts:
            (Path(folder) / AT).write_bytes(bytes(8))
            for seen in worker(folder, counts, options):
                total += seen["inputs"]
                failed += sum(failure["times"] for failure in seen["failures"])
                del counts[seen["name"]]
                show(seen, options)
            if counts:  # it ended before its time
                name = next(name for name in SHARES if name in counts)
                (number,) = struct.unpack("<q", (Path(folder) / AT).read_bytes())
                failed, _ = failed + 1, counts.pop(name)
                print(f"{name}: FAILED, the process ended", end=" ")
                if number < 0:
                    print("before the first input")
                    continue
                print(f"at input {number}\n    {again(name, number, options)}", end="")
                print(
                    f"; saved in {failure_folder(options.failures, name, options.seed, number)}", flush=True
                )
                list(worker(folder, {name: 1}, options, only=number, only_save=True))
    print(f"{total:,} inputs, {failed:,} unexpected")
    return 1 if failed else 0


def worker(folder, counts, options, **job):
    """Run a worker and yield what it saw of each target."""
    job = {"counts": counts, "only": options.only, **job}
    job |= {"seed": options.seed, "failures": str(options.failures)}
    kept = {k: v for k, v in os.environ.items() if k not in ("CIFAR10_DIR", "KERAS_HOME", "NN_HELPERS_DATA")}
    home = {"HOME": folder, "USERPROFILE": folder, "XDG_CACHE_HOME": folder, "NN_HELPERS_CACHE": folder}
    home |= {"TMPDIR": folder, "TEMP": folder, "TMP": folder, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-X", "faulthandler", __file__, "--worker", folder, json.dumps(job)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=kept | home, encoding="utf-8") as process:
        for line in process.stdout:
            yield json.loads(line)


def show(seen, options):
    """Print what was seen of one target."""
    outcomes = sorted(seen["outcomes"].items(), key=lambda item: -item[1])
    slow, number = seen["slowest"]
    print(f"{seen['name']}: {seen['inputs']:,} inputs in {seen['seconds']:.0f} s, ", end="")
    print(f"the slowest {slow:.2f} s (number {number}), at most {seen['grown']:.0f} MB more memory")
    for outcome, count in outcomes:
        messages = seen["messages"].get(outcome, {})
        print(f"  {count:8,}  {outcome}" + (f", {len(messages)} different messages" if messages else ""))
        if options.messages and outcome != "FAILED":
            for message, times in sorted(messages.items(), key=lambda item: -item[1]):
                print(f"            {times:8,}  {message}")
    if options.messages:
        print("  of " + "; ".join(f"{kind}: {count:,}" for kind, count in sorted(seen["kinds"].items())))
    for warning, count in seen["warned"].items():
        print(f"  {count:8,}  with {warning}")
    for failure in seen["failures"]:
        print(f"  FAILED {failure['times']:,} times: {failure['what']}  {failure['where']}")
        print(f"    {again(seen['name'], failure['number'], options)}; saved in {failure['saved']}")
        if failure["text"]:
            print("    " + failure["text"].rstrip().replace("\n", "\n    "))
    sys.stdout.flush()


def again(name, number, options):
    """Return the command that runs one input again."""
    return f"python tools/fuzz.py --target {name} --seed {options.seed} --only {number}"


def main(argv=None):
    """Return the exit status: 1 when anything unexpected happened."""
    if argv is None and sys.argv[1:2] == ["--worker"]:
        sys.path[:0] = [str(ROOT), str(ROOT / "tools")]  # this tree's nn_helpers, wherever it is installed
        work(Path(sys.argv[2]).resolve(), **json.loads(sys.argv[3]))
        return 0
    sys.stdout.reconfigure(errors="backslashreplace")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=INPUTS, help=f"of all targets together ({INPUTS:,})")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", nargs="+", choices=SHARES, default=list(SHARES), metavar="NAME",
                        help=f"some of {', '.join(SHARES)}")  # fmt: skip
    parser.add_argument("--only", type=int, metavar="NUMBER", help="run this input of each target alone")
    parser.add_argument("--messages", action="store_true", help="list every message with its count")
    parser.add_argument("--failures", type=Path, default=Path("fuzz-failures"), metavar="FOLDER",
                        help="where failing inputs are saved (fuzz-failures)")  # fmt: skip
    options = parser.parse_args(argv)
    if sys.platform != "linux":
        parser.error("only Linux says what is to be watched")
    options.failures = options.failures.absolute()
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
