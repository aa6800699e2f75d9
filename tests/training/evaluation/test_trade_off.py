from itertools import pairwise

import numpy as np

from tests.training.evaluation.test_unseen import predictions
from training.evaluation.thresholds import LabelledPredictions
from training.evaluation.trade_off import TOLERATED, review_shares


def test_a_stricter_promise_never_sends_fewer_cells_to_review() -> None:
    strict, lax = (review_shares(predictions(0), rate) for rate in (0.05, 0.2))
    for shares in (strict, lax):
        assert len(shares) == len(TOLERATED)
        assert all(before >= after for before, after in pairwise(shares) if np.isfinite(before))
    assert all(more >= less for more, less in zip(strict, lax, strict=True) if np.isfinite(more))


def test_rates_that_the_subjects_cannot_carry_have_no_review_share() -> None:
    shares = dict(zip(TOLERATED, review_shares(predictions(0), 0.1), strict=True))
    assert np.isnan(shares[0.015])  # 30 subjects carry 1 / 60
    assert np.isfinite(shares[0.02])


def test_rates_that_no_threshold_keeps_have_no_review_share() -> None:
    is_all = np.arange(40) < 20
    certain = LabelledPredictions(np.where(is_all, 0.5, 1.0), is_all, np.arange(40))
    assert np.isnan(review_shares(certain, 0.1)).all()
