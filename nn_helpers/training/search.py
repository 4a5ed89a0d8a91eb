"""Choose settings: many trainings side by side, on this computer's cores or on a cluster's.

`search` trains each configuration with several seeds and says how each did on the validation images. joblib
gives the trainings to processes; with a Dask scheduler, which knows machines and notices when one is gone,
they run there. The test images stay out of it: nothing here takes them along.
"""

import itertools
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed, parallel_config

from nn_helpers.data.batches import ArrayDataset, as_dataset
from nn_helpers.data.dataset import Dataset
from nn_helpers.support.validation import generator, whole_number
from nn_helpers.training.estimator import NetClassifier
from nn_helpers.training.steps import TrainingDivergedError


@dataclass(frozen=True, eq=False)
class Tried:
    """A configuration and how it did.

    Attributes
    ----------
    configuration : dict
        Arguments of `NetClassifier`.
    epochs : int
        How long it was trained. In successive halving this says how far it came.
    scores : float array (S,)
        The validation accuracy with each seed; NaN where the training diverged.
    """

    configuration: dict
    epochs: int
    scores: np.ndarray

    @property
    def mean(self):
        """The mean over the seeds; below every other where a training diverged."""
        return -1.0 if np.isnan(self.scores).any() else float(self.scores.mean())

    @property
    def standard_error(self):
        """How far that mean may be off by the seeds alone; NaN for a single seed."""
        S = len(self.scores)
        return float(self.scores.std(ddof=1) / np.sqrt(S)) if S > 1 else float("nan")


LOGARITHMIC = "lr", "reg"  # between the lowest and the highest value, random search draws factors


def configurations(choices, count=None, seed=0):
    """Return all combinations of the choices, or `count` random ones.

    Parameters
    ----------
    choices : dict of str to list
        Values of each argument of `NetClassifier` that is to vary, as ``{"lr": [0.001, 0.01]}``. A random
        search draws lr and reg between the lowest and the highest of theirs, evenly over the factors of 10;
        a 0 among those of reg is drawn as often as each value that is given.
    count : int, optional
    seed : int or numpy.random.Generator
        For what is drawn.

    Returns
    -------
    list of dict
    """
    choices = {name: _values(name, given) for name, given in choices.items()}
    if count is None:
        return [dict(zip(choices, found, strict=True)) for found in itertools.product(*choices.values())]
    count, rng = whole_number("search", "count", count, 1), generator("search", seed)
    return [{name: _drawn(name, values, rng) for name, values in choices.items()} for _ in range(count)]


def _values(name, given):
    """Return the values of a setting, or refuse them, those too that would never be drawn."""
    values = list(given) if np.iterable(given) and not isinstance(given, str) else []
    if not values:
        raise ValueError(f"search: the values of {name} must be a list of at least one, got {given!r:.60}")
    for value in values:
        each = name == "activation" and isinstance(value, list | tuple | np.ndarray)  # of as many layers
        _judge({name: value} | ({"hidden_sizes": (1,) * len(value)} if each else {}))
    return values


def _judge(configuration):
    """Refuse settings that no training takes; a step on two examples finds out."""
    own = NetClassifier().get_params().keys() - {"epochs", "random_state"}
    if unknown := configuration.keys() - own:
        advice = f"there are {', '.join(sorted(own))}. epochs and seeds are arguments of search"
        raise ValueError(f"search: {min(unknown)} is no setting to vary; {advice}")
    with suppress(TrainingDivergedError):
        NetClassifier(**configuration, epochs=1, random_state=0).fit([[0.0], [1.0]], [0, 1])


def _drawn(name, values, rng):
    value, positive = values[rng.integers(len(values))], [v for v in values if name in LOGARITHMIC and v > 0]
    if value not in positive or min(positive) == max(positive):
        return value
    return float(np.exp(rng.uniform(np.log(min(positive)), np.log(max(positive)))))


