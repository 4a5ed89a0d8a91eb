"""Ask `check` about answers that its catalogue was not written for, and print what it says of them.

``python -m benchmarks.answers [--table benchmarks/answers.md] [--show]``

The answers in ``answers.json`` were written from the lessons' text alone, by somebody who had not read the
catalogue: wrong ones with the lines that are wrong, wrong ones with two mistakes, and right but unusual ones.
"""

import argparse
import json
import linecache
import re
import statistics
import time
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.__main__ import machine, to_save
from nn_helpers.exercises.catalogue import EXERCISES
from nn_helpers.exercises.checking.api import check, verdict_of

ANSWERS = Path(__file__).with_name("answers.json")
OUTCOMES = ("named", "located", "line said", "narrowed", "misled", "accepted")


def function_of(answer):
    """Return an answer's function, as if it stood in a notebook below the lessons' other functions."""
    code, name = answer["code"], answer["exercise"]
    file = f"<answer {hash(code)}>"
    linecache.cache[file] = len(code), None, code.splitlines(keepends=True), file
    names = {"np": np, **{other: exercise.ours for other, exercise in EXERCISES.items() if other != name}}
    exec(compile(code, file, "exec"), names)
    return names[name]


def ask(answer):
    """Return what becomes of an answer, the seconds to the first verdict and the last, and the last."""
    f = function_of(answer)
    began = time.perf_counter()
    verdict_of(f)
    first = time.perf_counter() - began
    verdict = check(f)
    seconds = time.perf_counter() - began
    if answer["kind"] == "right":
        return ("accepted" if verdict else "refused"), first, seconds, verdict
    return outcome(verdict, answer["lines"]), first, seconds, verdict


def outcome(verdict, lines):
    """Say in a word what a verdict tells of a wrong answer with these wrong lines."""
    if verdict:
        return "accepted"
    if verdict.mistakes and not verdict.unknown:
        return "named"
    if verdict.places:
        return "located" if {place.line for place in verdict.places} & set(lines) else "misled"
    said = {int(number) for number in re.findall(r"\bline (\d+)", verdict.said)}  # as where an error arises
    return "line said" if said & set(lines) else "narrowed"


def table(results):
    """Return the lines of a Markdown table: for each exercise how many answers become what."""
    head = ["exercise", "wrong", *OUTCOMES, "right", "refused", "first verdict, ms", "place, ms"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name in [*dict.fromkeys(answer["exercise"] for answer, *_ in results), "all"]:
        own = [result for result in results if name in ("all", result[0]["exercise"])]
        wrong = Counter(found for answer, found, *_ in own if answer["kind"] != "right")
        right = Counter(found for answer, found, *_ in own if answer["kind"] == "right")
        times = [f"{1e3 * statistics.median(each):.0f}" for each in list(zip(*own, strict=True))[2:4]]
        counts = [wrong.total(), *(wrong[key] for key in OUTCOMES), right.total(), right["refused"], *times]
        lines.append(f"| {' | '.join(map(str, [name, *counts]))} |")
    return [*lines, ""]


def main():
    """Ask about all answers, and print or save the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.answers", description=__doc__.splitlines()[0])
    parser.add_argument("--answers", type=Path, default=ANSWERS, help="another file of answers (.json)")
    parser.add_argument("--table", type=to_save, help="save the table here (.md)")
    parser.add_argument("--show", action="store_true", help="print the verdicts that tell too little")
    options = parser.parse_args()
    results = [(answer, *ask(answer)) for answer in json.loads(options.answers.read_text(encoding="utf-8"))]
    for answer, found, *_, verdict in results if options.show else ():
        if found not in OUTCOMES[:3] and (answer["kind"], found) != ("right", "accepted"):
            print(f"\n--- {found}: {answer['what']} {answer['lines']}\n{answer['code']}\n\n{verdict}")
    heading = ["# What `check` says of answers that it was not made for", ""]
    text = "\n".join([*heading, f"Measured on {machine(('numpy',))}.", "", *table(results)])
    print(text)
    if options.table:
        options.table.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
