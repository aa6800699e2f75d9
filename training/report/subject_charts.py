"""The chart of an evaluation's subjects."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from training.report.assessment import SubjectShares
from training.report.charts import CLASS_COLOURS, FAINT, INK, as_svg, new_figure, shortened

# The subjects with the most errors are named: up to this many of a class, if less than this share is called right.
_MOST_NAMED = 3
_NAMED_BELOW = 0.8


def subjects(rows: Sequence[SubjectShares]) -> Markup:
    """Every subject's share of cells that a probability of 0.5 calls right."""
    figure, (axes,) = new_figure(9.6, 2.6)
    generator = np.random.default_rng(0)
    for line, label in enumerate(("normal", "ALL")):
        of_class = [row for row in rows if row.label == label]
        heights = line + generator.uniform(-0.24, 0.24, len(of_class))
        shares, areas = [row.right_at_half for row in of_class], [_dot_area(row) for row in of_class]
        axes.scatter(shares, heights, areas, CLASS_COLOURS[label], alpha=0.55, edgecolors="white", linewidths=0.8)
        _name_worst(axes, of_class, heights)
        axes.text(-0.02, line + 0.1, label, ha="right", va="center", color=INK, weight="bold")
        axes.text(-0.02, line - 0.12, f"{len(of_class)} subjects", ha="right", va="center", color=FAINT)
    axes.set(xlim=(0, 1.02), ylim=(-0.55, 1.55), yticks=[], xlabel="share of the subject's cells called right at 0.5")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.spines["left"].set_visible(False)
    return as_svg(figure, "Share of each subject's cells called right; the area of a dot is the number of its cells")


def _dot_area(row: SubjectShares) -> float:
    """In square points."""
    return 12 + 2.2 * row.cells


def _name_worst(axes: Axes, rows: Sequence[SubjectShares], heights: NDArray[np.float64]) -> None:
    worst = sorted(zip(rows, heights, strict=True), key=lambda pair: pair[0].right_at_half)[:_MOST_NAMED]
    for row, height in worst:
        if row.right_at_half < _NAMED_BELOW:
            reach = np.sqrt(_dot_area(row)) / 2 + 3  # points from the centre of its dot
            axes.annotate(
                shortened(row.subject),
                (row.right_at_half, height),
                xytext=(reach, 0),
                textcoords="offset points",
                fontsize=8.5,
                va="center",
            )
