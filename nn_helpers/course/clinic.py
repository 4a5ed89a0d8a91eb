"""`clinic`: a training with one fault, to be found by a few experiments, named, and mended."""

import difflib
import functools
import json
import tomllib
from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from nn_helpers import plots
from nn_helpers.course.patient import INSTRUMENTS, Parts, Patient, reading
from nn_helpers.exercises.checking.showing import Text, show
from nn_helpers.exercises.checking.wording import wrap
from nn_helpers.support import record
from nn_helpers.support.validation import choice, whole_number

HERE = Path(__file__).parent
FAULTS = {
    fault["name"]: fault
    for fault in tomllib.loads((HERE / "faults.toml").read_text(encoding="utf-8"))["fault"]
}
EXPERIMENTS, TRIES = 5, 3
PARTS = {field.name: field.default for field in fields(Parts)}
ACCURACY = "curves: validation accuracy"


def clinic(seed, degree=None):
    """Return a case: a small network was trained on sketches, and one thing about it is wrong.

    Parameters
    ----------
    seed : int
        Each makes a case of its own, the same every time.
    degree : {1, 2, 3}, optional
        How hard it is to find.

    Returns
    -------
    Case
    """
    seed = whole_number("clinic", "seed", seed, 0)
    if degree not in (None, 1, 2, 3):
        raise ValueError(f"clinic: degree must be 1, 2 or 3, how hard the case is, got {degree!r}")
    return Case(seed, degree)


@functools.cache
def symptoms():
    """Return what each fault, and a healthy training, reads: (lowest, median, highest) by number, by fault.

    `benchmarks/symptoms.py` has measured it.
    """
    return json.loads((HERE / "symptoms.json").read_text(encoding="utf-8"))


def planted(name):
    """Return the parts of a training with this fault."""
    return replace(Parts(), **FAULTS[name].get("with", {}), **FAULTS[name]["plant"])


def patient(fault=None, seed=0):
    """Return a training with this fault, or a healthy one, for `reading` to look at."""
    if fault is not None:
        choice("patient", "fault", fault, FAULTS)
    return Patient(planted(fault) if fault else Parts(), seed)


class Case:
    """A training with a fault: `experiment` up to five times, `name` the fault, `mend` it."""

    def __init__(self, seed, degree=None):
        rng = np.random.default_rng([2026, seed])
        known = [name for name, fault in FAULTS.items() if degree in (None, fault["degree"])]
        self._fault = known[rng.integers(len(known))]
        self.seed, self.tries, self.asked = seed, 0, {}

    @functools.cached_property
    def _patient(self):
        return Patient(planted(self._fault), self.seed)

    def _reads(self, instrument):
        if instrument not in self.asked:
            self.asked[instrument] = reading(self._patient, instrument)
        return self.asked[instrument]

    def __repr__(self):
        parts = ", ".join(PARTS)
        lines = [
            f"{name}: {f.__doc__.splitlines()[0]}" for name, f in INSTRUMENTS.items() if name != "curves"
        ]
        text = (
            f"Case {self.seed}. 400 sketches of 8 × 8 pixels, three hidden layers, Adam. No error, and no "
            f"warning. case.curves() shows what you would see in real life.\n\n"
            f'Up to {EXPERIMENTS} experiments, case.experiment("…"):\n' + "\n".join(lines) + "\n\n"
            f'Name what is wrong, case.name("…"):\n{", ".join(FAULTS)}.\n\n'
            f'Mend it: case.mend("…") puts a healthy part in place, case.mend(lr=0.01) a number of your own. '
            f"The parts: {parts}."
        )
        return wrap(text)

    def curves(self):
        """Return the figure of loss and accuracy, and print where they end; this is no experiment."""
        numbers, draw = reading(self._patient, "curves")
        return _shown("curves", numbers, draw)

    def experiment(self, instrument):
        """Print what an instrument reads, beside a healthy training, and return its figure if it has one.

        Parameters
        ----------
        instrument : str
        """
        choice("experiment", "instrument", instrument, [name for name in INSTRUMENTS if name != "curves"])
        if instrument not in self.asked and len(self.asked) == EXPERIMENTS:
            return show(
                Text(
                    wrap(
                        f"You have made your {EXPERIMENTS} experiments: {', '.join(self.asked)}. "
                        'Each of them can be looked at again. Name the fault: case.name("…").'
                    )
                )
            )
        return _shown(instrument, *self._reads(instrument))

    def name(self, fault):
        """Say whether this is the fault, and which reading tells it from what was named.

        Parameters
        ----------
        fault : str
        """
        if fault not in FAULTS:
            near = difflib.get_close_matches(str(fault), FAULTS, 1)
            guess = f" Did you mean {near[0]}?" if near else ""
            return show(Text(wrap(f"The clinic knows no {fault!r}.{guess} Its faults: {', '.join(FAULTS)}.")))
        self.tries += 1
        right = fault == self._fault
        if self.tries == 1:
            self._note("named", fault, right)
        if right:
            rival = _nearest(self._fault)
            said = f"Right: {FAULTS[fault]['is']} {self._apart(fault, rival)} Mend it: case.mend(…)."
        else:
            said = f"It is not {fault}. {self._apart(self._fault, fault)}"
            if self.tries == TRIES:
                said += f"\nIt is {self._fault}. {FAULTS[self._fault]['is']}"
        return show(Text(wrap(said)))

    def _apart(self, fault, other):
        """Return a sentence: which reading tells this case from another fault."""
        told = what_tells_apart(fault, other)
        instrument, _, number = told.partition(": ")
        here, (low, _, high) = reading(self._patient, instrument)[0][number], symptoms()[other][told]
        asked = "" if instrument in (*self.asked, "curves") else ", which you did not ask for,"
        return (
            f"What tells it from {other}: {instrument}{asked} reads {_short(here)} for “{number}”. With "
            f"{other} that is {_span(low, high)}."
        )

    def mend(self, part=None, **numbers):
        """Train once more with a healthy part, or with numbers of your own, and compare.

        Parameters
        ----------
        part : str, optional
        **numbers
            By the part's name: units, init, bias, lr, reg or dropout.

        Returns
        -------
        Figure
        """
        changes = _changes(part, numbers)
        parts = replace(planted(self._fault), **changes)
        after, healthy = Patient(parts, self.seed), Patient(Parts(), self.seed)
        least = symptoms()["healthy"][ACCURACY][0]
        (_, before), (_, now) = self._patient.measure(), after.measure()
        left = [name for name in FAULTS[self._fault]["plant"] if not _is_mended(parts, self._fault, name)]
        well = now >= least
        said = f"Validation accuracy: {before:.0%} before, {now:.0%} now, {least:.0%} or more if healthy.\n"
        if not left and well:
            said += "Mended."
        elif not left:
            said += "The fault is gone, but what you put in its place does not do well."
        elif now - before > (least - before) / 2 > 0:
            said += "It does better now, but the fault is still there: your change hides it."
        else:
            said += "The fault is still there."
        also = [name for name in changes if name not in FAULTS[self._fault]["plant"]]
        said += f" You have also changed what was healthy: {', '.join(also)}." * bool(also and not left)
        self._note("mended", ", ".join(changes), not left and well)
        print(wrap(said))
        runs = {"ill": self._patient.history, "now": after.history, "healthy": healthy.history}
        return plots.compare_histories(runs, "val_accuracy", over="epoch")

    def _note(self, kind, answer, right):
        record.note("treated", lesson="06", kind=kind, answer=answer, truth=self._fault, right=bool(right))


