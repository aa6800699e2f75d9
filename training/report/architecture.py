"""Draws a network as a row of slabs, from the image to the probability."""

from math import log2, sqrt
from pathlib import Path

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle

from training.report.charts import ALL_COLOUR, FAINT, INK, NORMAL_COLOUR, REVIEW_COLOUR, as_svg, new_figure
from training.report.network_stages import TIMES, Stage, stages

# Colours of slabs by the kind of their first layer; slabs of other kinds have the colour of normal cells.
_COLOURS = {"image": FAINT, "dense": ALL_COLOUR}
# Least width of a stage, so that the labels of neighbours do not touch, and the gap between two stages.
_LEAST_WIDTH, _GAP = 0.36, 0.16


def draw(path: Path) -> Markup:
    """Draw an ONNX graph: the height of a slab is the size of its feature maps, the depth their number."""
    in_order = stages(path)
    largest = max(stage.side for stage in in_order)
    figure, (axes,) = new_figure(9.6, 3.6)
    left = 0.0
    for stage in in_order:
        width = _draw_slab(axes, left, stage, largest) if stage.side else _draw_bar(axes, left, stage)
        _label(axes, left + width / 2, stage)
        left += max(width, _LEAST_WIDTH) + _GAP
    axes.set(xlim=(-0.15, left), ylim=(-1.2, 0.72))
    axes.axis("off")
    return as_svg(figure, "The network, from the image on the left to the probability on the right")


def _draw_slab(axes: Axes, left: float, stage: Stage, largest: int) -> float:
    """Draw feature maps as a slab seen from above and from the right; return its width."""
    colour = _COLOURS.get(next(iter(stage.layers)), NORMAL_COLOUR)
    height, depth = 0.16 + 0.84 * sqrt(stage.side / largest), 0.05 + 0.055 * log2(stage.channels)
    slant = 0.13 * height
    right, bottom, top = left + depth, -height / 2, -height / 2 + height
    axes.add_patch(Rectangle((left, bottom), depth, height, facecolor=colour, alpha=0.85, edgecolor="white"))
    roof = [(left, top), (left + slant, top + slant), (right + slant, top + slant), (right, top)]
    flank = [(right, bottom), (right + slant, bottom + slant), (right + slant, top + slant), (right, top)]
    for corners, alpha in ((roof, 0.45), (flank, 0.62)):
        axes.add_patch(Polygon(corners, facecolor=colour, alpha=alpha, edgecolor="white"))
    return depth + slant


def _draw_bar(axes: Axes, left: float, stage: Stage) -> float:
    """Draw a dense layer as a bar; return its width."""
    height, width = 0.1 + 0.075 * log2(stage.channels + 1), 0.09
    colour = REVIEW_COLOUR if stage.channels == 1 else _COLOURS.get(next(iter(stage.layers)), NORMAL_COLOUR)
    axes.add_patch(Rectangle((left, -height / 2), width, height, facecolor=colour, edgecolor="white"))
    return width


def _label(axes: Axes, centre: float, stage: Stage) -> None:
    size = f"{stage.side}{TIMES}{stage.side}{TIMES}{stage.channels}" if stage.side else f"{stage.channels:,}"
    axes.text(centre, -0.66, size, ha="center", va="top", color=INK, weight="bold", fontsize=9)
    lines = [f"{count} {name}" if count > 1 else name for name, count in stage.layers.items()]
    axes.text(centre, -0.76, "\n".join(lines), ha="center", va="top", color=FAINT, fontsize=8, linespacing=1.5)
