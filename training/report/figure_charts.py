"""The chart of all figures of an evaluation with their intervals."""

from markupsafe import Markup

from training.evaluation.metrics import Metrics
from training.report.charts import ALL_COLOUR, INK, NORMAL_COLOUR, REVIEW_COLOUR, as_svg, new_figure

# Name on the chart, part and name in the metrics, and colour of each figure.
_FIGURES = (
    ("area under the ROC curve", "ranking", "roc_auc", INK),
    ("area under precision-recall", "ranking", "average_precision", INK),
    ("weighted F1 at 0.5", "at_half", "weighted_f1", NORMAL_COLOUR),
    ("accuracy at 0.5", "at_half", "accuracy", NORMAL_COLOUR),
    ("balanced accuracy at 0.5", "at_half", "balanced_accuracy", NORMAL_COLOUR),
    ("sensitivity at 0.5", "at_half", "sensitivity", NORMAL_COLOUR),
    ("specificity at 0.5", "at_half", "specificity", NORMAL_COLOUR),
    ("weighted F1, operating point", "at_operating_point", "weighted_f1", ALL_COLOUR),
    ("accuracy, operating point", "at_operating_point", "accuracy", ALL_COLOUR),
    ("balanced accuracy, op. point", "at_operating_point", "balanced_accuracy", ALL_COLOUR),
    ("sensitivity, operating point", "at_operating_point", "sensitivity", ALL_COLOUR),
    ("specificity, operating point", "at_operating_point", "specificity", ALL_COLOUR),
    ("cells for review", "triage", "review_share", REVIEW_COLOUR),
)


def intervals(metrics: Metrics) -> Markup:
    """Figures as points, with their 95 % intervals and their values."""
    figure, (axes,) = new_figure(9.6, 0.34 * len(_FIGURES) + 0.5)
    for row, (name, part, key, colour) in enumerate(reversed(_FIGURES)):
        estimate = metrics[part][key]
        axes.plot(
            [estimate.low, estimate.high], [row, row], color=colour, linewidth=5, alpha=0.28, solid_capstyle="butt"
        )
        axes.plot(estimate.value, row, "o", color=colour, markersize=7)
        axes.text(-0.012, row, name, ha="right", va="center", color=INK)
        axes.text(
            1.015, row, f"{estimate.value:.3f}  ({estimate.low:.3f} to {estimate.high:.3f})",
            va="center", color=INK, family="sans-serif",
        )  # fmt: skip
    axes.set(xlim=(0, 1), ylim=(-0.7, len(_FIGURES) - 0.3), yticks=[])
    axes.spines["left"].set_visible(False)
    return as_svg(figure, "Figures with their 95 % intervals")
