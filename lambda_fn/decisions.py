"""From a probability to what may be acted on."""

import math
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
        unlike_above: a cell is unlike the training data above this distance, see ``Prediction``; infinite for a model
            that measures none.
    """

    operating_point: float
    normal_below: float
    all_from: float
    unlike_above: float = math.inf

    def __post_init__(self) -> None:
        """Raise ``ValueError`` where the thresholds are not in order."""
        if not 0 <= self.normal_below <= self.operating_point <= self.all_from <= 1:
            raise ValueError(f"thresholds must rise from normal_below over operating_point to all_from: {self}")


@dataclass(frozen=True)
class Policy:
    """What a deployment makes of predictions.

    Attributes:
        thresholds: where decisions change: the manifest's, or those of error rates that were chosen at deployment.
        review_everything: a person looks at each image, whatever the model says.
    """

    thresholds: Thresholds
    review_everything: bool = False


@dataclass(frozen=True)
class Prediction:
    """What a model says about one cell.

    Attributes:
        probability_all: probability of ALL, 0 to 1.
        distance: squared, of the cell from the nearest one that the model knows or, where more, of its mean colour from
            that of all cells that the model learned from; 0 or more, in a unit of the model's own; 0 from a model that
            measures none.
    """

    probability_all: float
    distance: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """What is said about one scored cell.

    Attributes:
        label: the likelier class.
        decision: what may be acted on; ``review`` where a person should look.
        reasons: why a person should look; empty where nobody need, or where a deployment reviews everything.
    """

    label: Label
    decision: Decision
    reasons: tuple[Reason, ...]


def decide(prediction: Prediction, policy: Policy, doubts: tuple[Reason, ...] = ()) -> Verdict:
    """Decide on a cell.

    Args:
        prediction: what the model says.
        policy: what the deployment makes of it.
        doubts: reasons to let a person look whatever the model says.
    """
    thresholds = policy.thresholds
    label: Label = "ALL" if prediction.probability_all >= 0.5 else "normal"
    reasons: list[Reason] = []
    if thresholds.normal_below <= prediction.probability_all < thresholds.all_from:
        reasons.append("uncertain")
    if prediction.distance > thresholds.unlike_above:
        reasons.append("unlike_training_data")
    reasons += [doubt for doubt in doubts if doubt not in reasons]
    if reasons or policy.review_everything:
        return Verdict(label, "review", tuple(reasons))
    return Verdict(label, "normal" if prediction.probability_all < thresholds.normal_below else "ALL", ())
