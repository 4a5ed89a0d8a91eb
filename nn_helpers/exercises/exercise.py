"""What an exercise is: an answer, and cases to try.

Each lesson has a module ``lessonNN`` with a list ``EXERCISES``, and beside it a text ``lessonNN.md`` with the
`mistakes` that people make in them and the hints. The `catalogue` has all exercises.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from nn_helpers.exercises.mistakes import known_about

CACHES = {"cache", "caches"}  # the names of what a forward pass keeps for its backward pass


class Case:
    """One input to try.

    Parameters
    ----------
    name : str
        What is special about it, as in "right for …, but not for …": "negative numbers", "images in float32".
    *args
        The function's arguments; it gets copies.
    forward : tuple, optional
        For a backward pass: the arguments of the forward pass that made the cache. The learner's own
        forward pass can then make a cache of another kind.
    required : bool
        Whether a right answer has to be right here. Where it need not, the case is there to be shown:
        a small one for a function that may rely on the lesson's sizes.
    way_back : bool
        For a forward pass: whether its cache has to work, which a prediction has no use for.
    """

    def __init__(self, name, *args, forward=None, required=True, way_back=True):
        self.name, self.args, self.forward, self.required = name, args, forward, required
        self.way_back = way_back

    def __repr__(self):
        return f"Case({self.name!r})"


@dataclass(frozen=True, eq=False, kw_only=True)
class Exercise:
    """A function that the learner writes.

    Parameters
    ----------
    answer : function
        A plain answer that uses only ``np`` and earlier answers. The learner's function has its name
        and its parameters.
    lesson : str
        The notebook, without ``.ipynb``.
    section : str
        The title of the section that explains it, without its number.
    then : str
        A sentence: what the learner can do now that the function is right.
    cases : function () -> list of Case, or one that yields them
        Chosen ones first, small and readable.
    returns : tuple of str
        The names of what the function returns. A ``"cache"`` (or ``"caches"``) is not compared: the
        `partner` gets it, and its result must be right. Without a partner it is compared.
    in_place : tuple of str
        The arguments that the function changes: these are the results, and what it returns is ignored.
    observe : function (f, *args) -> dict of name to result, optional
        In place of `returns`: calls f and says what to compare. It may raise `MalformedResult`.
    partner : str, optional
        The other half of a pair: for a forward pass the exercise that uses its cache, for a backward
        pass the one that makes it.
    tolerances : dict of result's name to float, optional
        The relative error to allow, where the usual one does not fit.
    floats : tuple of str
        The results that may be float32 where float64 would come out: the text says "floats", no more.
    quantities : function (*args) -> dict of name to number, optional
        Factors by which a result may be too large or too small, such as ``{"N": len(x)}``.
        Without it, N is the length of the first array with two axes or more.
    library : function, optional
        The library's public function of the same name, when it reads like the answer: `solution` shows
        its source, and `yours_or_ours` hands it out.
    sure : dict of mistake's name to function (words, returned) -> bool, optional
        Where other functions do the same as a mistake and make another: says by the names and operators in
        the learner's code, a set, and by what it returned on the first case whether it is this one.
    elsewhere : str, optional
        Where the library does the same in another way, and what differs: a comment for `solution`.
    """

    answer: Callable
    lesson: str
    section: str
    then: str
    cases: Callable
    returns: tuple = ()
    in_place: tuple = ()
    observe: Callable | None = None
    partner: str | None = None
    tolerances: Mapping = field(default_factory=dict)
    floats: tuple = ()
    quantities: Callable | None = None
    library: Callable | None = None
    sure: Mapping = field(default_factory=dict)
    elsewhere: str = ""

    @property
    def name(self):
        """The name of the function to write."""
        return self.answer.__name__

    @property
    def hints(self):
        """At most three sentences; each says more."""
        return known_about(self.answer)[0]

    @property
    def mistakes(self):
        """Wrong answers that people really give, by name; `Verdict.mistake` has this name."""
        return known_about(self.answer)[1]

    @functools.cached_property
    def parameters(self):
        """The names of the function's arguments."""
        return tuple(inspect.signature(self.answer).parameters)

    @property
    def cache_index(self):
        """The position of the cache among the arguments of a backward pass."""
        return next(i for i, name in enumerate(self.parameters) if name in CACHES)

    @functools.cached_property
    def all_cases(self):
        """The cases; they are made only once."""
        with np.errstate(all="ignore"):  # whatever the learner has set for NumPy's errors
            return tuple(self.cases())

    def quantities_of(self, case):
        """Return factors by which a result may be too large or too small, by name."""
        if self.quantities:
            return self.quantities(*case.args)
        arrays = [value for value in case.args if isinstance(value, np.ndarray) and value.ndim > 1]
        return {"N": len(arrays[0])} if arrays else {}

    @property
    def signature(self):
        """The function's first line without def: ``relu_forward(z)``."""
        return f"{self.name}{inspect.signature(self.answer)}"

    def whose(self, f):
        """Return whose a function is, ``library`` or ``lesson``, or an empty string for the learner's."""
        return "library" if f is self.library else "lesson" if f is self.answer else ""

    @property
    def ours(self):
        """What stands in for the learner's function: the library's, or the answer."""
        return self.library or self.answer


def own_generator(words, _):
    """Say, for `Exercise.sure`, whether a function makes or seeds a generator."""
    return bool({"default_rng", "RandomState", "Generator", "seed"} & words)


def rebinds(**positions):
    """Return, for `Exercise.sure`, which argument's name is given to something else in each mistake."""
    return {
        mistake.replace("_", "-"): functools.partial(_rebinds, position)
        for mistake, position in positions.items()
    }


def _rebinds(position, words, _):
    return f"argument {position} =" in words


class MalformedResult(Exception):  # noqa: N818 - the learner's error, not ours
    """What a function returned cannot be compared; the message tells the learner why."""