def _changes(part, numbers):
    """Return the changes that a mending asks for, or refuse them."""
    if part is None and not numbers:
        raise TypeError('mend: name a part, as in mend("images"), or give a number, as in mend(lr=0.01)')
    changes = {} if part is None else {choice("mend", "part", part, PARTS): PARTS.get(part)}
    for name, value in numbers.items():
        kind = type(PARTS[choice("mend", "part", name, PARTS)])
        if name != "init" and kind is str:
            raise TypeError(f'mend: {name} is no number; mend("{name}") puts the healthy one in place')
        most = 200 if name == "units" else 1000
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= most:
            raise ValueError(f"mend: {name} must be a number of at most {most:,}, got {value!r}")
        changes[name] = whole_number("mend", name, value, 1) if kind is int else float(value)
    return changes


def _is_mended(parts, fault, name):
    """Say whether a part is healthy, or a number other than the planted one."""
    now, ill = getattr(parts, name), FAULTS[fault]["plant"][name]
    return now == PARTS[name] or (not isinstance(now, str) and now != ill)


def what_tells_apart(fault, other):
    """Return the number, after its instrument, in which two faults differ on every seed.

    What shows the one or the other goes first.
    """
    mine, theirs = symptoms()[fault], symptoms()[other]

    def clear(number):
        (low, middle, high), (low_2, middle_2, high_2) = mine[number], theirs[number]
        gap = max(low - high_2, low_2 - high)
        shown = [f in FAULTS and FAULTS[f]["shows"] == number for f in (fault, other)]
        return gap > 0, shown, gap / (abs(middle) + abs(middle_2) + 1e-6)

    return max(mine, key=clear)


def symptom_table():
    """Return symptom, cause and test of each fault as a table in Markdown."""
    lines = ["| symptom | healthy | cause | test |", "|---|---|---|---|"]
    for name, fault in FAULTS.items():
        instrument, _, number = fault["shows"].partition(": ")
        (low, _, high), (least, _, most) = (symptoms()[n][fault["shows"]] for n in (name, "healthy"))
        seen = f"{number}: {_span(low, high)} | {_span(least, most)}"
        lines.append(f"| {seen} | **{name}** {fault['is']} | {instrument} |")
    return "\n".join(lines)


def _nearest(fault):
    """Return the fault that is taken for this one most easily: the one whose curves come nearest."""

    def distance(other):
        mine, theirs = symptoms()[fault], symptoms()[other]
        numbers = [number for number in mine if number.startswith("curves")]
        return sum(abs(np.log10(mine[n][1] + 0.01) - np.log10(theirs[n][1] + 0.01)) for n in numbers)

    return min((other for other in FAULTS if other != fault), key=distance)


def _span(low, high):
    low, high = _short(low), _short(high)
    return low if low == high else f"{low} to {high}"


def _short(number):
    return f"{number:,.0f}" if 10 <= abs(number) < 1e6 else f"{number:.2g}"


def _shown(instrument, numbers, draw):
    """Print numbers beside those of a healthy training, and return the figure."""
    healthy = symptoms()["healthy"]
    width = max(map(len, numbers))
    print(f"{'':{width}}{'here':>10}   healthy")
    for name, value in numbers.items():
        low, _, high = healthy[f"{instrument}: {name}"]
        print(f"{name:{width}}{_short(value):>10}   {_span(low, high)}")
    return draw and draw()
