"""The cost of stricter or laxer error rates."""

from training.evaluation.group_bounds import can_carry
from training.evaluation.thresholds import (
    CalibrationError,
    ErrorRates,
    LabelledPredictions,
    achieved,
    choose_thresholds,
)

# Rates of cells of the class ALL decided normal.
TOLERATED = (0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.10, 0.12, 0.15)


def review_shares(table: LabelledPredictions, normal_decided_all: float) -> list[float]:
    """The share of cells for review, 0 to 1, at each of the rates in ``TOLERATED``.

    Args:
        table: predictions.
        normal_decided_all: the tolerated rate of the other error.

    Returns:
        nan for a rate that the subjects cannot carry, or that no thresholds keep.
    """
    groups = table.groups_of_class
    shares = []
    for rate in TOLERATED:
        if not (can_carry(groups["ALL"], rate) and can_carry(groups["normal"], normal_decided_all)):
            shares.append(float("nan"))
            continue
        try:
            # The operating point goes with the rate, since cells that are decided normal lie below it.
            thresholds = choose_thresholds(table, ErrorRates(1 - rate, rate, normal_decided_all))
        except CalibrationError:
            shares.append(float("nan"))
        else:
            shares.append(achieved(table.probabilities, table.is_all, thresholds)["review_share"])
    return shares
