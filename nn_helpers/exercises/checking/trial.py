"""A learner's function beside the right answer, on the same cases."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from nn_helpers.exercises.checking.comparison import agrees, leaves, same_results
from nn_helpers.exercises.exercise import Exercise


@dataclass
class Trial:
    """The outcomes of a function on the cases of an exercise, beside those of the right answer."""

    exercise: Exercise
    f: Callable
    outcomes: Sequence  # fewer than there are cases, when the function did not come to an end
    expected: Sequence
    chosen: Sequence = ()  # the indices of the cases, where these are not the first ones

    @functools.cached_property
    def attempts(self):
        """Triples of case, outcome and expected results."""
        results = [outcome.results for outcome in self.expected]
        return list(zip(self.cases, self.outcomes, results, strict=False))

    @property
    def cases(self):
        """The cases that the function was tried on."""
        cases = self.exercise.all_cases
        return [cases[i] for i in self.chosen] if self.chosen else cases[: len(self.outcomes)]

    def arguments(self, index):
        """Return the arguments of a case by name."""
        return dict(zip(self.exercise.parameters, self.cases[index].args, strict=False))

    def right_on(self, outcome, expected):
        """Say whether a case came out right in every respect."""
        return (
            outcome.error is None
            and not outcome.changed
            and not outcome.shared
            and not outcome.global_random
            and self.same_results(outcome, expected)
        )

    def same_results(self, outcome, expected):
        """Say whether the results of a case are right, whatever else the function did."""
        return same_results(outcome.results, expected, self.exercise.tolerances, floats=self.exercise.floats)

    @functools.cached_property
    def verdicts(self):
        """Whether each of these cases came out right."""
        return [self.right_on(outcome, expected) for _, outcome, expected in self.attempts]

    def of(self, indices):
        """Return the same trial with these cases alone."""
        picked = ([each[i] for i in indices] for each in (self.outcomes, self.expected))
        return Trial(self.exercise, self.f, *picked, indices)

    def only(self, names):
        """Return the same trial with these results alone, whatever else the function did."""

        def cut(outcome):
            results = {name: value for name, value in outcome.results.items() if name in names}
            return replace(outcome, results=results, changed=(), global_random=False)

        return replace(self, outcomes=list(map(cut, self.outcomes)), expected=list(map(cut, self.expected)))

    @property
    def complete(self):
        """Whether the function was tried on all cases."""
        return len(self.outcomes) == len(self.exercise.all_cases)

    @property
    def right(self):
        """Whether all cases came out right that have to; one that came to no end did not."""
        return self.complete and all(
            fine or not case.required for case, fine in zip(self.cases, self.verdicts, strict=True)
        )

    @property
    def first_wrong(self):
        """The index of the first case that came out wrong."""
        return self.verdicts.index(False)

    @functools.cached_property
    def leaves(self):
        """(index of the case, name, yours, expected) of every array or number in the results."""
        return [
            (index, *leaf)
            for index, (_, outcome, expected) in enumerate(self.attempts)
            for name in (expected if outcome.results is not None else ())
            for leaf in leaves(name, outcome.results.get(name), expected[name])
        ]

    @functools.cached_property
    def names(self):
        """The names of all results, in order."""
        return list(dict.fromkeys(name for _, _, expected in self.attempts for name in expected))

    @functools.cached_property
    def wrong_results(self):
        """The names of the results that are wrong on some case."""
        return [name for name in self.names if not all(self.right_results[name])]

    def values(self, name):
        """Return (case, yours, expected) for every leaf of the results of this name."""
        return [
            (case, yours, right)
            for case, outcome, expected in self.attempts
            if name in expected
            for _, yours, right in leaves(name, outcome.results.get(name), expected[name])
        ]

    @functools.cached_property
    def right_results(self):
        """For each result's name, whether it is right on each case; a case without it counts as right."""
        return {
            name: [self._right_result(name, *attempt) for attempt in self.attempts] for name in self.names
        }

    def _right_result(self, name, _, outcome, expected):
        pairs = leaves(name, outcome.results.get(name), expected.get(name))
        return all(self.agrees(name, yours, right) for _, yours, right in pairs)

    def agrees(self, name, yours, expected, dtypes=True):
        """Say whether a result is right."""
        exercise = self.exercise
        return agrees(yours, expected, exercise.tolerances.get(name), dtypes, name in exercise.floats)

    def difference(self, index):
        """Return (name, expected, yours) of the first result that is wrong on a case, or None."""
        _, outcome, expected = self.attempts[index]
        for name in expected if outcome.results else ():
            for leaf, yours, right in leaves(name, outcome.results.get(name), expected[name]):
                if not self.agrees(name, yours, right):
                    return leaf, right, yours
        return None
