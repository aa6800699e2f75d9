"""The histogram of the probabilities of ALL: counts, and the places of its bars on the page."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from lambda_fn.decisions import Decision, Thresholds
from lambda_fn.results import ResultDocument

BINS: Final = 40
# Units of the drawing: the plot without its margins.
WIDTH: Final = 800.0
HEIGHT: Final = 180.0
# From the bottom of a bar to its top.
_ORDER: Final[tuple[Decision, ...]] = ("normal", "review", "ALL")


@dataclass
class ScoreCounts:
    """Number of scored cells by bin of the probability of ALL, and by decision."""

    counts: Counter[tuple[int, Decision]] = field(default_factory=Counter)

    def add(self, document: ResultDocument) -> None:
        """Count a result, if it has a score."""
        if document["prediction"]:
            number = int(document["prediction"]["probability_all"] * BINS)
            self.counts[min(number, BINS - 1), document["decision"]] += 1


@dataclass(frozen=True)
class Bar:
    """A part of a bar in units of the drawing, with its corner at the upper left, and the cells that it stands for."""

    x: float
    y: float
    width: float
    height: float
    decision: Decision
    cells: int


@dataclass(frozen=True)
class Line:
    """A threshold in units of the drawing, and its meaning."""

    x: float
    words: str


@dataclass(frozen=True)
class Histogram:
    """Everything that is drawn.

    Attributes:
        bars: the bars' parts.
        lines: the thresholds, from left to right.
        highest: cells of the highest bar.
        middle: cells at half the height, if that is a whole number; else None.
    """

    bars: list[Bar]
    lines: list[Line]
    highest: int
    middle: int | None


def draw_histogram(scores: ScoreCounts, thresholds: Thresholds | None) -> Histogram:
    """Lay out the histogram; None for ``thresholds`` draws none."""
    totals = [sum(scores.counts[number, decision] for decision in _ORDER) for number in range(BINS)]
    highest = max(totals)
    bars = []
    step = WIDTH / BINS
    for number in range(BINS):
        base = HEIGHT
        for decision in _ORDER:
            if cells := scores.counts[number, decision]:
                height = HEIGHT * cells / highest
                base -= height
                bars.append(Bar(number * step + 1, base, step - 2, height, decision, cells))
    return Histogram(bars, _lines(thresholds) if thresholds else [], highest, None if highest % 2 else highest // 2)


def _lines(thresholds: Thresholds) -> list[Line]:
    lines = []
    if thresholds.normal_below > 0:
        lines.append(Line(WIDTH * thresholds.normal_below, f"normal below {thresholds.normal_below:.2f}"))
    if thresholds.all_from <= 1:
        lines.append(Line(WIDTH * thresholds.all_from, f"ALL from {thresholds.all_from:.2f}"))
    return lines
