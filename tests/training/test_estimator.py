"""`NetClassifier` is a scikit-learn estimator in every respect that scikit-learn tests."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - the next import needs it
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from nn_helpers import Adam, ClassificationNet, TrainingDivergedError, points, train
from nn_helpers.training.estimator import NetClassifier

DATA = points("blobs", n_train=90, n_val=60)
X, Y = DATA.train.inputs, DATA.train.labels
QUICK = NetClassifier(hidden_sizes=(8,), lr=0.01, epochs=4, random_state=0)
NEEDS_MORE = {"check_array_api_input", "check_classifier_data_not_an_array"}  # array_api and pandas


@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks_find_nothing():
    results = check_estimator(NetClassifier(lr=0.01, epochs=10), on_fail=None, on_skip=None)
    assert len(results) > 40
    assert [r["check_name"] for r in results if r["status"] not in ("passed", "skipped")] == []
    assert {r["check_name"] for r in results if r["status"] == "skipped"} <= NEEDS_MORE


def test_it_trains_the_network_that_train_trains():
    fitted = clone(QUICK).fit(X, Y)
    first, order = np.random.RandomState(0).randint(2**31, size=2)
    net = ClassificationNet(X.shape[1], [8], len(np.unique(Y)), seed=first)
    train(net, (X, Y), Adam(0.01), epochs=4, batch_size=32, seed=order, threads=1, progress=False)
    assert np.array_equal(fitted.net_.theta, net.theta)
    assert len(fitted.history_) == 4 * (len(X) // 32)
    assert fitted.n_iter_ == 4


def test_labels_may_be_text():
    names = np.array(["cat", "dog", "frog"])[Y]
    fitted = clone(QUICK).fit(X, names)
    assert list(fitted.classes_) == ["cat", "dog", "frog"]
    assert np.array_equal(fitted.predict(X), fitted.classes_[clone(QUICK).fit(X, Y).predict(X)])


def test_a_fitted_one_is_pickled_with_its_network():
    fitted = clone(QUICK).fit(X, Y)
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.predict_proba(X), fitted.predict_proba(X))


def test_a_training_that_diverges_is_an_error_and_in_a_search_a_score_of_nan():
    wild = clone(QUICK).set_params(optimizer="sgd", lr=1e30)
    with pytest.raises(TrainingDivergedError):
        wild.fit(X, Y)
    search = GridSearchCV(wild, {"lr": [1e30, 0.1]}, cv=2)
    with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
        search.fit(X, Y)
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [True, False]
    assert search.best_params_ == {"lr": 0.1}


def test_it_works_in_pipelines_and_searches_and_its_network_can_be_saved(tmp_path):
    pipeline = make_pipeline(StandardScaler(), QUICK)
    assert cross_val_score(pipeline, X, Y, cv=2).shape == (2,)
    search = GridSearchCV(pipeline, {"netclassifier__lr": [0.001, 0.01]}, cv=2).fit(X, Y)
    net = search.best_estimator_[-1].net_
    net.save(tmp_path / "best.safetensors")
    loaded = ClassificationNet.load(tmp_path / "best.safetensors")
    scaled = search.best_estimator_[0].transform(X).astype(np.float32)
    assert np.array_equal(loaded.predict(scaled), search.predict(X))


def test_epochs_are_a_resource_for_successive_halving():
    search = HalvingRandomSearchCV(
        QUICK, {"lr": [1e-4, 1e-3, 1e-2, 1e-1]}, n_candidates=4, factor=2, resource="epochs", max_resources=4,
        min_resources=1, cv=2, random_state=0,
    ).fit(X, Y)  # fmt: skip
    assert search.n_resources_ == [1, 2, 4]
    assert search.n_candidates_ == [4, 2, 1]


def test_a_network_that_broke_in_its_last_step_has_no_accuracy():
    x, y = np.random.default_rng(0).random((40, 6)), np.arange(40) % 4
    broken = NetClassifier(lr=1e30, optimizer="sgd", epochs=1, batch_size=None, random_state=0).fit(x, y)
    with np.errstate(all="ignore"), pytest.raises(TrainingDivergedError, match="at step 2"):
        broken.predict(x)


def test_a_fit_that_fails_leaves_the_classes_of_the_last_one():
    x, y = np.random.default_rng(0).random((40, 6)), np.arange(40) % 4
    net = NetClassifier(epochs=1, random_state=0).fit(x, y)
    for wrong in ({"epochs": None}, {"epochs": 1, "lr": -1}):
        with pytest.raises((TypeError, ValueError)):
            net.set_params(**wrong).fit(x, ["a", "b"] * 20)
    assert set(net.predict(x)) <= set(range(4))
