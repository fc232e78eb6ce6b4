"""Training, one epoch at a time, so that progress can be told."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

Report = Callable[[int, float, float], None]


def train(
    train_x: np.ndarray,
    train_y: np.ndarray,
    test_x: np.ndarray,
    test_y: np.ndarray,
    *,
    hidden: int,
    epochs: int,
    lr: float,
    seed: int,
    report: Report,
) -> MLPClassifier:
    """Train; calls ``report(epoch, loss, accuracy)`` after each epoch."""
    model = MLPClassifier((hidden,), learning_rate_init=lr, random_state=seed, batch_size=64)
    classes = np.unique(train_y)
    order = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for epoch in range(1, epochs + 1):
            shuffled = order.permutation(len(train_x))
            model.partial_fit(train_x[shuffled], train_y[shuffled], classes)
            report(epoch, float(model.loss_), float(model.score(test_x, test_y)))
    return model
