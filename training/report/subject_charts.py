"""The chart of an evaluation's subjects."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from lambda_fn.known_subjects import Quantiles
from training.evaluation.subject_shares import SubjectComparison, SubjectShares
from training.report.charts import CLASS_COLOURS, FAINT, INK, as_svg, new_figure, shortened

# The subjects that lie nearest to the other class are named: up to this many of a class, if they are beyond its middle.
_MOST_NAMED = 3
_MIDDLE = 0.5
# Height of the bar from the lower to the upper quartile; the lines of the classes are 1 apart.
_BAR = 0.62


def subjects(rows: Sequence[SubjectShares], comparison: SubjectComparison) -> Markup:
    """Share of each subject's cells that are called ALL, and their mean probability of ALL, with the quartiles."""
    figure, (left, right) = new_figure(9.6, 2.9, (1, 1))
    stated = [row for row in rows if row.share_all is not None]
    shares = {row: row.share_all or 0.0 for row in stated}
    means = {row: row.mean_probability_all or 0.0 for row in stated}
    for line, label in enumerate(("normal", "ALL")):
        of_class = sorted((row for row in stated if row.label == label), key=lambda row: shares[row])
        spread = comparison.spread.get(label)
        # Steps by the golden ratio keep neighbours in the order of shares far apart in height.
        heights = np.array([line + 0.52 * (place * 0.618034 % 1 - 0.5) for place in range(len(of_class))], np.float64)
        for axes, values, quantiles in (
            (left, shares, spread.share_all if spread else None),
            (right, means, spread.mean_probability_all if spread else None),
        ):
            found = np.array([values[row] for row in of_class], np.float64)
            _draw(axes, of_class, found, heights, line, label, quantiles)
        left.text(-0.04, line + 0.1, label, ha="right", va="center", color=INK, weight="bold")
        left.text(-0.04, line - 0.13, f"{len(of_class)} subjects", ha="right", va="center", color=FAINT)
    for axes, title in ((left, "share of the subject's cells called ALL at 0.5"), (right, "mean probability of ALL")):
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.5, 1.5), yticks=[], xlabel=title)
        axes.spines["left"].set_visible(False)
    left.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return as_svg(
        figure,
        "Share of each subject's cells called ALL, and their mean probability; a dot's area is the number of its cells",
    )


def _draw(
    axes: Axes,
    rows: Sequence[SubjectShares],
    values: NDArray[np.float64],
    heights: NDArray[np.float64],
    line: int,
    label: str,
    quantiles: Quantiles | None,
) -> None:
    colour = CLASS_COLOURS[label]
    if quantiles:
        axes.barh(
            line, quantiles.upper_quartile - quantiles.lower_quartile, _BAR, quantiles.lower_quartile, color=colour,
            alpha=0.16,
        )  # fmt: skip
        axes.vlines(quantiles.median, line - _BAR / 2, line + _BAR / 2, colour)
    areas = [_dot_area(row) for row in rows]
    axes.scatter(values, heights, areas, colour, alpha=0.55, edgecolors="white", linewidths=0.8, zorder=3)
    _name_nearest_to_the_other_class(axes, rows, values, heights, label)


def _name_nearest_to_the_other_class(
    axes: Axes, rows: Sequence[SubjectShares], values: NDArray[np.float64], heights: NDArray[np.float64], label: str
) -> None:
    beyond = _MIDDLE - values if label == "ALL" else values - _MIDDLE
    for place in np.argsort(-beyond)[:_MOST_NAMED]:
        if beyond[place] > 0:
            axes.annotate(
                shortened(rows[place].subject),
                (values[place], heights[place]),
                xytext=(np.sqrt(_dot_area(rows[place])) / 2 + 3, 0),  # points from the centre of its dot
                textcoords="offset points",
                fontsize=8.5,
                va="center",
            )


def _dot_area(row: SubjectShares) -> float:
    """In square points."""
    return 12 + 0.9 * row.cells
