from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from training.evaluation.thresholds import ErrorRates
from training.evaluation.trade_off import TOLERATED, on_unseen_subjects, review_shares


def predictions(subject_effect: float) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """60 subjects of 40 cells; a subject's cells are shifted together."""
    generator = np.random.default_rng(3)
    groups = np.repeat(np.arange(60), 40)
    is_all = groups < 30
    shift = generator.normal(0, subject_effect, 60)[groups]
    logits = np.where(is_all, 1.5, -1.5) + shift + generator.normal(0, 1.2, len(groups))
    return 1 / (1 + np.exp(-logits)), is_all, groups


def test_a_stricter_promise_never_sends_fewer_cells_to_review() -> None:
    probabilities, is_all, _ = predictions(0)
    strict, lax = (review_shares(probabilities, is_all, rate) for rate in (0.02, 0.2))
    for shares in (strict, lax):
        assert len(shares) == len(TOLERATED)
        assert all(before >= after for before, after in pairwise(shares))
    assert all(more >= less for more, less in zip(strict, lax, strict=True))


def test_rates_that_no_threshold_keeps_have_no_review_share() -> None:
    assert np.isnan(review_shares(np.array([0.5, 1.0]), np.array([True, False]), 0.1)).all()


def test_where_subjects_do_not_differ_the_stated_rates_are_reached_on_unseen_ones() -> None:
    reached = on_unseen_subjects(*predictions(0), ErrorRates(), seed=0, replicates=200)
    assert reached is not None
    assert reached.all_decided_normal.value == pytest.approx(0.04, abs=0.01)
    assert reached.normal_decided_all.value == pytest.approx(0.10, abs=0.02)
    assert reached.all_decided_normal.low < 0.04 < reached.all_decided_normal.high


def test_where_subjects_differ_the_intervals_tell_so() -> None:
    alike, different = (on_unseen_subjects(*predictions(s), ErrorRates(), 0, replicates=200) for s in (0, 2))
    assert alike is not None
    assert different is not None
    widths = [each.all_decided_normal.high - each.all_decided_normal.low for each in (alike, different)]
    assert widths[1] > 2 * widths[0]


def test_one_subject_of_a_class_is_too_few_to_tell() -> None:
    probabilities, is_all, groups = predictions(0)
    assert on_unseen_subjects(probabilities, is_all, np.where(is_all, 0, groups), ErrorRates(), seed=0) is None
