"""How far two people agree on the same cells, neither of whom saw the other's answer."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lambda_fn import labels
from lambda_fn.labels import Answer, LabelDocument
from lambda_fn.slides import Interval, share_interval

# Of fewer cells that two people answered, no kappa is stated.
LEAST_PAIRS: Final = 10


@dataclass(frozen=True)
class ReaderAgreement:
    """Cells that two people answered independently.

    Attributes:
        cells: number of such cells.
        agreed: those on which both gave the same answer.
        kappa: Cohen's kappa, -1 to 1; None of fewer than ``LEAST_PAIRS`` cells, or if all answers are the same.
        interval: its 95 % interval; None without ``kappa``.
    """

    cells: int
    agreed: int
    kappa: float | None
    interval: Interval | None


def agreement_of(documents: Iterable[LabelDocument]) -> ReaderAgreement:
    """Compare the first and the second reader of each cell, over the answers ALL, normal and cannot say."""
    return agreement_of_pairs(Counter(pair for pair in map(independent_pair, documents) if pair))


def agreement_of_pairs(pairs: Counter[tuple[Answer, Answer]]) -> ReaderAgreement:
    """Compare both readers, by the number of cells with each pair of answers, the first reader's first."""
    cells, agreed = pairs.total(), sum(count for (first, second), count in pairs.items() if first == second)
    found = kappa(pairs) if cells >= LEAST_PAIRS else None
    return ReaderAgreement(cells, agreed, *(found or (None, None)))


def independent_pair(document: LabelDocument) -> tuple[Answer, Answer] | None:
    """The answers of the first and the second reader; None if there were no two who did not see the other's.

    The first answer of the second reader counts, whatever was said afterwards: by then both answers could be seen.
    """
    said = labels.in_order(document)
    for place, second in enumerate(said):
        others = [one for one in said[:place] if labels.is_same_image(one["image"], second["image"])]
        if second.get("outcome") != "second" or second["label"] is None:
            continue
        if any(one["reviewer"] == second["reviewer"] and one["label"] for one in others):
            continue
        if firsts := [one["label"] for one in others if one["label"]]:
            return firsts[-1], second["label"]
    return None


def kappa(pairs: Counter[tuple[Answer, Answer]]) -> tuple[float, Interval] | None:
    """Cohen's kappa and its 95 % interval; None if chance alone would make all answers the same.

    (observed - expected) / (1 - expected), Cohen (1960), Educational and Psychological Measurement 20, 37-46. The
    interval takes the expected agreement as known, as Cohen does. The observed agreement has Wilson's interval, whose
    length is above 0 even if all answers agree.

    Args:
        pairs: number of cells by the answers of the first and the second reader; at least one.
    """
    cells = pairs.total()
    first, second = Counter[Answer](), Counter[Answer]()
    for (one, other), count in pairs.items():
        first[one] += count
        second[other] += count
    expected = sum(first[answer] * second[answer] for answer in first) / cells**2
    if expected == 1:
        return None
    agreed = sum(count for (one, other), count in pairs.items() if one == other)
    ends = (agreed / cells, *share_interval(agreed, cells))
    middle, low, high = ((end - expected) / (1 - expected) for end in ends)
    return middle, Interval(low, high)


def in_words(found: ReaderAgreement) -> str:
    """The agreement as one or two sentences; empty without cells that two people answered."""
    if not found.cells:
        return ""
    cells = f"{found.cells:,} cell{'s' if found.cells > 1 else ''}"
    sentence = f"Two people answered {cells} blind to each other, and agree on {found.agreed:,} of them."
    if found.kappa is None or found.interval is None:
        missing = "all answers are the same" if found.cells >= LEAST_PAIRS else f"that takes {LEAST_PAIRS} cells"
        return f"{sentence} Cohen's kappa cannot be said: {missing}."
    low, high = found.interval
    return f"{sentence} Cohen's kappa: {found.kappa:.2f} ({low:.2f} to {high:.2f})."
