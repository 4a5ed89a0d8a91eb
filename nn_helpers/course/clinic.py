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
from nn_helpers.support.validation import choice, number, whole_number

HERE = Path(__file__).parent
FAULTS = {f["name"]: f for f in tomllib.loads((HERE / "faults.toml").read_text(encoding="utf-8"))["fault"]}
EXPERIMENTS, TRIES = 5, 3
PARTS = {field.name: field.default for field in fields(Parts)}
ACCURACY = "curves: validation accuracy"
# Of a part that is a number: at least, below, and perhaps above
LIMITS = {"units": (1, 201), "bias": (-1e4, 1e4), "lr": (0, 1e4, 0), "dropout": (0, 1)}


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
    return Patient(Parts() if fault is None else planted(choice("patient", "fault", fault, FAULTS)), seed)


class Case:
    """A training with a fault: `experiment` up to five times, `name` the fault, `mend` it."""

    def __init__(self, seed, degree=None):
        rng = np.random.default_rng([2026, seed])
        known = [name for name, fault in FAULTS.items() if degree in (None, fault["degree"])]
        self._fault = known[rng.integers(len(known))]
        self.seed, self.tries, self.asked = seed, 0, []
        self._title = f"clinic({seed})" if degree is None else f"clinic({seed}, degree={degree})"

    @functools.cached_property
    def _patient(self):
        return Patient(planted(self._fault), self.seed)

    def __repr__(self):
        parts = ", ".join(PARTS)
        lines = [f"{name}: {f.__doc__.splitlines()[0]}" for name, f in INSTRUMENTS.items()]
        text = (
            f"Case {self.seed}. 400 sketches of 8 × 8 pixels, three hidden layers, Adam. No error, and no "
            f"warning. case.loss() shows the training loss.\n\n"
            f'Up to {EXPERIMENTS} experiments, case.experiment("…"):\n' + "\n".join(lines) + "\n\n"
            f'Name what is wrong, case.name("…"):\n{", ".join(FAULTS)}.\n\n'
            f'Mend it: case.mend("…") puts a healthy part in place, case.mend(lr=0.01) a number of your own. '
            f"The parts: {parts}."
        )
        return wrap(text)

    def loss(self):
        """Return the figure of the training loss; this is no experiment."""
        return plots.compare_histories({f"case {self.seed}": self._patient.history}, over="epoch")

    def experiment(self, instrument):
        """Print what an instrument reads, beside a healthy training, and return its figure if it has one.

        Parameters
        ----------
        instrument : str
        """
        choice("experiment", "instrument", instrument, INSTRUMENTS)
        if instrument not in self.asked and len(self.asked) == EXPERIMENTS:
            said = f"You have made your {EXPERIMENTS} experiments: {', '.join(self.asked)}. "
            said += 'Each of them can be looked at again. Name the fault: case.name("…").'
            return show(Text(wrap(said)))
        self.asked += [instrument] * (instrument not in self.asked)
        return _shown(instrument, *reading(self._patient, instrument))

    def name(self, fault):
        """Say whether this is the fault, and which reading tells it from what was named, or from its twin.

        Parameters
        ----------
        fault : str
        """
        if not isinstance(fault, str) or fault not in FAULTS:
            near = difflib.get_close_matches(str(fault), FAULTS, 1)
            guess = f" Did you mean {near[0]}?" if near else ""
            said = f"The clinic knows no {fault!r:.60}.{guess} Its faults: {', '.join(FAULTS)}."
            return show(Text(wrap(said)))
        self.tries += 1
        right = fault == self._fault
        if self.tries == 1:
            self._note("named", fault, right)
        if right:
            twin = _twin(fault, self.asked or INSTRUMENTS)
            said = f"Its nearest twin is {twin}. {self._apart(twin)}\nMend it: case.mend(…)."
            said = f"Right: {FAULTS[fault]['is']}\n{said}"
        else:
            said = f"It is not {fault}. {self._apart(fault)}"
            if self.tries == TRIES:
                said += f"\nIt is {self._fault}. {FAULTS[self._fault]['is']}"
        return show(Text(wrap(said)))

    def _apart(self, other):
        """Return a sentence: which reading tells this case from another fault; one that was made first."""
        told = what_tells_apart(self._fault, other, self.asked)
        instrument, _, number = told.partition(": ")
        here, (low, _, high) = reading(self._patient, instrument)[0][number], symptoms()[other][told]
        asked = "" if instrument in self.asked else ", which you did not ask for,"
        said = f"What tells it from {other}: {instrument}{asked} reads {_short(here)} for “{number}”."
        return f"{said} With {other} that is {_span(low, high)}."

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
        plant, well = FAULTS[self._fault]["plant"], now >= least
        left = [name for name, ill in plant.items() if not _is_mended(name, ill, getattr(parts, name), well)]
        said = f"Validation accuracy: {before:.0%} before, {now:.0%} now, {least:.0%} or more if healthy.\n"
        if not left and well:
            said += "Mended."
        elif not left:
            said += "The fault is gone, but what you put in its place does not do well."
        elif now - before > (least - before) / 2 > 0:
            hides = ": your change hides it" * changes.keys().isdisjoint(left)
            said += f"It does better now, but the fault is still there{hides}."
        else:
            said += "The fault is still there."
        also = [name for name in changes if name not in plant]
        said += f" You have also changed what was healthy: {', '.join(also)}." * bool(also and not left)
        self._note("mended", ", ".join(changes), not left and well)
        print(wrap(said))
        runs = {"ill": self._patient.history, "now": after.history, "healthy": healthy.history}
        return plots.compare_histories(runs, "val_accuracy", over="epoch")

    def _note(self, kind, answer, right):
        what = {"kind": kind, "case": self._title, "answer": answer, "truth": self._fault}
        record.note("treated", lesson="06", right=bool(right), **what)


