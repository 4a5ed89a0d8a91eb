"""A lesson's first line: whether it is in step with the package, and how far the learner has come."""

import re

from nn_helpers.course.refusals import show_refusals_as_sentences
from nn_helpers.course.source import reinstall
from nn_helpers.support import record
from nn_helpers.support.threads import no_more_threads_than_cores
from nn_helpers.support.version import __version__

# As it stands in a lesson.
STATEMENT = re.compile(r'(nn_helpers\.lesson\((?:"\d\d", )?written_for=")([^"]*)("\))')


class OutOfStepError(RuntimeError):
    """A lesson and the package are of different versions. A notebook shows the sentence, and no traceback."""

    def _render_traceback_(self):  # IPython asks for it
        return [str(self)]


def lesson(number=None, *, written_for):
    """Begin a lesson: stop one that was written for another version of this package, and say what to do.

    Among the learner's own lessons, this says how far they are in this one.

    In a container that may use few of a machine's many cores, NumPy's matrix products take no more threads
    than those: with more, all that the lessons compute takes several times as long. And from here on, what
    the library refuses is shown without a traceback.

    Parameters
    ----------
    number : str, optional
        The lesson's number, as "02".
    written_for : str
        The version's first two numbers: "0.1" fits 0.1.0, 0.1.1 and so on.

    Raises
    ------
    OutOfStepError
    """
    here = edition(__version__)
    if written_for == here:
        no_more_threads_than_cores()
        show_refusals_as_sentences()
        if number is not None and record.home():
            _say_how_far(str(number))
        return
    if _numbers(written_for) > _numbers(here):
        advice = (
            "restart the kernel (Kernel → Restart Kernel), and if that is not enough, run "
            f"`{reinstall()}` in a terminal, in the project's folder if you cloned it, and restart it again"
        )
    elif record.home():
        advice = (
            "run `nn-helpers lab` again, or `make lab`; "
            "it brings this lesson up to date and keeps what you wrote"
        )
    else:
        advice = (
            "go on in this lesson's new edition, which `nn-helpers lab` or `make lab` puts into a folder of "
            "yours; your answers can be copied into it"
        )
    raise OutOfStepError(
        f"This lesson was written for nn_helpers {written_for}, but {__version__} is running here: {advice}."
    )


def _say_how_far(number):
    from nn_helpers.course.standing import standings  # here: exercises need all of the package

    record.note("begun", lesson=number)
    for standing in standings():
        if standing.lesson == number:
            print(standing.in_words())


def edition(version):
    """Return the first two numbers of a version, which lessons are written for."""
    return ".".join(version.split(".")[:2])


def _numbers(version):
    return [int(number) for number in re.findall(r"\d+", version)]
