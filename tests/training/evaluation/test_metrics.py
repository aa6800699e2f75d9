import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    recall_score,
    roc_auc_score,
)

from lambda_fn.decisions import Thresholds
from training.evaluation.metrics import evaluate, figures

THRESHOLDS = Thresholds(operating_point=0.3, normal_below=0.2, all_from=0.8)
CELLS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=60).filter(
    lambda cells: len({is_all for _, is_all in cells}) == 2
)


@given(CELLS)
def test_figures_are_those_of_scikit_learn(cells: list[tuple[float, bool]]) -> None:
    probabilities, is_all = (np.array(column) for column in zip(*cells, strict=True))
    measured = figures(probabilities, is_all, THRESHOLDS)
    assert measured["ranking"]["roc_auc"] == pytest.approx(roc_auc_score(is_all, probabilities))
    assert measured["ranking"]["average_precision"] == pytest.approx(average_precision_score(is_all, probabilities))
    for part, threshold in (("at_half", 0.5), ("at_operating_point", 0.3)):
        called = probabilities >= threshold
        assert measured[part] == pytest.approx(
            {
                "accuracy": accuracy_score(is_all, called),
                "balanced_accuracy": balanced_accuracy_score(is_all, called),
                "sensitivity": recall_score(is_all, called),
                "specificity": recall_score(~is_all, ~called),
                "weighted_f1": f1_score(is_all, called, average="weighted"),
            }
        )


def noisy_subjects(cells_per_subject: int) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """20 subjects whose cells all get their subject's probability."""
    of_subject = np.random.default_rng(1).random(20)
    groups = np.repeat(np.arange(20), cells_per_subject)
    return of_subject[groups], groups < 10, groups


def test_an_interval_is_of_subjects_so_more_cells_of_each_do_not_narrow_it() -> None:
    few, many = (
        evaluate(*noisy_subjects(n), THRESHOLDS, seed=0, replicates=200)["ranking"]["roc_auc"] for n in (2, 50)
    )
    assert few == many
    assert few.high - few.low > 0.2


def test_the_review_share_counts_cells_between_the_two_thresholds() -> None:
    probabilities = np.array([0.1, 0.2, 0.5, 0.79, 0.8, 0.9])
    is_all = np.array([False, False, False, True, True, True])
    assert figures(probabilities, is_all, THRESHOLDS)["triage"]["review_share"] == 0.5


def test_draws_of_one_class_only_are_drawn_again() -> None:
    probabilities, is_all, groups = np.array([0.1, 0.9]), np.array([False, True]), np.array([0, 1])
    metrics = evaluate(probabilities, is_all, groups, THRESHOLDS, seed=0, replicates=20)
    assert metrics["ranking"]["roc_auc"].low == 1
