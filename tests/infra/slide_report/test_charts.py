"""The places of what a report draws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.slide_report.histogram import HEIGHT, WIDTH, ScoreCounts, draw_histogram
from infra.slide_report.known import WIDTH as STRIP_WIDTH
from infra.slide_report.known import draw_shares
from lambda_fn.decisions import NOTHING_DECIDED_ALL, Thresholds
from lambda_fn.known_subjects import KnownSubjects, Quantiles, SubjectSpread
from lambda_fn.slides import SlideTallies
from tests.infra.slide_report.material import result


@given(st.lists(st.floats(0, 1), min_size=1))
def test_every_cell_lies_in_a_bar_over_its_probability(probabilities: list[float]) -> None:
    scores = ScoreCounts()
    for probability in probabilities:
        scores.add(result("1.bmp", probability))
    bars = draw_histogram(scores, None).bars
    assert sum(bar.cells for bar in bars) == len(probabilities)
    for probability in probabilities:
        assert any(bar.x - 1 <= WIDTH * probability <= bar.x + bar.width + 1 for bar in bars)
    assert all(bar.y > -1e-6 and bar.y + bar.height < HEIGHT + 1e-6 for bar in bars)


def test_a_rejected_image_has_no_bar() -> None:
    scores = ScoreCounts()
    scores.add(result("1.bmp", None))
    assert draw_histogram(scores, None).bars == []


@pytest.mark.parametrize(
    ("thresholds", "lines"),
    [
        (Thresholds(0.4, 0.25, 0.75), [(WIDTH / 4, "normal below 0.25"), (WIDTH * 3 / 4, "ALL from 0.75")]),
        (Thresholds(0.4, 0, NOTHING_DECIDED_ALL), []),
        (None, []),
    ],
)
def test_thresholds_that_decide_something_are_drawn(
    thresholds: Thresholds | None, lines: list[tuple[float, str]]
) -> None:
    scores = ScoreCounts()
    scores.add(result("1.bmp", 0.5))
    assert [(line.x, line.words) for line in draw_histogram(scores, thresholds).lines] == lines


def test_the_share_stands_above_the_known_subjects() -> None:
    quantiles = Quantiles(0, 0.25, 0.5, 0.75, 1)
    spread = SubjectSpread(20, quantiles, quantiles)
    tallies = SlideTallies(0)
    for number in range(6):
        tallies.add(result(f"{number}.bmp", 0.9 if number < 3 else 0.1))
    (summary,) = tallies.summaries()
    own, ill, healthy = draw_shares(summary, KnownSubjects(spread, spread))
    assert own.mark == STRIP_WIDTH / 2
    assert own.low < own.mark < own.high
    assert (ill.words, healthy.words) == ("20 known subjects with ALL", "20 known healthy subjects")
    assert (ill.low, ill.box, ill.high) == (0, (STRIP_WIDTH / 4, STRIP_WIDTH * 3 / 4), STRIP_WIDTH)
    assert draw_shares(summary, None) == [own]


def test_of_few_cells_no_share_is_drawn() -> None:
    tallies = SlideTallies(0)
    tallies.add(result("1.bmp", 0.9))
    (summary,) = tallies.summaries()
    assert draw_shares(summary, None) == []
