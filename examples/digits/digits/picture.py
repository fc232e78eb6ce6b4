"""A picture of what the model mixes up."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from sklearn.metrics import ConfusionMatrixDisplay


def confusion(labels, predicted, file: Path):
    """Draw the confusion matrix into ``file``; returns the figure."""
    figure, axes = plt.subplots(figsize=(5, 5))
    ConfusionMatrixDisplay.from_predictions(labels, predicted, ax=axes, colorbar=False)
    figure.savefig(file)
    return figure
