"""How much better or worse each network of a comparison ranks cells than the recipe does."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from training.evaluation.metrics import CONFIDENCE, REPLICATES, Estimate, draws_of_subjects

Probabilities = NDArray[np.float64]


def differences(
    probabilities: Mapping[str, Probabilities],
    reference: Probabilities,
    is_all: NDArray[np.bool_],
    groups: NDArray[np.int64],
    seed: int,
    replicates: int = REPLICATES,
) -> dict[str, Estimate]:
    """Difference of the area under the ROC curve, with an interval from a bootstrap over groups of subjects.

    Each draw measures both models on the same subjects. A subject that is hard for all models then widens no interval.

    Args:
        probabilities: of ALL, float array of shape (n,) of each model by its name.
        reference: of the model that the others are compared with, shape (n,).
        is_all: boolean array of shape (n,), of both classes.
        groups: integer array of shape (n,).
        seed: of the draws.
        replicates: number of draws.

    Returns:
        For each name the model's area minus the reference's.
    """
    draws = list(draws_of_subjects(is_all, groups, seed, replicates))
    areas = np.array([roc_auc_score(is_all[cells], reference[cells]) for cells in draws])
    area = roc_auc_score(is_all, reference)
    tail = (1 - CONFIDENCE) / 2
    result = {}
    for name, values in probabilities.items():
        drawn = np.array([roc_auc_score(is_all[cells], values[cells]) for cells in draws]) - areas
        low, high = np.quantile(drawn, [tail, 1 - tail])
        result[name] = Estimate(float(roc_auc_score(is_all, values) - area), float(low), float(high))
    return result
