"""Thresholds from labels, in a simulated laboratory whose true rates are known."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from infra.promise.evidence import Evidence
from infra.promise.recalibration import TooFewLabelsError, recalibrate
from lambda_fn.manifest import Manifest
from lambda_fn.own_thresholds import read_own_thresholds
from tests.laboratory import RATES, draw_laboratory, evidence_of, thresholds_for

SHIPPED = replace(Manifest.read(), thresholds=thresholds_for(0.03, 0.08))
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def of_laboratory(worse: float, audits: int = 600, slides: int = 60) -> Evidence:
    laboratory = draw_laboratory(np.random.default_rng(3), worse, slides, cells=200)
    return evidence_of(laboratory, SHIPPED.thresholds, np.random.default_rng(4), audits)


def test_new_thresholds_restore_the_rates_that_a_worse_model_breaks() -> None:
    restored = []
    for seed in range(10):
        generator = np.random.default_rng(seed)
        laboratory = draw_laboratory(generator, 1.0, cells=200)
        own = recalibrate(evidence_of(laboratory, SHIPPED.thresholds, generator, 600), SHIPPED, RATES).own
        next_slides = draw_laboratory(generator, 1.0, slides=400, cells=200)
        assert next_slides.rates(SHIPPED.thresholds)["all_decided_normal"] > 0.08
        rates = next_slides.rates(own.thresholds_for(SHIPPED))
        restored.append((rates["all_decided_normal"], rates["normal_decided_all"]))
    assert np.mean(restored, axis=0) == pytest.approx((0.03, 0.06), abs=0.015)
    # Each rate is to be kept with a confidence of 90 %. docs/promise.md has what 200 laboratories gave.
    assert (np.array(restored) <= (0.04, 0.1)).mean() >= 0.8


def test_a_file_says_what_it_was_made_from_and_for_which_model() -> None:
    recalibration = recalibrate(of_laboratory(0.5), SHIPPED, RATES, NOW)
    own = recalibration.own
    assert read_own_thresholds(own.to_json()) == own
    assert own.version.startswith("laboratory-2026-12-01-")
    assert (own.model_sha256, own.chosen_for, own.made_at) == (SHIPPED.sha256, RATES, "2026-12-01T12:00:00.000Z")
    assert (own.made_from.slides_all, own.made_from.slides_normal) == (30, 60)
    assert recalibration.shipped.rates["all_decided_normal"] > recalibration.recalibrated.rates["all_decided_normal"]
    assert own.review_share == recalibration.recalibrated.review_share > recalibration.shipped.review_share


def test_a_rate_that_the_slides_cannot_carry_is_not_offered_and_its_threshold_stays() -> None:
    recalibration = recalibrate(of_laboratory(0, slides=20), SHIPPED, RATES)  # 10 slides with ALL carry 5 %
    assert recalibration.not_offered == {"all_decided_normal": "slides"}
    assert recalibration.own.normal_below == SHIPPED.thresholds.normal_below
    assert recalibration.own.chosen_for == {"normal_decided_all": 0.1}


def test_a_rate_that_a_handful_of_audits_cannot_carry_is_not_offered() -> None:
    with pytest.raises(TooFewLabelsError, match="carry neither rate"):
        recalibrate(of_laboratory(0, audits=20), SHIPPED, RATES)


def test_labels_of_flagged_cells_alone_give_no_thresholds() -> None:
    with pytest.raises(TooFewLabelsError, match="no label of any cell that was decided ALL and drawn for an audit"):
        recalibrate(of_laboratory(0, audits=0), SHIPPED, RATES)


def test_cells_of_one_slide_give_no_thresholds() -> None:
    evidence = of_laboratory(0)
    evidence.labelled = [cell._replace(slide="s/") for cell in evidence.labelled]
    with pytest.raises(TooFewLabelsError, match="at least 2 of each are needed"):
        recalibrate(evidence, SHIPPED, RATES)
