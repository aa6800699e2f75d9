import numpy as np
import pytest

from training.evaluation.thresholds import ErrorRates, LabelledPredictions
from training.evaluation.unseen import HEALTHY_GROUPS, on_unseen_subjects, review_by_healthy_groups


def predictions(subject_effect: float, subjects: int = 60, cells: int = 40) -> LabelledPredictions:
    """Subjects of some cells each, half of them with ALL; a subject's cells are shifted together."""
    generator = np.random.default_rng(3)
    groups = np.repeat(np.arange(subjects), cells)
    is_all = groups < subjects // 2
    shift = generator.normal(0, subject_effect, subjects)[groups]
    logits = np.where(is_all, 1.5, -1.5) + shift + generator.normal(0, 1.2, len(groups))
    return LabelledPredictions(1 / (1 + np.exp(-logits)), is_all, groups)


@pytest.mark.parametrize("subject_effect", [0.0, 0.5, 1.5])
def test_the_promised_rates_are_kept_on_subjects_that_were_left_out(subject_effect: float) -> None:
    reached = on_unseen_subjects(predictions(subject_effect), ErrorRates())
    assert reached is not None
    assert reached.subjects_even.all_decided_normal.value <= 0.04
    assert reached.subjects_even.normal_decided_all.value <= 0.10


def test_if_subjects_differ_the_intervals_are_wider() -> None:
    alike, different = (on_unseen_subjects(predictions(effect), ErrorRates()) for effect in (0, 2))
    assert alike is not None
    assert different is not None
    widths = [
        each.subjects_even.normal_decided_all.high - each.subjects_even.normal_decided_all.low
        for each in (alike, different)
    ]
    assert widths[1] > 1.5 * widths[0]


def test_a_subject_with_many_cells_counts_more_only_among_cells() -> None:
    table = predictions(1.0)
    largest = np.flatnonzero(
        table.groups == int(np.argmin([table.probabilities[table.groups == g].mean() for g in range(30)]))
    )
    more = table.part(np.concatenate([np.arange(len(table.groups)), np.repeat(largest, 100)]))
    before, after = on_unseen_subjects(table, ErrorRates()), on_unseen_subjects(more, ErrorRates())
    assert before is not None
    assert after is not None
    assert after.subjects_even == before.subjects_even
    assert after.cells_even.all_decided_normal.value > 2 * before.cells_even.all_decided_normal.value


def test_two_subjects_of_a_class_are_too_few_to_leave_one_out() -> None:
    table = predictions(0)
    assert on_unseen_subjects(table.part((table.groups >= 58) | table.is_all), ErrorRates()) is None


def test_more_healthy_subjects_would_send_fewer_cells_to_review() -> None:
    shares = review_by_healthy_groups(predictions(1.0), ErrorRates(), seed=0)
    assert [*shares] == [*HEALTHY_GROUPS]
    assert shares[10] > shares[40]
    assert review_by_healthy_groups(predictions(1.0), ErrorRates(), seed=0) == shares
