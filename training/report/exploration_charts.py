"""The charts of an exploration."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib import colormaps
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from lambda_fn.decisions import Label
from training.data.class_differences import ClassDifference
from training.data.exploration import Exploration
from training.data.measures import MEASURES
from training.report.charts import CLASS_COLOURS, FAINT, INK, as_svg, new_figure, shortened

# Points of a density curve.
_CURVE_POINTS = 200
# Bars are named by subjects if there are no more than this.
_MOST_NAMED = 60
# Effects with a p-value below this are coloured.
_SIGNIFICANT = 0.05
# Mean images that differ by this many grey levels or more get the deepest colour.
DEEPEST = 12.0


def subjects(exploration: Exploration) -> Markup:
    """Cells of each subject, the largest first."""
    counts = []
    for label, of_class in (("ALL", exploration.is_all), ("normal", ~exploration.is_all)):
        names, cells = np.unique(exploration.subjects[of_class], return_counts=True)
        counts += [(label, str(name), int(count)) for name, count in zip(names, cells, strict=True)]
    counts.sort(key=lambda row: (row[0], -row[2]))
    figure, (axes,) = new_figure(9.6, 2.9)
    tallest = max(row[2] for row in counts)
    places = [number + (2 if label == "normal" else 0) for number, (label, _, _) in enumerate(counts)]
    axes.bar(places, [row[2] for row in counts], color=[CLASS_COLOURS[row[0]] for row in counts], width=0.78)
    if len(counts) <= _MOST_NAMED:
        axes.set_xticks(places, [shortened(row[1]) for row in counts], rotation=90, fontsize=8)
    else:
        axes.set_xticks([])
    for label, colour in CLASS_COLOURS.items():
        places_of_class = [place for place, row in zip(places, counts, strict=True) if row[0] == label]
        title = f"{label}: {len(places_of_class)} subjects"
        axes.text(places_of_class[0] - 0.4, 1.08 * tallest, title, color=colour, weight="bold")
    axes.set(ylabel="cells", xlim=(places[0] - 1, places[-1] + 1), ylim=(0, 1.16 * tallest))
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.grid(visible=False, axis="x")
    return as_svg(figure, "Number of cells of each subject, by class")


def distributions(exploration: Exploration) -> Markup:
    """Density of every measure by class; each tick below the curves is the mean of one subject."""
    columns = 3
    rows = -(-len(MEASURES) // columns)
    figure, _ = new_figure(9.6, 2.25 * rows)
    figure.clear()
    grid = figure.subplots(rows, columns).ravel()
    for axes in grid[len(MEASURES) :]:
        axes.set_axis_off()
    for number, (axes, name) in enumerate(zip(grid, MEASURES, strict=False)):
        values = exploration.measures[:, number]
        low, high = np.quantile(values, (0.002, 0.998))
        places = np.linspace(low, high, _CURVE_POINTS)
        tallest = 0.0
        for label, of_class in (("normal", ~exploration.is_all), ("ALL", exploration.is_all)):
            curve = _density(values[of_class], places)
            tallest = max(tallest, float(curve.max()))
            axes.fill_between(places, curve, color=CLASS_COLOURS[label], alpha=0.28, linewidth=0)
            axes.plot(places, curve, color=CLASS_COLOURS[label], linewidth=1.5)
        for row, (label, of_class) in enumerate((("ALL", exploration.is_all), ("normal", ~exploration.is_all))):
            means = [float(cells.mean()) for cells in exploration.by_subject(number, of_class)]
            height = -(0.09 + 0.11 * row) * tallest
            axes.scatter(means, np.full(len(means), height), 26, CLASS_COLOURS[label], marker="|", linewidths=1.1)
        axes.set(yticks=[], title=name, ylim=(-0.29 * tallest, 1.08 * tallest))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.spines["left"].set_visible(False)
    return as_svg(figure, "Distributions of morphology, texture and colour by class")


def _density(values: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """A Gaussian kernel density, its width by Silverman's rule (1986, Density Estimation, section 3.4.2)."""
    middle_half = np.subtract(*np.quantile(values, (0.75, 0.25))) / 1.349
    spread = min(values.std(), middle_half) or values.std() or 1.0
    width = 0.9 * spread * len(values) ** -0.2
    counts, edges = np.histogram(values, 512, (places[0] - 4 * width, places[-1] + 4 * width))
    centres = (edges[1:] + edges[:-1]) / 2
    kernel = np.exp(-0.5 * ((places[:, None] - centres) / width) ** 2)
    return np.asarray(kernel @ counts / (len(values) * width * np.sqrt(2 * np.pi)))


def superiorities(differences: Sequence[ClassDifference]) -> Markup:
    """Effect size of every measure over subjects, with corrected p-values."""
    figure, (axes,) = new_figure(9.6, 0.33 * len(differences) + 0.75)
    for row, each in enumerate(reversed(differences)):
        significant = each.p_value < _SIGNIFICANT
        colour = CLASS_COLOURS["ALL" if each.superiority > 0.5 else "normal"] if significant else FAINT
        axes.plot([0.5, each.superiority], [row, row], color=colour, linewidth=3, alpha=0.5)
        axes.plot(each.superiority, row, "o", color=colour, markersize=8)
        axes.text(-0.015, row, each.measure, ha="right", va="center", color=INK)
        p_value = "p < 0.001" if each.p_value < 0.001 else f"p = {each.p_value:.3f}"
        axes.text(1.015, row, p_value, va="center", color=INK if significant else FAINT)
    axes.axvline(0.5, color=INK, linewidth=1)
    axes.set(
        xlim=(0, 1), ylim=(-0.7, len(differences) - 0.3), yticks=[], xticks=(0, 0.25, 0.5, 0.75, 1),
        xlabel="how likely a subject with ALL has the higher mean than a healthy one",
    )  # fmt: skip
    axes.spines["left"].set_visible(False)
    return as_svg(figure, "Effect sizes of all measures, over subjects")


def difference(means: dict[Label, NDArray[np.float64]]) -> NDArray[np.uint8]:
    """Difference of the mean images in brightness: red where ALL is brighter, blue where it is darker.

    Returns:
        uint8 array of shape (300, 300, 3).
    """
    change = (means["ALL"] - means["normal"]).mean(axis=2)
    coloured = colormaps["RdBu_r"](0.5 + change / (2 * DEEPEST))
    return np.asarray(coloured[..., :3] * 255, np.uint8)
