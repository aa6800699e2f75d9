"""From a probability to what may be acted on."""

from dataclasses import dataclass
from typing import Literal

Label = Literal["ALL", "normal"]
Decision = Literal["ALL", "normal", "review"]
Reason = Literal["uncertain", "unlike_training_data", "no_single_cell", "unreadable", "too_large", "unsupported_format"]


@dataclass(frozen=True)
class Thresholds:
    """The probabilities of ALL, each in 0 to 1, at which a decision changes; part of the model's manifest.

    Attributes:
        operating_point: a plain yes-or-no reading at this probability reaches the sensitivity that the manifest states.
        normal_below: a cell is decided normal only below this probability.
        all_from: a cell is decided ALL from this probability on. What lies between the two is for a person.
    """

    operating_point: float
    normal_below: float
    all_from: float

    def __post_init__(self) -> None:
        """Raise ``ValueError`` where the thresholds are not in order."""
        if not 0 <= self.normal_below <= self.operating_point <= self.all_from <= 1:
            raise ValueError(f"thresholds must rise from normal_below over operating_point to all_from: {self}")


@dataclass(frozen=True)
class Verdict:
    """What is said about one scored cell.

    Attributes:
        label: the likelier class.
        decision: what may be acted on.
        reasons: why a person should look; empty where nobody need.
    """

    label: Label
    decision: Decision
    reasons: tuple[Reason, ...]


def decide(probability_all: float, thresholds: Thresholds, doubts: tuple[Reason, ...] = ()) -> Verdict:
    """Decide on a cell.

    Args:
        probability_all: probability of ALL, 0 to 1.
        thresholds: where decisions change.
        doubts: reasons to let a person look whatever the probability says.
    """
    label: Label = "ALL" if probability_all >= 0.5 else "normal"
    if thresholds.normal_below <= probability_all < thresholds.all_from:
        doubts = ("uncertain", *doubts)
    if doubts:
        return Verdict(label, "review", doubts)
    return Verdict(label, "normal" if probability_all < thresholds.normal_below else "ALL", ())
