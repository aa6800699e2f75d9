"""Sum up the results of each slide: laboratories ask about a patient, not about one cell.

The terminal, the exports and the query ``slides`` in Athena all give the figures that are defined here. All three
packages read this module, so it imports the standard library alone.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from lambda_fn.results import DecisionOrRejected, ResultDocument, decision_or_rejected

# Of fewer scored cells no share is stated. On subjects with fewer cells, a share separated the classes no better than
# chance.
LEAST_CELLS: Final = 5
# A normal distribution has 95 % of its values within this many standard deviations.
_DEVIATIONS = 1.959964

# What people must read beside the figures, one sentence each.
NOTES: Final = (
    "Share of ALL: cells that the model takes for ALL rather than normal (a probability of 0.5 or more), of all scored "
    "cells, decided or not.",
    "The interval (Wilson, 95 %) covers chance only, as if each cell had been drawn on its own. Cells of one slide "
    "resemble each other and the model errs on them together, so the true share may lie outside it.",
    "This compares; it is no verdict on a patient. All cells of a known subject had one label, a real smear is mixed.",
)


class Interval(NamedTuple):
    """The ends of an interval of shares, each 0 to 1."""

    low: float
    high: float


def slide_of(image_key: str, depth: int | None = None) -> str:
    """Return the slide of an image: the folder of its key, with the slash at its end.

    A slide is thereby a prefix of the keys of its images. Images outside any folder share the slide ``""``.

    Args:
        image_key: key of the image.
        depth: the slide is at most this many folders from the left; None for the whole folder, 0 for one slide of all
            images.
    """
    folders = image_key.split("/")[:-1]
    return "".join(f"{folder}/" for folder in folders[:depth])


def share_interval(count: int, cells: int) -> Interval:
    """Return the 95 % interval of a share, by Wilson's score method, for cells drawn independently of each other.

    Wilson (1927), Journal of the American Statistical Association 22, 209-212. Brown, Cai & DasGupta (2001),
    Statistical Science 16, 101-133, recommend it for small numbers.

    Args:
        count: cells that are counted, 0 to ``cells``.
        cells: all cells, at least 1.
    """
    squared = _DEVIATIONS**2
    centre = (count + squared / 2) / (cells + squared)
    reach = _DEVIATIONS / (cells + squared) * math.sqrt(count * (cells - count) / cells + squared / 4)
    # Rounding errors would put the ends beside a share of 0 or 1.
    return Interval(min(max(centre - reach, 0.0), count / cells), max(min(centre + reach, 1.0), count / cells))


@dataclass(frozen=True)
class SlideSummary:
    """The results of one slide.

    Attributes:
        slide: the slide's name, as ``slide_of`` gives it.
        images: number of results. It is the sum of the next four.
        decided_all: images decided ALL.
        decided_normal: images decided normal.
        for_review: scored images that a person should decide on.
        rejected: images that could not be scored.
        scored: number of scored cells.
        scored_all: scored cells that are likelier ALL than normal.
        share_all: ``scored_all`` divided by ``scored``, 0 to 1; None of fewer than ``LEAST_CELLS`` scored cells.
        share_all_low: lower end of the share's 95 % interval; None without a share.
        share_all_high: upper end.
        mean_probability_all: mean probability of ALL of the scored cells, 0 to 1; None without a share.
        models: number of models that scored the cells.
        model: version of the model, if it is one; else None.
    """

    slide: str
    images: int
    decided_all: int
    decided_normal: int
    for_review: int
    rejected: int
    scored: int
    scored_all: int
    share_all: float | None
    share_all_low: float | None
    share_all_high: float | None
    mean_probability_all: float | None
    models: int
    model: str | None

    @property
    def unstated(self) -> str | None:
        """Why no share is stated; None if one is."""
        return f"under {LEAST_CELLS} cells" if self.share_all is None else None


@dataclass(slots=True)
class _Tally:
    decisions: Counter[DecisionOrRejected] = field(default_factory=Counter)
    scored: int = 0
    scored_all: int = 0
    sum_of_probabilities: float = 0.0
    models: set[str] = field(default_factory=set)

    def add(self, document: ResultDocument) -> None:
        self.decisions[decision_or_rejected(document)] += 1
        prediction = document["prediction"]
        if prediction is None:
            return
        self.scored += 1
        self.scored_all += prediction["label"] == "ALL"
        self.sum_of_probabilities += prediction["probability_all"]
        self.models.add(document["model"]["version"])

    def summary(self, slide: str) -> SlideSummary:
        stated = self.scored >= LEAST_CELLS
        interval = share_interval(self.scored_all, self.scored) if stated else None
        return SlideSummary(
            slide=slide,
            images=self.decisions.total(),
            decided_all=self.decisions["ALL"],
            decided_normal=self.decisions["normal"],
            for_review=self.decisions["review"],
            rejected=self.decisions["rejected"],
            scored=self.scored,
            scored_all=self.scored_all,
            share_all=self.scored_all / self.scored if stated else None,
            share_all_low=interval.low if interval else None,
            share_all_high=interval.high if interval else None,
            mean_probability_all=self.sum_of_probabilities / self.scored if stated else None,
            models=len(self.models),
            model=next(iter(self.models)) if len(self.models) == 1 else None,
        )


class SlideTallies:
    """Sums up slides while results are read, in any order. Memory grows with the slides, not with the results."""

    def __init__(self, depth: int | None = None) -> None:
        """Start without results; ``depth`` is that of ``slide_of``."""
        self._depth = depth
        self._tallies: dict[str, _Tally] = {}

    def add(self, document: ResultDocument) -> None:
        """Count one result."""
        slide = slide_of(document["image"]["key"], self._depth)
        tally = self._tallies.get(slide)
        if tally is None:
            tally = self._tallies[slide] = _Tally()
        tally.add(document)

    def summaries(self) -> list[SlideSummary]:
        """Return what was counted so far, by the slides' names in rising order."""
        return [tally.summary(slide) for slide, tally in sorted(self._tallies.items())]
