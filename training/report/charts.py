"""The look of all charts, and their conversion to parts of a page."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

# Arrays of shape (n,) for the cells of a chart: probability of ALL, 0 to 1; and true for a cell labelled ALL.
Probabilities = NDArray[np.float64]
Labels = NDArray[np.bool_]

# People with any kind of colour vision can tell these apart (Okabe & Ito 2008); text in them is legible on white.
ALL_COLOUR, NORMAL_COLOUR, REVIEW_COLOUR = "#b5432a", "#1f6fa8", "#b98300"
INK, FAINT, RULE = "#1c2430", "#667085", "#d9dee7"
CLASS_COLOURS = {"ALL": ALL_COLOUR, "normal": NORMAL_COLOUR}

_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Inter", "Helvetica Neue", "Arial", "DejaVu Sans"],
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": FAINT,
    "axes.labelsize": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#eef1f6",
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "svg.fonttype": "none",  # text stays text: small, sharp, searchable
    "svg.hashsalt": "cellflag",  # the same data give the same bytes
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the reports' look while the context lasts."""
    with matplotlib.rc_context(_STYLE):
        yield


def new_figure(width: float, height: float, width_ratios: Sequence[float] = (1,)) -> tuple[Figure, list[Axes]]:
    """A figure without a window.

    Args:
        width: in inches; a page is 10 wide.
        height: in inches.
        width_ratios: relative widths of charts side by side.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, len(width_ratios), squeeze=False, width_ratios=width_ratios)
    return figure, list(axes[0])


def as_svg(figure: Figure, title: str) -> Markup:
    """Convert a figure to an ``<svg>`` element.

    Args:
        figure: what is shown.
        title: description for people who cannot see it.
    """
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    drawing = file.getvalue()
    # Safe as markup: matplotlib wrote it, and all that comes from data are numbers and escaped labels.
    markup = Markup(drawing[drawing.index("<svg") :])
    return Markup('<figure role="img" aria-label="{}">{}</figure>').format(title, markup)


def shortened(name: str, most: int = 10) -> str:
    """The end of a long name; the names of a data set often begin alike."""
    return name if len(name) <= most else f"…{name[-most + 1 :]}"
