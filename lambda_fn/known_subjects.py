"""Where known subjects lie: the block ``metrics.subject_shares.spread`` of a model's manifest.

The models behind these figures never saw the subjects that they scored. All three packages read this module, so it
imports the standard library alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

NOT_STATED = "the model's manifest does not state known subjects"


@dataclass(frozen=True)
class Quantiles:
    """Quantiles of a figure over subjects.

    Attributes:
        lowest: the least value.
        lower_quartile: a quarter of the subjects lies at or below it.
        median: half of the subjects.
        upper_quartile: three quarters.
        highest: the greatest value.
    """

    lowest: float
    lower_quartile: float
    median: float
    upper_quartile: float
    highest: float


@dataclass(frozen=True)
class SubjectSpread:
    """The subjects of one class that have at least ``slides.LEAST_CELLS`` cells.

    Attributes:
        subjects: how many there are.
        share_all: share of a subject's cells that are likelier ALL than normal, 0 to 1.
        mean_probability_all: mean probability of ALL of a subject's cells, 0 to 1.
    """

    subjects: int
    share_all: Quantiles
    mean_probability_all: Quantiles


@dataclass(frozen=True)
class KnownSubjects:
    """The known subjects of a model.

    Attributes:
        all: subjects with ALL.
        normal: healthy subjects.
    """

    all: SubjectSpread
    normal: SubjectSpread


def read_known_subjects(metrics: Mapping[str, Any]) -> KnownSubjects | None:
    """Read the block from a manifest's metrics.

    Returns:
        The known subjects; None if the manifest has no such block, or lacks a class in it.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: a part of a class is missing or of the wrong kind.
    """
    spread = metrics.get("subject_shares", {}).get("spread", {})
    if not {"ALL", "normal"} <= spread.keys():
        return None
    return KnownSubjects(all=_read_spread(spread["ALL"]), normal=_read_spread(spread["normal"]))


def _read_spread(block: Mapping[str, Any]) -> SubjectSpread:
    return SubjectSpread(
        subjects=int(block["subjects"]),
        share_all=_read_quantiles(block["share_all"]),
        mean_probability_all=_read_quantiles(block["mean_probability_all"]),
    )


def _read_quantiles(block: Mapping[str, Any]) -> Quantiles:
    return Quantiles(**{each.name: float(block[each.name]) for each in fields(Quantiles)})
