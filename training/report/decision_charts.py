"""Charts of decisions: the cells that go to review, and the cost of stricter error rates."""

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import PercentFormatter

from lambda_fn.decisions import Thresholds
from training.evaluation.thresholds import ErrorRates, LabelledPredictions
from training.evaluation.trade_off import TOLERATED, review_shares
from training.report.charts import (
    ALL_COLOUR,
    FAINT,
    INK,
    NORMAL_COLOUR,
    REVIEW_COLOUR,
    Labels,
    Probabilities,
    as_svg,
    new_figure,
)

# Tolerated shares of normal cells decided ALL, with colour and width of the line of each.
_LINES = ((0.20, NORMAL_COLOUR, 1.3), (0.10, INK, 2.2), (0.05, FAINT, 1.3))
# A narrower bar has no room for the number of its share.
_NARROWEST_LABELLED = 0.025


def triage(probabilities: Probabilities, is_all: Labels, thresholds: Thresholds) -> Markup:
    """Of each class, the shares that are decided normal, sent to review, and decided ALL."""
    figure, (axes,) = new_figure(9.6, 1.7)
    review = (probabilities >= thresholds.normal_below) & (probabilities < thresholds.all_from)
    outcomes = (
        ("decided normal", probabilities < thresholds.normal_below, NORMAL_COLOUR),
        ("review", review, REVIEW_COLOUR),
        ("decided ALL", probabilities >= thresholds.all_from, ALL_COLOUR),
    )
    for row, (name, of_class) in enumerate((("normal cells", ~is_all), ("ALL cells", is_all))):
        left = 0.0
        for _, decided, colour in outcomes:
            share = float(decided[of_class].mean())
            axes.barh(row, share, left=left, color=colour, height=0.62, edgecolor="white", linewidth=1.5)
            if share > _NARROWEST_LABELLED:
                axes.text(left + share / 2, row, f"{share:.0%}", ha="center", va="center", color="white", weight="bold")
            left += share
        axes.text(-0.01, row, name, ha="right", va="center", color=INK)
    axes.set(xlim=(0, 1), yticks=[], xticks=[])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    for position, (name, _, colour) in zip((0.0, 0.5, 1.0), outcomes, strict=True):
        alignment = {0.0: "left", 0.5: "center", 1.0: "right"}[position]
        axes.text(position, 1.55, name, color=colour, weight="bold", ha=alignment, va="bottom")
    return as_svg(figure, "Shares of each class that are decided normal, sent to review, and decided ALL")


def trade_off(table: LabelledPredictions, rates: ErrorRates, review_share: float) -> Markup:
    """Share of cells for review over the tolerated rate of missed ALL cells, for three rates of the other error."""
    figure, (axes,) = new_figure(9.6, 3.9)
    shares_of = {tolerated: review_shares(table, tolerated) for tolerated, _, _ in _LINES}
    highest = np.nanmax([review_share, *(share for shares in shares_of.values() for share in shares)])
    label_above = -1.0
    for tolerated, colour, width in _LINES:
        shares = shares_of[tolerated]
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
