"""`NetClassifier`: a network and its training as one scikit-learn estimator.

With it, all that scikit-learn has for choosing settings works on our networks: `Pipeline`, `cross_val_score`,
`GridSearchCV`, `HalvingRandomSearchCV`. They share their trainings among processes with joblib, and joblib
among machines with Dask. This module needs scikit-learn; nothing else in nn_helpers does.
"""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from nn_helpers.network import ClassificationNet
from nn_helpers.optimizers import make_optimizer
from nn_helpers.support.validation import whole_number
from nn_helpers.training.history import History
from nn_helpers.training.steps import TrainingDivergedError, training_steps


class NetClassifier(ClassifierMixin, BaseEstimator):
    """A `ClassificationNet`, an optimizer and `train` behind scikit-learn's `fit`, `predict` and `score`.

    Parameters
    ----------
    hidden_sizes, activation, reg, dropout, init, dtype
        As for `ClassificationNet`.
    optimizer : {"sgd", "momentum", "rmsprop", "adam", "adamw"}
    lr : float
        The optimizer's learning rate.
    epochs, batch_size
        As for `train`; of fewer examples than `batch_size` all make one batch.
    threads : int, optional
        As for `train`. One, if nothing is said: a search gives each core a training of its own.
    random_state : int, RandomState or None
        For the first weights, dropout and the order of the examples. None draws another seed at each `fit`.

    Attributes
    ----------
    net_ : ClassificationNet
        The trained network; ``net_.save(path)`` keeps it.
    history_ : History
    classes_ : array (C,)
        The labels, in the order of the network's logits.
    n_features_in_ : int
    n_iter_ : int
        How many epochs were trained.

    Examples
    --------
    >>> from nn_helpers import points
    >>> data = points("moons")
    >>> net = NetClassifier(hidden_sizes=(20,), lr=0.01, random_state=0)
    >>> net.fit(data.train.inputs, data.train.labels).score(data.val.inputs, data.val.labels) > 0.8
    True
    """

    def __init__(
        self, hidden_sizes=(100,), *, activation="relu", optimizer="adam", lr=1e-3, epochs=20, batch_size=32,
        reg=0.0, dropout=0.0, init="he", dtype="float32", threads=1, random_state=None,
    ):  # fmt: skip
        self.hidden_sizes, self.activation, self.optimizer, self.lr = hidden_sizes, activation, optimizer, lr
        self.epochs, self.batch_size, self.reg, self.dropout = epochs, batch_size, reg, dropout
        self.init, self.dtype, self.threads, self.random_state = init, dtype, threads, random_state

    def fit(self, X, y):
        """Train a new network on examples X (N, D) and labels y (N,), which may be numbers or text.

        Raises
        ------
        TrainingDivergedError
            When the loss is not finite. A search counts that as a failed fit, and its score as NaN.
        """
        X, y = validate_data(self, X, y, dtype=self.dtype)
        check_classification_targets(y)
        epochs = whole_number("NetClassifier", "epochs", self.epochs, 1)  # without an end there is no fit
        classes, labels = np.unique(y, return_inverse=True)
        first, order = check_random_state(self.random_state).randint(2**31, size=2)
        net = ClassificationNet(
            X.shape[1], self.hidden_sizes, len(classes), activation=self.activation, reg=self.reg,
            init=self.init, dtype=self.dtype, seed=first, dropout=self.dropout,
        )  # fmt: skip
        steps = training_steps(
            net, (X, labels), make_optimizer(self.optimizer, self.lr), epochs=epochs,
            batch_size=self.batch_size and min(self.batch_size, len(X)), seed=order, threads=self.threads,
        )  # fmt: skip
        with np.errstate(over="ignore", invalid="ignore"):  # a training that diverges is told in words
            self.history_ = History(list(steps))
        self.net_, self.n_iter_, self.classes_ = net, epochs, classes
        return self

    def predict_proba(self, X):
        """Return the probability (N, C) of each class, in the order of `classes_`.

        Raises
        ------
        TrainingDivergedError
            When they are not numbers: the last step of the training, after its loss, was too long.
        """
        check_is_fitted(self)
        probabilities = self.net_.predict_proba(validate_data(self, X, dtype=self.dtype, reset=False))
        if not np.isfinite(probabilities).all():
            last = self.history_.records[-1]
            raise TrainingDivergedError(last.step + 1, np.nan, last.lr, last.loss)
        return probabilities

    def predict(self, X):
        """Return the most probable label (N,) of each example."""
        chosen = self.predict_proba(X).argmax(axis=1)
        return self.classes_[chosen]
