"""Decide on a cell, from the model's prediction and the deployment's policy.

All three packages read this module, so it imports the standard library alone.
"""

import math
from dataclasses import dataclass
from typing import Literal

from lambda_fn.audits import is_drawn

Label = Literal["ALL", "normal"]
Decision = Literal["ALL", "normal", "review"]
# ``audit``: the cell was drawn by chance, and its decision stands. Any other reason sends the image to a person.
Reason = Literal[
    "uncertain",
    "unlike_training_data",
    "no_single_cell",
    "unreadable",
    "too_large",
    "unsupported_format",
    "no_score",
    "key_too_long",
    "audit",
]
# The images whose documents say how the probability comes about: those that ask for review, all, or none.
Explain = Literal["flagged", "all", "none"]


# A threshold ``all_from`` that no probability reaches, for a model that may decide no cell ALL.
NOTHING_DECIDED_ALL = 1.000001


@dataclass(frozen=True)
class Thresholds:
    """The probabilities of ALL, each 0 to 1, at which a decision changes; part of the model's manifest.

    Attributes:
        operating_point: the single threshold that reaches the manifest's sensitivity if no cell goes to review.
        normal_below: a cell is decided normal below this probability; 0 if no cell may be decided normal.
        all_from: a cell is decided ALL from this probability on; ``NOTHING_DECIDED_ALL`` if no cell may be decided ALL.
            Between the two a person decides.
        unlike_above: a cell with a larger ``Prediction.distance`` is unlike the training data; infinite for a model
            that measures no distance.
    """

    operating_point: float
    normal_below: float
    all_from: float
    unlike_above: float = math.inf

    def __post_init__(self) -> None:
        """Raise ``ValueError`` if the thresholds are not in rising order."""
        if not 0 <= self.normal_below <= self.operating_point <= self.all_from <= NOTHING_DECIDED_ALL:
            raise ValueError(f"thresholds must rise from normal_below over operating_point to all_from: {self}")


@dataclass(frozen=True)
class Policy:
    """The rules by which a deployment decides, and the scale of its images.

    Attributes:
        thresholds: the manifest's thresholds, or the ones for the error rates that the deployment tolerates.
        review_everything: every image goes to a person, whatever the model predicts.
        explain: the images whose documents are explained, and whose cells are measured. It changes no decision.
        um_per_px: micrometres a pixel of all images, for the model's input and the cells' morphology; None if each file
            states its own, or none.
        thresholds_name: where the thresholds come from, for the results: ``manifest``, with the rates that the
            deployment tolerates behind it, or the version of thresholds that the laboratory chose itself.
        audit_share: share of the decided cells that is drawn for the audit, 0 to 1. It changes no decision.
        audit_salt: the salt of the draw, which only the deployment knows.
    """

    thresholds: Thresholds
    review_everything: bool = False
    explain: Explain = "flagged"
    um_per_px: float | None = None
    thresholds_name: str = "manifest"
    audit_share: float = 0.0
    audit_salt: str = ""

    def explains(self, review_required: bool) -> bool:
        """Whether a document is explained that asks for review, or does not."""
        return self.explain == "all" or (self.explain == "flagged" and review_required)


@dataclass(frozen=True)
class Prediction:
    """A model's output for one cell.

    Attributes:
        probability_all: probability of ALL, 0 to 1.
        distance: how far the cell lies from the training cells, 0 or more, in a unit of the model's own. It is the
            larger of two squared distances: to the nearest cell that the model stores, and from the cell's mean colour
            to the mean colour of all training cells. Always 0 from a model that measures no distance.
    """

    probability_all: float
    distance: float = 0.0

    @property
    def is_score(self) -> bool:
        """Whether the probability, rounded to the 6 digits of a document, is a number from 0 to 1."""
        return 0 <= round(self.probability_all, 6) <= 1


@dataclass(frozen=True)
class Verdict:
    """The decision on one scored cell.

    Attributes:
        label: the likelier class.
        decision: the class that may be acted on, or ``review`` if a person should look.
        reasons: why a person should look; empty if nobody needs to, or if only the policy sends the cell to review. A
            decided cell has none but ``audit``.
    """

    label: Label
    decision: Decision
    reasons: tuple[Reason, ...]


def decide(
    prediction: Prediction, policy: Policy, doubts: tuple[Reason, ...] = (), *, sha256: str | None = None
) -> Verdict:
    """Decide on a cell. A cell without a score, or with a distance that is not finite, goes to review.

    Args:
        prediction: the model's output.
        policy: the deployment's rules.
        doubts: reasons for review that lie in the image itself; with any of them the cell goes to review.
        sha256: digest of the image's bytes, by which decided cells are drawn for the audit; None draws none.
    """
    thresholds = policy.thresholds
    label: Label = "ALL" if prediction.probability_all >= 0.5 else "normal"
    reasons: list[Reason] = []
    if not prediction.is_score:
        reasons.append("no_score")
    if thresholds.normal_below <= prediction.probability_all < thresholds.all_from:
        reasons.append("uncertain")
    # No comparison with NaN holds, so NaN would pass for a cell like those of the training data.
    if prediction.distance > thresholds.unlike_above or not math.isfinite(prediction.distance):
        reasons.append("unlike_training_data")
    reasons += [doubt for doubt in doubts if doubt not in reasons]
    if reasons or policy.review_everything:
        return Verdict(label, "review", tuple(reasons))
    drawn: tuple[Reason, ...] = ("audit",) if is_drawn(sha256, policy.audit_share, policy.audit_salt) else ()
    return Verdict(label, "normal" if prediction.probability_all < thresholds.normal_below else "ALL", drawn)
