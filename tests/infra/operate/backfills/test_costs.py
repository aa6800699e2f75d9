"""The cost of a backfill, compared with figures worked out by hand."""

from dataclasses import replace

import pytest

from infra.operate.backfills.costs import Work, backfill_cost

MILLION = Work(listed=10**6, first=10**6, replaced=0, flagged=0, calls=10**4, ledgers=10**4, seconds=30_000)


def cost(work: Work = MILLION, *, express: bool = True, looks_first: bool = False) -> dict[str, float]:
    return backfill_cost(work, memory_mb=1024, architecture="arm64", express=express, looks_first=looks_first)


def test_a_million_first_results_cost_their_writes_reads_calls_and_children() -> None:
    assert cost() == pytest.approx(
        {
            "S3 writes": (10**6 + 10**4 + 10**3) * 5e-6,
            "S3 reads": 2 * 10**6 * 4e-7,  # the image, and the look whether it still stands
            "Lambda": 30_000 * 0.0000133334 + 10**4 * 2e-7,
            "Step Functions": 10**4 * 1e-6 + (30_000 + 500) / 16 * 0.00001667 + 3 * 2.5e-5,
        }
    )


def test_standard_children_are_billed_by_transitions() -> None:
    assert cost(express=False)["Step Functions"] == pytest.approx((4 * 10**4 + 3) * 2.5e-5)


def test_what_is_missing_is_found_by_a_read_of_each_standing_result() -> None:
    assert cost(looks_first=True)["S3 reads"] - cost()["S3 reads"] == pytest.approx(0.4)


def test_replacing_a_result_costs_two_reads_more_than_a_first_one() -> None:
    again = cost(replace(MILLION, first=0, replaced=10**6))
    assert again["S3 writes"] == cost()["S3 writes"]
    assert again["S3 reads"] - cost()["S3 reads"] == pytest.approx(0.8)
