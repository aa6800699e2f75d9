"""Tells whether a model keeps its word in a laboratory: which share of a class is decided wrongly, and which may be.

The share can be told only from *audits*: decided cells that were drawn by chance, and labelled by a person who saw
nothing of the model's view. The errors lie among decided cells, so labels of flagged cells alone say nothing of them.
With the audits, labels of flagged cells tell how many cells of the class there are in all.

All three packages read this module, so it imports the standard library alone.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from lambda_fn.betting import Audit, against_at_least, against_at_most
from lambda_fn.slides import LEAST_CELLS, Interval

# ``open``: it cannot be said yet.
Verdict = Literal["holds", "broken", "open"]
# ``no_audits``: no decided cell was drawn and labelled blind. ``nothing_decided``: no cell was decided as the class
# that would be wrong.
WhyOpen = Literal["no_audits", "nothing_decided"]

# The chance of a wrong "broken", and of a wrong "holds", over all days on which one looks.
RISK: Final = 0.05
# A rate that more audits than this could not tell from the promised one is not worth a number.
MOST_AUDITS: Final = 20_000
# Slides that a mean over slides needs, and draws of slides behind its interval.
LEAST_SLIDES: Final = 5
_DRAWS = 1000
_SEED = 0


@dataclass(frozen=True)
class ClassEvidence:
    """What is known of the cells of one class, ALL or normal, in a laboratory or on a slide.

    Attributes:
        decided: number of decided cells, of which the audits were drawn.
        decided_wrong_way: those among them that were decided as the other class: only they can be errors.
        errors: audited cells of the class that were decided as the other class.
        right: audited cells of the class that were decided as it.
        others: audited cells that are not of the class, and those of which the reviewer could not say it.
        flagged: number of cells that went to review.
        flagged_labelled: those among them that have a label, ``cannot_say`` included.
        flagged_of_class: those among them that were labelled as this class.
    """

    decided: int = 0
    decided_wrong_way: int = 0
    errors: int = 0
    right: int = 0
    others: int = 0
    flagged: int = 0
    flagged_labelled: int = 0
    flagged_of_class: int = 0

    @property
    def audits(self) -> int:
        """The number of audited cells."""
        return self.errors + self.right + self.others

    @property
    def rate(self) -> float | None:
        """The estimated share of the class that is decided wrongly, 0 to 1; None if nothing can be said of it.

        Each audited cell stands for as many decided cells as there are for an audit. Flagged cells without a label are
        taken to be like those with one.
        """
        if not self.audits or (self.flagged and not self.flagged_labelled):
            return None
        weight = self.decided / self.audits
        of_class = weight * (self.errors + self.right) + _scaled(
            self.flagged_of_class, self.flagged, self.flagged_labelled
        )
        return weight * self.errors / of_class if of_class else None


@dataclass(frozen=True)
class Judgement:
    """An answer on one promise.

    Attributes:
        verdict: ``holds``, ``broken``, or ``open`` if it cannot be said yet.
        why_open: what is missing; None if only more audits are, or if there is a verdict.
        promised: the promised rate.
        rate: the estimated rate; None if nothing can be said of it.
        interval: rates that the audits do not refute. Each end has a confidence of 95 %, on all days together. Flagged
            cells without a label may be of any class. None without audits.
        audits_more: audits that are still needed if they turn out like those so far; None with a verdict, without
            audits, or if they are more than ``MOST_AUDITS``.
    """

    verdict: Verdict
    why_open: WhyOpen | None
    promised: float
    rate: float | None
    interval: Interval | None
    audits_more: int | None


def judge(evidence: ClassEvidence, promised: float) -> Judgement:
    """Judge a promise. The answer may be asked for after every label: it is wrong with a chance of ``RISK`` at most.

    Args:
        evidence: of the class that the promise is about.
        promised: largest share of the class that may be decided wrongly, above 0 and below 1.
    """
    if not evidence.audits:
        return Judgement("open", "no_audits", promised, None, None, None)
    if not evidence.decided_wrong_way:
        return Judgement("open", "nothing_decided", promised, None, None, None)
    audit = Audit(evidence.errors, evidence.right, evidence.others)
    verdict = _verdict(evidence, audit, promised)
    fewest, most = _flagged(evidence)
    low = _edge(lambda rate: against_at_most(rate, audit, most) >= _ENOUGH)
    high = 1 - _edge(lambda rest: against_at_least(1 - rest, audit, fewest) >= _ENOUGH)
    return Judgement(
        verdict,
        None,
        promised,
        evidence.rate,
        Interval(low, high),
        _audits_more(evidence, promised) if verdict == "open" else None,
    )


def mean_over_slides(slides: Sequence[ClassEvidence]) -> tuple[float, Interval, int] | None:
    """The share of the class that is decided wrongly, as a mean over slides that weigh the same.

    Only slides with ``LEAST_CELLS`` labelled cells of the class or more count. How many cells an audit or a label of a
    flagged cell stands for is taken from all slides together, because a slide has few of them.

    Args:
        slides: evidence of each slide.

    Returns:
        The mean, its 95 % interval by a bootstrap over slides, and the number of slides; None of fewer than
        ``LEAST_SLIDES``. Unlike ``Judgement.interval``, this interval is not meant to be read every day.
    """
    audits, labelled = sum(one.audits for one in slides), sum(one.flagged_labelled for one in slides)
    if not audits:
        return None
    weight = sum(one.decided for one in slides) / audits
    weight_flagged = sum(one.flagged for one in slides) / labelled if labelled else 0.0
    shares = [
        weight * one.errors / (weight * (one.errors + one.right) + weight_flagged * one.flagged_of_class)
        for one in slides
        if one.errors + one.right + one.flagged_of_class >= LEAST_CELLS
    ]
    if len(shares) < LEAST_SLIDES:
        return None
    generator = random.Random(_SEED)  # the same labels give the same interval
    means = sorted(sum(generator.choices(shares, k=len(shares))) / len(shares) for _ in range(_DRAWS))
    interval = Interval(means[int(0.025 * _DRAWS)], means[int(0.975 * _DRAWS)])
    return sum(shares) / len(shares), interval, len(shares)


_ENOUGH = math.log(1 / RISK)


def _verdict(evidence: ClassEvidence, audit: Audit, promised: float) -> Verdict:
    fewest, most = _flagged(evidence)
    if against_at_most(promised, audit, most) >= _ENOUGH:
        return "broken"
    return "holds" if against_at_least(promised, audit, fewest) >= _ENOUGH else "open"


def _flagged(evidence: ClassEvidence) -> tuple[float, float]:
    """The fewest and the most flagged cells of the class for each decided cell.

    People label flags in an order of their own, so nothing is assumed of the flags without a label.
    """
    unknown = evidence.flagged - evidence.flagged_labelled
    fewest = evidence.flagged_of_class / evidence.decided
    return fewest, fewest + unknown / evidence.decided


def _audits_more(evidence: ClassEvidence, promised: float) -> int | None:
    def suffices(more: int) -> bool:
        times = 1 + more / evidence.audits
        audit = Audit(evidence.errors * times, evidence.right * times, evidence.others * times)
        return _verdict(evidence, audit, promised) != "open"

    if not suffices(MOST_AUDITS):
        return None
    low, high = 0, MOST_AUDITS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return high


def _edge(refuted: Callable[[float], bool]) -> float:
    """The highest rate that is refuted, if all lower ones are; 0 if none is."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if refuted(middle) else (low, middle)
    return low


def _scaled(labelled_of_class: int, cells: int, labelled: int) -> float:
    return labelled_of_class * cells / labelled if labelled else 0.0