def _changes(part, numbers):
    """Return the changes that a mending asks for, or refuse them."""
    if part is None and not numbers:
        raise TypeError('mend: name a part, as in mend("images"), or give a number, as in mend(lr=0.01)')
    changes = {} if part is None else {choice("mend", "part", part, PARTS): PARTS.get(part)}
    for name, value in numbers.items():
        kind = type(PARTS[choice("mend", "part", name, PARTS)])
        if name != "init" and kind is str:
            raise TypeError(f'mend: {name} is no number; mend("{name}") puts the healthy one in place')
        changes[name] = number("mend", name, value, *LIMITS.get(name, (0, 1e4)))
        if kind is int:
            changes[name] = whole_number("mend", name, value, 1)
    return changes


def _is_mended(name, ill, now, well):
    """Say whether a part is healthy, or a number that does well or errs in the other direction."""
    healthy = 0.2 if name == "init" else PARTS[name]  # about what "he" is here
    return now != ill and (well or str in (type(now), type(ill)) or (now - healthy) * (ill - healthy) <= 0)


def what_tells_apart(fault, other, asked=()):
    """Return the number, after its instrument, in which two faults differ on every seed.

    One that these instruments read goes first, and then what shows the one or the other.
    """
    mine, theirs = symptoms()[fault], symptoms()[other]

    def clear(number):
        (low, middle, high), (low_2, middle_2, high_2) = mine[number], theirs[number]
        gap = max(low - high_2, low_2 - high)
        shown = [FAULTS[f]["shows"] == number for f in (fault, other)]
        return gap > 0, number.partition(": ")[0] in asked, shown, gap / (abs(middle) + abs(middle_2) + 1e-6)

    return max(mine, key=clear)


def _twin(fault, asked):
    """Return the fault that is taken for this one most easily: what these instruments read is most alike."""
    numbers = [number for number in symptoms()[fault] if number.partition(": ")[0] in asked]

    def distance(other):
        pairs = [(symptoms()[fault][n][1], symptoms()[other][n][1]) for n in numbers]
        return sum(abs(a - b) / (abs(a) + abs(b) + 1e-6) for a, b in pairs)

    return min((other for other in FAULTS if other != fault), key=distance)


def symptom_table():
    """Return symptom, cause and test of each fault as a table in Markdown."""
    lines = ["| symptom | healthy | cause | test |", "|---|---|---|---|"]
    for name, fault in FAULTS.items():
        instrument, _, number = fault["shows"].partition(": ")
        (low, _, high), (least, _, most) = (symptoms()[n][fault["shows"]] for n in (name, "healthy"))
        seen = f"{number}: {_span(low, high)} | {_span(least, most)}"
        lines.append(f"| {seen} | **{name}** {fault['is']} | {instrument} |")
    return "\n".join(lines)


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
