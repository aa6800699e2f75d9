"""The simulated backfill keeps the rules that hold for every backfill."""

from dataclasses import replace

import pytest

from infra.operate.backfills.simulation import LISTED_A_SECOND, LOOK_SECONDS, S3_WRITES_A_SECOND, BackfillPlan, simulate

PLAN = BackfillPlan(images=20_000)
STEADY = replace(PLAN, spread=0.0, cold_seconds=0.0)


def test_without_luck_and_cold_starts_it_is_arithmetic() -> None:
    result = simulate(replace(STEADY, concurrency=2))
    batch = 50 * STEADY.image_seconds + STEADY.call_seconds
    assert result.longest_batch == pytest.approx(batch)
    assert result.billed_seconds == pytest.approx(400 * batch)
    assert result.seconds == pytest.approx(200 * batch, abs=0.1)


def test_the_same_seed_gives_the_same_luck() -> None:
    assert simulate(PLAN, seed=3) == simulate(PLAN, seed=3)
    assert simulate(PLAN, seed=3) != simulate(PLAN, seed=4)


def test_more_calls_at_a_time_are_faster_and_no_dearer_until_s3_is_the_limit() -> None:
    two, ten = (simulate(replace(STEADY, concurrency=calls)) for calls in (2, 10))
    assert two.seconds > 4 * ten.seconds
    assert sum(two.cost.values()) == pytest.approx(sum(ten.cost.values()))
    flood = simulate(replace(STEADY, concurrency=1000))
    assert flood.writes_a_second <= S3_WRITES_A_SECOND
    assert flood.cost["Lambda"] > 2 * ten.cost["Lambda"]


def test_nothing_is_scored_before_it_is_listed() -> None:
    quick = replace(STEADY, call_seconds=0.0, standing="current", concurrency=1000)
    last_batch = 50 * LOOK_SECONDS
    assert simulate(quick).seconds == pytest.approx(PLAN.images / LISTED_A_SECOND + last_batch)


def test_current_results_are_neither_written_nor_flagged_again() -> None:
    looked = simulate(replace(PLAN, standing="current"))
    assert looked.writes_a_second == 0
    assert looked.cost["S3 writes"] < 0.01 * simulate(PLAN).cost["S3 writes"]


def test_a_last_batch_that_is_not_full_counts_its_own_images() -> None:
    assert simulate(replace(STEADY, images=51)).billed_seconds == pytest.approx(
        51 * STEADY.image_seconds + 2 * STEADY.call_seconds
    )


def test_small_batches_cost_more_most_of_all_as_standard_children() -> None:
    def dollars(size: int, express: bool) -> float:
        return sum(simulate(replace(PLAN, batch_size=size, express=express)).cost.values())

    assert dollars(1, express=True) > dollars(50, express=True)
    assert dollars(1, express=False) > 2 * dollars(1, express=True)
    assert dollars(500, express=False) < 1.1 * dollars(500, express=True)
