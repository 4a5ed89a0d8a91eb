"""Lesson 08: choosing settings, and an honest number for what was chosen."""

import numpy as np

from nn_helpers.exercises.exercise import Case, Exercise

LESSON = "08_tuning"


# errors_behind


def errors_behind(scores):
    """Return how many standard errors each configuration (K,) is behind the best, from scores (K, S)."""
    mean = scores.mean(axis=1)
    error = scores.std(axis=1, ddof=1) / np.sqrt(scores.shape[1])
    best = mean.argmax()
    return (mean[best] - mean) / np.sqrt(error**2 + error[best] ** 2)


def _errors_behind_cases():
    rng = np.random.default_rng(80)
    return [
        Case("two configurations, two seeds", np.array([[0.50, 0.52], [0.60, 0.64]])),
        Case("the highest single score is not the best mean's", np.array([[0.4, 0.7], [0.6, 0.64]])),
        Case("four seeds", np.array([[0.5, 0.6, 0.5, 0.6], [0.4, 0.5, 0.6, 0.4], [0.7, 0.7, 0.6, 0.5]])),
        Case("as many seeds as configurations", rng.random((3, 3))),
        Case("sixteen configurations, three seeds", rng.random((16, 3))),
        Case("the first is the best", rng.random((4, 5)) + np.array([[1], [0], [0], [0]])),
    ]


ERRORS_BEHIND = Exercise(
    answer=errors_behind,
    lesson=LESSON,
    section="Bands before winners",
    returns=("behind",),
    floats=("behind",),
    cases=_errors_behind_cases,
    quantities=lambda scores: {"S": scores.shape[1]},
    then="Next it says which of the sixteen may be as good as the winner.",
)


# log_uniform


def log_uniform(u, low, high):
    """Turn numbers u (N,) between 0 and 1 into rates between low and high, evenly over the factors of 10."""
    exponent = np.log(low) + u * (np.log(high) - np.log(low))
    return np.exp(exponent)


def _log_uniform_cases():
    u = np.random.default_rng(81).random(8)
    return [
        Case("from 0.01 to 1", np.array([0.0, 0.25, 0.5, 1.0]), 0.01, 1.0),
        Case("from 0.0001 to 0.1", np.array([0.0, 0.5, 1.0]), 1e-4, 0.1),
        Case("from 1 to 1,000", np.array([0.1, 0.9]), 1.0, 1e3),
        Case("from 2 to 3", u, 2.0, 3.0),
        Case("eight numbers", u, 1e-5, 30.0),
    ]


LOG_UNIFORM = Exercise(
    answer=log_uniform,
    lesson=LESSON,
    section="Grid or random",
    returns=("rates",),
    floats=("rates",),
    cases=_log_uniform_cases,
    then="Next, sixteen networks are trained with the rates that it makes.",
)


# successive_halving


def successive_halving(score, settings, epochs):
    """Train all, keep the better half, train it twice as long, …; return the last one and the cost."""
    cost = 0
    while len(settings) > 1:
        scores = [score(setting, epochs) for setting in settings]
        cost = cost + len(settings) * epochs
        best_first = np.argsort(scores)[::-1]
        settings = [settings[i] for i in best_first[: len(settings) // 2]]
        epochs = 2 * epochs
    return settings[0], cost


def _larger_is_better(setting, epochs):
    """score(setting, epochs) = setting"""  # noqa: D400 - the learner sees it
    return float(setting)


def _needs_time(setting, epochs):
    """score(setting, epochs) = 1 − setting / epochs"""  # noqa: D400
    return 1 - setting / epochs


def _overtakes(setting, epochs):
    """score(setting, epochs) = min(setting · epochs, 10 − setting)"""  # noqa: D400
    return min(setting * epochs, 10 - setting)


def _successive_halving_cases():
    return [
        Case("four settings", _larger_is_better, [3, 1, 4, 2], 1),
        Case("eight settings, the best one last", _larger_is_better, [5, 3, 7, 1, 2, 6, 4, 8], 2),
        Case("eight settings, the smallest is the best", _needs_time, [5, 3, 7, 1, 2, 6, 4, 8], 2),
        Case("slow ones that come further", _overtakes, [5.0, 4.5, 4.0, 3.0, 2.5, 2.0, 1.5, 1.0], 1),
        Case("six settings", _larger_is_better, [4, 6, 1, 3, 5, 2], 3),
        Case("two settings", _needs_time, [2, 1], 5),
        Case("a single setting", _larger_is_better, [7], 4),
    ]


SUCCESSIVE_HALVING = Exercise(
    answer=successive_halving,
    elsewhere="nn_helpers.training.search.search does the same with several seeds and processes.",
    lesson=LESSON,
    section="Successive halving",
    returns=("the setting that is left", "the cost in epochs"),
    cases=_successive_halving_cases,
    quantities=lambda score, settings, epochs: {"epochs": epochs},
    then="Next it chooses among sixteen networks.",
)


# choose_and_report


def choose_and_report(val, test):
    """Return which configuration to keep and what to report, from accuracies (K, S)."""
    chosen = val.mean(axis=1).argmax()
    return chosen, test[chosen].mean()


def _choose_and_report_cases():
    val = np.array([[0.5, 0.6], [0.7, 0.2], [0.6, 0.7]])
    test = np.array([[0.8, 0.9], [0.5, 0.4], [0.6, 0.5]])
    rng = np.random.default_rng(82)
    return [
        Case("three configurations, two seeds", val, test),
        Case("the order turned round", val[::-1].copy(), test[::-1].copy()),
        Case("as many seeds as configurations", *rng.random((2, 3, 3))),
        Case("one seed", *rng.random((2, 5, 1))),
        Case("forty configurations, three seeds", *rng.random((2, 40, 3))),
        Case("more seeds than configurations", *rng.random((2, 2, 6))),
    ]


CHOOSE_AND_REPORT = Exercise(
    answer=choose_and_report,
    lesson=LESSON,
    section="The test set, used forty times",
    returns=("chosen", "accuracy"),
    floats=("accuracy",),
    cases=_choose_and_report_cases,
    then="The next cell holds both programs against images that neither has seen.",
)

EXERCISES = [ERRORS_BEHIND, LOG_UNIFORM, SUCCESSIVE_HALVING, CHOOSE_AND_REPORT]
