"""The definition of a slide and of its figures."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_fn.results import ResultDocument
from lambda_fn.slides import LEAST_CELLS, NOTES, SlideSummary, SlideTallies, share_interval, slide_of


def document(key: str, probability: float | None, decision: str = "review", model: str = "model-1") -> ResultDocument:
    label = "ALL" if probability is not None and probability >= 0.5 else "normal"
    result: Any = {
        "status": "rejected" if probability is None else "scored",
        "image": {"key": key},
        "prediction": None if probability is None else {"label": label, "probability_all": probability},
        "decision": decision,
        "model": {"version": model},
    }
    return result  # type: ignore[no-any-return] # the fields that a summary reads


def sum_up(*documents: ResultDocument, depth: int | None = None) -> dict[str, SlideSummary]:
    tallies = SlideTallies(depth)
    for each in documents:
        tallies.add(each)
    return {summary.slide: summary for summary in tallies.summaries()}


@pytest.mark.parametrize(
    ("key", "depth", "slide"),
    [
        ("plate 7/a/1.bmp", None, "plate 7/a/"),
        ("plate 7/a/1.bmp", 1, "plate 7/"),
        ("plate 7/a/1.bmp", 2, "plate 7/a/"),
        ("plate 7/a/1.bmp", 9, "plate 7/a/"),
        ("1.bmp", None, ""),
        ("1.bmp", 1, ""),
        ("/1.bmp", None, "/"),
        ("a//1.bmp", None, "a//"),
        ("a//1.bmp", 1, "a/"),
        ("a/", None, "a/"),
        ("", None, ""),
    ],
)
def test_a_slide_is_the_folder_of_a_key_or_its_first_folders(key: str, depth: int | None, slide: str) -> None:
    assert slide_of(key, depth) == slide


@given(st.text("a/.\n\u202e患"), st.none() | st.integers(1, 4))
def test_a_slide_is_a_prefix_of_the_keys_of_its_images_and_ends_in_a_slash(key: str, depth: int | None) -> None:
    slide = slide_of(key, depth)
    assert key.startswith(slide)
    assert slide == "" or slide.endswith("/")
    assert slide.count("/") == min(key.count("/"), depth or math.inf)


# Wilson's limits, as Newcombe (1998), Statistics in Medicine 17, 857-872, table I, prints them for these shares.
@pytest.mark.parametrize(
    ("count", "cells", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_wilsons(count: int, cells: int, low: float, high: float) -> None:
    assert share_interval(count, cells) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10_000).flatmap(lambda cells: st.tuples(st.integers(0, cells), st.just(cells))))
def test_an_interval_holds_the_share_and_is_within_0_and_1(counted: tuple[int, int]) -> None:
    count, cells = counted
    low, high = share_interval(count, cells)
    assert 0 <= low <= count / cells <= high <= 1
    mirrored = share_interval(cells - count, cells)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((low, high))


def test_a_slide_is_summed_up() -> None:
    slide = sum_up(
        document("s/1.bmp", 0.9, "ALL"),
        document("s/2.bmp", 0.5),
        document("s/3.bmp", 0.4),
        document("s/4.bmp", 0.1, "normal"),
        document("s/5.bmp", 0.6),
        document("s/6.bmp", None),
        document("t/1.bmp", 0.9, "ALL"),
    )["s/"]
    low, high = share_interval(3, 5)
    assert slide == SlideSummary(
        slide="s/", images=6, decided_all=1, decided_normal=1, for_review=3, rejected=1, scored=5, scored_all=3,
        share_all=0.6, share_all_low=low, share_all_high=high, mean_probability_all=0.5,
        models=1, model="model-1",
    )  # fmt: skip
    assert slide.unstated is None


def test_of_fewer_than_five_scored_cells_nothing_is_stated_but_counts() -> None:
    cells = [document(f"s/{number}.bmp", 0.9, "ALL") for number in range(LEAST_CELLS - 1)]
    slide = sum_up(*cells, document("s/torn.bmp", None))["s/"]
    assert (slide.images, slide.decided_all, slide.scored) == (5, 4, 4)
    assert slide.share_all is slide.share_all_low is slide.share_all_high is slide.mean_probability_all is None
    assert slide.unstated == "under 5 cells"


def test_a_slide_of_rejected_images_alone_is_counted_and_has_no_model() -> None:
    slide = sum_up(document("s/torn.bmp", None))["s/"]
    assert (slide.images, slide.rejected, slide.scored, slide.models, slide.model) == (1, 1, 0, 0, None)


def test_a_slide_that_two_models_scored_names_none() -> None:
    slide = sum_up(document("s/1.bmp", 0.9), document("s/2.bmp", 0.9, model="model-2"))["s/"]
    assert (slide.models, slide.model) == (2, None)


def test_slides_come_by_their_names_whatever_the_order_of_results() -> None:
    keys = ["b/1.bmp", "a/z/1.bmp", "a/1.bmp", "1.bmp", "b/2.bmp"]
    assert list(sum_up(*(document(key, 0.9) for key in keys))) == ["", "a/", "a/z/", "b/"]
    assert list(sum_up(*(document(key, 0.9) for key in keys), depth=1)) == ["", "a/", "b/"]


def test_the_notes_say_that_nothing_here_is_a_verdict() -> None:
    assert any("no verdict on a patient" in note for note in NOTES)
