"""Measure what each fault of the clinic reads, on many seeds: writes nn_helpers/course/symptoms.json.

`python -m benchmarks.symptoms` takes some minutes. It ends with the pairs of faults that no instrument tells
apart, and with how many unseen cases the table names, by all instruments and by the loss curve alone.
"""

import argparse
import json
from itertools import combinations

import numpy as np

from nn_helpers.course.clinic import FAULTS, HERE, planted
from nn_helpers.course.patient import INSTRUMENTS, Parts, Patient, reading


def readings(name, seed):
    """Return what all instruments read, by number, of a fault, or of a healthy training."""
    patient = Patient(planted(name) if name in FAULTS else Parts(), seed)
    return {f"{i}: {key}": v for i in INSTRUMENTS for key, v in reading(patient, i)[0].items()}


def write(rows):
    """Write the table, and return the values of all seeds, by fault and number."""
    values = {name: {key: [row[key] for row in own] for key in own[0]} for name, own in rows.items()}
    table = {name: spans(each) for name, each in values.items()}
    text = json.dumps(table, indent=0, ensure_ascii=False) + "\n"
    (HERE / "symptoms.json").write_text(text, encoding="utf-8")
    return values


def spans(values):
    """Return (lowest, median, highest) of each number, to four digits."""
    return {
        key: [float(f"{f(each):.4g}") for f in (np.min, np.median, np.max)] for key, each in values.items()
    }


def not_told_apart(table):
    """Return the pairs whose readings overlap in every number."""
    return [
        (a, b)
        for a, b in combinations(table, 2)
        if all(table[a][n][0] <= table[b][n][2] and table[b][n][0] <= table[a][n][2] for n in table[a])
    ]


def named(values, numbers, learned):
    """Return the share of cases that their nearest fault names, by some numbers, from the first seeds."""
    scale = {n: np.std(np.concatenate([size(each[n]) for each in values.values()])) + 1e-9 for n in numbers}
    faults, right = list(FAULTS), []
    middle = {f: {n: np.median(size(values[f][n])[:learned]) for n in numbers} for f in faults}
    for fault in faults:
        for case in range(learned, len(values[fault][numbers[0]])):
            far = [
                sum(abs(size(values[fault][n][case]) - middle[f][n]) / scale[n] for n in numbers)
                for f in faults
            ]
            right.append(faults[int(np.argmin(far))] == fault)
    return np.mean(right)


def size(values):
    """Return numbers on a scale on which 0.01 and 0.1 are as far apart as 10 and 100."""
    return np.sign(values) * np.log10(1 + 1e4 * np.abs(values))


def main():
    """Measure, write the table, and print how well it tells the faults apart."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    seeds, rows = range(parser.parse_args().seeds), {name: [] for name in ("healthy", *FAULTS)}
    for seed in seeds:
        for name, own in rows.items():
            own.append(readings(name, seed))
        print(f"seed {seed}", flush=True)
        write(rows)
    values = write(rows)
    table = {name: spans(each) for name, each in values.items()}
    print("not told apart:", not_told_apart(table) or "none")
    numbers, learned = list(values["healthy"]), len(seeds) // 2
    curves = [n for n in numbers if n.startswith("curves")]
    for what, own in (("all instruments", numbers), ("the curves alone", curves)):
        share, cases = named(values, own, learned), len(FAULTS) * (len(seeds) - learned)
        print(f"named by {what}: {share:.0%} of {cases} cases")


if __name__ == "__main__":
    main()