def search(data, configurations, *, epochs=20, seeds=3, halving=False, jobs=-1, client=None, progress=True):
    """Train every configuration with every seed, and return how they did on the validation part.

    Parameters
    ----------
    data : Dataset or ArrayDataset
        With a validation part; `data.subset(…, val=…)` sets one apart.
    configurations : list of dict
        Arguments of `NetClassifier`, such as ``{"hidden_sizes": (100,), "lr": 0.001}``; of equal ones, one
        is trained.
    epochs, seeds : int
        Each is trained that long, with the seeds 0, 1, …, seeds − 1.
    halving : bool
        Train all for a short time, and only the better half twice as long, until the last two are trained for
        `epochs`; more of them, where `epochs` cannot be halved so often.
    jobs : int
        How many processes; −1 for one on each core.
    client : dask.distributed.Client, optional
        Its cluster trains, in place of processes here. The data are sent once, to every worker, and a
        training whose worker has gone is done by another one.
    progress : bool
        Show a bar.

    Returns
    -------
    list of Tried
        The best one first: those that were trained longer before the others, and then by `mean`.

    Raises
    ------
    ConnectionError
        If the cluster goes away. Dask waits a minute for its scheduler to come back.
    """
    seeds, longest = whole_number("search", "seeds", seeds, 1), whole_number("search", "epochs", epochs, 1)
    jobs = -1 if jobs == -1 else whole_number("search", "jobs", jobs, 1)
    configurations = list(configurations) if np.iterable(configurations) else [configurations]
    if not configurations or not all(isinstance(each, dict) for each in configurations):
        raise ValueError("search: configurations must be a list of dicts such as [{'lr': 0.001}]")
    configurations = list({repr(sorted(each.items())): each for each in configurations}.values())
    for configuration in configurations:
        _judge(configuration)
    data = _without_test(as_dataset("search", data))
    rungs = _rungs(len(configurations), longest) if halving else [(len(configurations), longest)]
    tried, left = {}, range(len(configurations))
    with _on(client, data), _bar(seeds * sum(count for count, _ in rungs), progress) as bar:
        for count, epochs in rungs:
            best_first = sorted(left, key=lambda number: -tried[number].mean if tried else 0)
            left = best_first[:count]
            scores = np.full((len(configurations), seeds), np.nan)
            for number, seed, score in Parallel(n_jobs=jobs, return_as="generator_unordered")(
                delayed(_train)(data, configurations[number], epochs, number, seed)
                for number in left
                for seed in range(seeds)
            ):
                scores[number, seed] = score
                bar.update()
            tried |= {number: Tried(configurations[number], epochs, scores[number]) for number in left}
    return sorted(tried.values(), key=lambda each: (each.epochs, each.mean), reverse=True)


@contextmanager
def _on(client, data):
    """Let the cluster of this client do joblib's work, or processes here where there is none."""
    with nullcontext() if client is None else parallel_config("dask", client=client, scatter=[data]):
        try:
            yield
        except Exception as error:
            if client is None or isinstance(error, ValueError | TypeError):
                raise
            raise ConnectionError(f"search: the cluster stopped: {error}") from error


def _rungs(count, epochs):
    """Return (how many configurations, for how many epochs): each half as many, twice as long."""
    rungs = [count]
    while rungs[-1] > 2 and epochs >> len(rungs):
        rungs.append(-(-rungs[-1] // 2))
    return [(left, epochs >> (len(rungs) - 1 - i)) for i, left in enumerate(rungs)]


def _train(data, configuration, epochs, number, seed):
    """Return number and seed, by which this training is known, and its validation accuracy."""
    net = NetClassifier(**configuration, epochs=epochs, random_state=seed)
    try:
        score = fit(net, data).score(data.standardise(data.val.inputs, net.dtype), data.val.labels)
    except TrainingDivergedError:
        score = np.nan
    return number, seed, score


def fit(net, data):
    """Train a `NetClassifier` on the training part of a data set, and return it."""
    return net.fit(data.standardise(data.train.inputs, net.dtype), data.train.labels)


def _without_test(data):
    if not len(data.val):
        raise ValueError("search: no validation part; write data.subset(…, val=…) or ArrayDataset(…, val=…)")
    if isinstance(data, Dataset):
        return Dataset(data.name, data.train, data.val, class_names=data.class_names)
    return ArrayDataset(*((part.inputs, part.labels) for part in (data.train, data.val)))


def _bar(total, progress):
    from tqdm.auto import tqdm  # a widget in a notebook, text elsewhere

    return tqdm(total=total, unit="training", disable=not progress)


def table(found):
    """Return what `search` found as text: the best first, with the settings in which they differ."""
    names = dict.fromkeys(name for each in found for name in each.configuration)
    names = [name for name in names if len({_in_words(each.configuration.get(name)) for each in found}) > 1]
    rows = [["accuracy", "± error", "epochs", *names]]
    for each in found:
        accuracy = "diverged" if each.mean < 0 else f"{each.mean:.1%}"
        error = "" if np.isnan(each.standard_error) else f"{each.standard_error:.1%}"
        values = [_in_words(each.configuration.get(name, "")) for name in names]
        rows.append([accuracy, error, str(each.epochs), *values])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(f"{c:>{w}}" for c, w in zip(row, widths, strict=True)) for row in rows)


def _in_words(value):
    if isinstance(value, tuple | list | np.ndarray):
        return ",".join(map(str, value)) or "0"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
