"""The charts of an evaluation."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from lambda_fn.decisions import Thresholds
from training.evaluation.metrics import Estimate, draws_of_subjects
from training.evaluation.thresholds import ErrorRates
from training.evaluation.trade_off import TOLERATED, review_shares
from training.report.charts import (
    ALL_COLOUR,
    CLASS_COLOURS,
    FAINT,
    INK,
    NORMAL_COLOUR,
    REVIEW_COLOUR,
    RULE,
    as_svg,
    new_figure,
    shortened,
)

Probabilities = NDArray[np.float64]
Labels = NDArray[np.bool_]
_GRID = np.linspace(0, 1, 101)
_DRAWS_OF_CURVES = 200


def curves(probabilities: Probabilities, is_all: Labels, groups: NDArray[np.int64], thresholds: Thresholds) -> Markup:
    """ROC and precision-recall curves, with the band that 95 % of draws of subjects lie in."""
    figure, (roc, recall) = new_figure(9.6, 4.3, (1, 1))
    drawn: tuple[list[Probabilities], list[Probabilities]] = ([], [])
    for chosen in draws_of_subjects(is_all, groups, seed=0, replicates=_DRAWS_OF_CURVES):
        for kept, curve in zip(drawn, _both_curves(probabilities[chosen], is_all[chosen]), strict=True):
            kept.append(curve)
    for axes, kept, curve in zip((roc, recall), drawn, _both_curves(probabilities, is_all), strict=True):
        low, high = np.quantile(kept, (0.025, 0.975), axis=0)
        axes.fill_between(_GRID, low, high, color=INK, alpha=0.09, linewidth=0)
        axes.plot(_GRID, curve, color=INK)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    roc.plot([0, 1], [0, 1], color=RULE, linewidth=1, linestyle="--")
    recall.axhline(is_all.mean(), color=RULE, linewidth=1, linestyle="--")
    for name, threshold, colour in (
        ("at 0.5", 0.5, NORMAL_COLOUR),
        ("operating point", thresholds.operating_point, ALL_COLOUR),
    ):
        called = probabilities >= threshold
        sensitivity = called[is_all].mean()
        roc.plot(called[~is_all].mean(), sensitivity, "o", color=colour, markersize=7, label=name)
        recall.plot(sensitivity, is_all[called].mean() if called.any() else 1, "o", color=colour, markersize=7)
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
    """How often cells with a given probability are ALL, as predicted and, if given, after scaling; and how many."""
    figure, (axes, counts) = new_figure(9.6, 4.0, (1, 1.1))
    axes.plot([0, 1], [0, 1], color=RULE, linewidth=1, linestyle="--")
    for values, colour, name in (
        (scaled, FAINT, "scaled"),
        (probabilities, INK, "as predicted"),
    ):
        if values is None:
            continue
        bins = np.minimum((values * 10).astype(int), 9)
        used = [number for number in range(10) if (bins == number).any()]
        predicted = [values[bins == number].mean() for number in used]
        seen = [is_all[bins == number].mean() for number in used]
        axes.plot(predicted, seen, "o-", color=colour, label=name, markersize=5)
    axes.set(title="Reliability", xlabel="predicted probability of ALL", ylabel="share that is ALL", aspect="equal")
    axes.legend(loc="upper left")
    edges = [number / 40 for number in range(41)]
    for name, of_class in (("normal", ~is_all), ("ALL", is_all)):
        counts.hist(probabilities[of_class], edges, color=CLASS_COLOURS[name], alpha=0.72, label=name)
    counts.set(title="Predicted probabilities", xlabel="probability of ALL", ylabel="cells")
    counts.legend()
    return as_svg(figure, "Reliability diagram, and histogram of predicted probabilities by class")


def triage(probabilities: Probabilities, is_all: Labels, thresholds: Thresholds) -> Markup:
    """Of each class, the shares that are decided normal, sent to review, and decided ALL."""
    figure, (axes,) = new_figure(9.6, 1.7)
    review = (probabilities >= thresholds.normal_below) & (probabilities < thresholds.all_from)
    parts = (
        ("decided normal", probabilities < thresholds.normal_below, NORMAL_COLOUR),
        ("review", review, REVIEW_COLOUR),
        ("decided ALL", probabilities >= thresholds.all_from, ALL_COLOUR),
    )
    for row, (name, of_class) in enumerate((("normal cells", ~is_all), ("ALL cells", is_all))):
        left = 0.0
        for _, chosen, colour in parts:
            share = float(chosen[of_class].mean())
            axes.barh(row, share, left=left, color=colour, height=0.62, edgecolor="white", linewidth=1.5)
            if share > 0.025:
                axes.text(left + share / 2, row, f"{share:.0%}", ha="center", va="center", color="white", weight="bold")
            left += share
        axes.text(-0.01, row, name, ha="right", va="center", color=INK)
    axes.set(xlim=(0, 1), yticks=[], xticks=[])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    for position, (name, _, colour) in zip((0.0, 0.5, 1.0), parts, strict=True):
        alignment = {0.0: "left", 0.5: "center", 1.0: "right"}[position]
        axes.text(position, 1.55, name, color=colour, weight="bold", ha=alignment, va="bottom")
    return as_svg(figure, "Shares of each class that are decided normal, sent to review, and decided ALL")


def trade_off(probabilities: Probabilities, is_all: Labels, rates: ErrorRates, review_share: float) -> Markup:
    """The share of cells for review over the tolerated rate of missed ALL cells, for three rates of the other error."""
    figure, (axes,) = new_figure(9.6, 3.9)
    lines = [(rate, review_shares(probabilities, is_all, rate)) for rate in (0.20, 0.10, 0.05)]
    highest = np.nanmax([share for _, shares in lines for share in (*shares, review_share)])
    label_above = -1.0
    for (tolerated, shares), colour, width in zip(lines, (NORMAL_COLOUR, INK, FAINT), (1.3, 2.2, 1.3), strict=True):
        axes.plot(TOLERATED, shares, "o-", color=colour, markersize=3.5, linewidth=width)
        end = shares[-1] if np.isfinite(shares[-1]) else 0.0
        label_above = max(end, label_above + 0.07 * highest)  # so that no label hides another
        axes.text(
            TOLERATED[-1] + 0.003, label_above, f"at most {tolerated:.0%} of normal cells decided ALL",
            color=colour, va="center",
        )  # fmt: skip
    axes.plot(rates.all_decided_normal, review_share, "o", color=ALL_COLOUR, markersize=9, zorder=5)
    axes.annotate(
        f"the stated rates: {review_share:.0%} to review",
        (rates.all_decided_normal, review_share), xytext=(12, 14), textcoords="offset points",
        color=ALL_COLOUR, weight="bold", bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
    )  # fmt: skip
    axes.set(
        xlim=(0, 0.215), ylim=(0, None), xlabel="tolerated share of ALL cells decided normal without review",
        title="What stricter promises cost", ylabel="share of cells for review",
        xticks=(0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15),
    )  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    return as_svg(figure, "Share of cells for review over the tolerated error rates")


def intervals(rows: Sequence[tuple[str, Estimate, str]]) -> Markup:
    """Figures as points with their intervals; each row has a name, an estimate from 0 to 1, and a colour."""
    figure, (axes,) = new_figure(9.6, 0.34 * len(rows) + 0.5)
    for row, (name, estimate, colour) in enumerate(reversed(rows)):
        axes.plot(
            [estimate.low, estimate.high], [row, row], color=colour, linewidth=5, alpha=0.28, solid_capstyle="butt"
        )
        axes.plot(estimate.value, row, "o", color=colour, markersize=7)
        axes.text(-0.012, row, name, ha="right", va="center", color=INK)
        axes.text(
            1.015, row, f"{estimate.value:.3f}  ({estimate.low:.3f} to {estimate.high:.3f})",
            va="center", color=INK, family="sans-serif",
        )  # fmt: skip
    axes.set(xlim=(0, 1), ylim=(-0.7, len(rows) - 0.3), yticks=[])
    axes.spines["left"].set_visible(False)
    return as_svg(figure, "Figures with their 95 % intervals")


def subjects(rows: Sequence[tuple[str, str, int, float, float]]) -> Markup:
    """Every subject's share of cells that a probability of 0.5 calls right.

    Args:
        rows: subject, class, number of cells, share called right, and share for review.
    """
    figure, (axes,) = new_figure(9.6, 2.6)
    generator = np.random.default_rng(0)
    for row, label in enumerate(("normal", "ALL")):
        of_class = [each for each in rows if each[1] == label]
        heights = row + generator.uniform(-0.24, 0.24, len(of_class))
        sizes = [12 + 2.2 * cells for _, _, cells, _, _ in of_class]
        shares = [right for _, _, _, right, _ in of_class]
        axes.scatter(shares, heights, sizes, CLASS_COLOURS[label], alpha=0.55, edgecolors="white", linewidths=0.8)
        _name_worst(axes, of_class, heights)
        axes.text(-0.02, row + 0.1, label, ha="right", va="center", color=INK, weight="bold")
        axes.text(-0.02, row - 0.12, f"{len(of_class)} subjects", ha="right", va="center", color=FAINT)
    axes.set(xlim=(0, 1.02), ylim=(-0.55, 1.55), yticks=[], xlabel="share of the subject's cells called right at 0.5")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.spines["left"].set_visible(False)
    return as_svg(figure, "Share of each subject's cells called right; the area of a dot is the number of its cells")


def _name_worst(
    axes: Axes, rows: Sequence[tuple[str, str, int, float, float]], heights: NDArray[np.float64], most: int = 3
) -> None:
    worst = sorted(zip(rows, heights, strict=True), key=lambda pair: pair[0][3])[:most]
    for (subject, _, cells, right, _), height in worst:
        if right < 0.8:
            reach = np.sqrt(12 + 2.2 * cells) / 2 + 3  # points from the centre of its dot
            axes.annotate(
                shortened(subject),
                (right, height),
                xytext=(reach, 0),
                textcoords="offset points",
                fontsize=8.5,
                va="center",
            )
