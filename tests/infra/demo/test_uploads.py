"""Which files a demonstration uploads, and how it summarises their results."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from infra.demo.summary import MOST_ROWS, percentile_95, summary, table
from infra.demo.uploads import TimedResult, uploads_of
from lambda_fn.folders import list_images


def result(decision: str, seconds: float = 1.0, status: str = "scored") -> TimedResult:
    rejected = status == "rejected"
    reasons = ["unreadable"] if rejected else ["unlike_training_data"] if decision == "review" else []
    document: Any = {
        "status": status,
        "prediction": None if rejected else {"label": "ALL", "probability_all": 0.98765},
        "decision": decision,
        "review": {"required": bool(reasons), "reasons": reasons},
    }
    return TimedResult(document, seconds)


def printed(results: dict[str, TimedResult]) -> str:
    console = Console(width=100, record=True, quiet=True)
    with console.capture() as capture:
        console.quiet = False
        console.print(table(results))
    return capture.get()


def test_images_are_found_by_suffix_in_any_case_and_nesting(tmp_path: Path) -> None:
    names = ["a.bmp", "B.BMP", "x/y z/c+ü.Jpeg", "日本/d.TIFF", "e.webp", "f.png", "g.jpg", "h.tif"]
    for name in [*names, "notes.txt", "x/data.csv", ".hidden.bmp", ".git/i.bmp"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.bmp").mkdir()
    listing = list_images(tmp_path)
    uploads = uploads_of(tmp_path, listing.images)
    assert sorted(upload.key for upload in uploads) == sorted(names)
    assert listing.passed_over == {".txt": 1, ".csv": 1, "hidden": 2}
    assert all(upload.path.is_file() for upload in uploads)


@given(st.lists(st.floats(0, 600), min_size=1))
def test_the_95th_percentile_lies_between_the_least_and_the_most(seconds: list[float]) -> None:
    assert min(seconds) - 1e-9 <= percentile_95(seconds) <= max(seconds) + 1e-9


@pytest.mark.parametrize(
    ("seconds", "expected"), [([2.0], 2.0), ([0.0, 1.0], 0.95), ([float(n) for n in range(101)], 95.0)]
)
def test_the_95th_percentile_interpolates(seconds: list[float], expected: float) -> None:
    assert percentile_95(seconds) == pytest.approx(expected)


def test_the_summary_counts_every_image_once() -> None:
    results = {
        "a": result("ALL", 1.0),
        "b": result("normal", 2.0),
        "c": result("review", 3.0),
        "d": result("review", 4.0, status="rejected"),
    }
    assert summary(results) == (
        "4 images: 1 ALL, 1 normal, 1 to review, 1 rejected.",
        "From upload to result: median 2.5 s, 95th percentile 3.9 s.",
    )


def test_the_table_shows_probability_outcome_reasons_and_seconds() -> None:
    rows = printed(
        {"plate [7]/a.bmp": result("review", 2.34), "b.bmp": result("review", status="rejected")}
    ).splitlines()
    assert rows[1].split() == ["plate", "[7]/a.bmp", "0.988", "review", "unlike", "training", "data", "2.3"]
    assert rows[2].split() == ["b.bmp", "-", "rejected", "unreadable", "1.0"]


def test_a_long_table_is_cut() -> None:
    rows = printed({f"{number}.bmp": result("ALL") for number in range(MOST_ROWS + 5)}).splitlines()
    assert len(rows) == 1 + MOST_ROWS
