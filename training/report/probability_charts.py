"""Charts of predicted probabilities: how well they rank cells, and how well they are calibrated."""

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from lambda_fn.decisions import Thresholds
from training.evaluation.metrics import draws_of_subjects
from training.report.charts import (
    ALL_COLOUR,
    CLASS_COLOURS,
    FAINT,
    INK,
    NORMAL_COLOUR,
    RULE,
    Labels,
    Probabilities,
    as_svg,
    new_figure,
)

# Places on the horizontal axis at which curves are drawn, and draws of subjects behind a curve's band.
_GRID = np.linspace(0, 1, 101)
_DRAWS_OF_CURVES = 200
# Bins of the reliability diagram, and of the histogram beside it.
_BINS = 10
_HISTOGRAM_BINS = 40


def curves(probabilities: Probabilities, is_all: Labels, groups: NDArray[np.int64], thresholds: Thresholds) -> Markup:
    """ROC and precision-recall curves, each with the band that holds 95 % of draws of subjects."""
    figure, (roc, recall) = new_figure(9.6, 4.3, (1, 1))
    draws = [
        _both_curves(probabilities[cells], is_all[cells])
        for cells in draws_of_subjects(is_all, groups, seed=0, replicates=_DRAWS_OF_CURVES)
    ]
    whole = _both_curves(probabilities, is_all)
    for axes, curve, curves_of_draws in zip((roc, recall), whole, zip(*draws, strict=True), strict=True):
        low, high = np.quantile(curves_of_draws, (0.025, 0.975), axis=0)
        axes.fill_between(_GRID, low, high, color=INK, alpha=0.09, linewidth=0)
        axes.plot(_GRID, curve, color=INK)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    roc.plot([0, 1], [0, 1], color=RULE, linewidth=1, linestyle="--")
    recall.axhline(is_all.mean(), color=RULE, linewidth=1, linestyle="--")
    for name, threshold, colour in (
        ("at 0.5", 0.5, NORMAL_COLOUR),
        ("operating point", thresholds.operating_point, ALL_COLOUR),
    ):
        called_all = probabilities >= threshold
        sensitivity = called_all[is_all].mean()
        precision = is_all[called_all].mean() if called_all.any() else 1
        roc.plot(called_all[~is_all].mean(), sensitivity, "o", color=colour, markersize=7, label=name)
        recall.plot(sensitivity, precision, "o", color=colour, markersize=7)
    roc.legend(loc="lower right")
    roc.set(title="ROC", xlabel="normal cells called ALL", ylabel="sensitivity: ALL cells called ALL")
    recall.set(title="Precision and recall of ALL", xlabel="recall", ylabel="precision")
    return as_svg(figure, "ROC curve, and precision-recall curve")


def _both_curves(probabilities: Probabilities, is_all: Labels) -> tuple[Probabilities, Probabilities]:
    """Sensitivity over the false positive rate, and precision over recall, both on ``_GRID``."""
    false_positive, sensitivity, _ = roc_curve(is_all, probabilities)
    precision, recall, _ = precision_recall_curve(is_all, probabilities)
    return np.interp(_GRID, false_positive, sensitivity), np.interp(_GRID, recall[::-1], precision[::-1])


def reliability(probabilities: Probabilities, scaled: Probabilities | None, is_all: Labels) -> Markup:
    """Reliability diagram, of scaled probabilities too if there are any; and histogram of probabilities by class."""
    figure, (axes, counts) = new_figure(9.6, 4.0, (1, 1.1))
    axes.plot([0, 1], [0, 1], color=RULE, linewidth=1, linestyle="--")
    if scaled is not None:
        axes.plot(*_reliability(scaled, is_all), "o-", color=FAINT, label="scaled", markersize=5)
    axes.plot(*_reliability(probabilities, is_all), "o-", color=INK, label="as predicted", markersize=5)
    axes.set(title="Reliability", xlabel="predicted probability of ALL", ylabel="share that is ALL", aspect="equal")
    axes.legend(loc="upper left")
    edges = [number / _HISTOGRAM_BINS for number in range(_HISTOGRAM_BINS + 1)]
    for name, of_class in (("normal", ~is_all), ("ALL", is_all)):
        counts.hist(probabilities[of_class], edges, color=CLASS_COLOURS[name], alpha=0.72, label=name)
    counts.set(title="Predicted probabilities", xlabel="probability of ALL", ylabel="cells")
    counts.legend()
    return as_svg(figure, "Reliability diagram, and histogram of predicted probabilities by class")


def _reliability(probabilities: Probabilities, is_all: Labels) -> tuple[list[float], list[float]]:
    """Mean probability and share of ALL in each of the equally wide bins that hold cells."""
    bin_of = np.minimum((probabilities * _BINS).astype(int), _BINS - 1)
    members = [bin_of == number for number in range(_BINS) if (bin_of == number).any()]
    return [float(probabilities[cells].mean()) for cells in members], [float(is_all[cells].mean()) for cells in members]
