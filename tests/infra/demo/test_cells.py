"""Which files a demonstration uploads, and how it sums up what came of them."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from infra.demo.cells import Answer, find_cells, percentile_95
from infra.demo.summary import MOST_ROWS, summary, table


def answer(decision: str, seconds: float = 1.0, status: str = "scored") -> Answer:
    rejected = status == "rejected"
    reasons = ["unreadable"] if rejected else ["unlike_training_data"] if decision == "review" else []
    document: dict[str, Any] = {
        "status": status,
        "prediction": None if rejected else {"label": "ALL", "probability_all": 0.98765},
        "decision": decision,
        "review": {"required": bool(reasons), "reasons": reasons},
    }
    return Answer(document, seconds)


def printed(answers: dict[str, Answer]) -> str:
    console = Console(width=100, record=True, quiet=True)
    with console.capture() as capture:
        console.quiet = False
        console.print(table(answers))
    return capture.get()


def test_images_are_found_by_suffix_in_any_case_and_nesting(tmp_path: Path) -> None:
    names = ["a.bmp", "B.BMP", "x/y z/c+ü.Jpeg", "日本/d.TIFF", "e.webp", "f.png", "g.jpg", "h.tif"]
    for name in [*names, "notes.txt", "x/data.csv", ".hidden.bmp", ".git/i.bmp"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.bmp").mkdir()
    cells, others = find_cells(tmp_path)
    assert sorted(cell.key for cell in cells) == sorted(names)
    assert others == 2
    assert all(cell.path.is_file() for cell in cells)


@given(st.lists(st.floats(0, 600), min_size=1))
def test_the_95th_percentile_lies_between_the_least_and_the_most(seconds: list[float]) -> None:
    assert min(seconds) - 1e-9 <= percentile_95(seconds) <= max(seconds) + 1e-9


@pytest.mark.parametrize(
    ("seconds", "expected"), [([2.0], 2.0), ([0.0, 1.0], 0.95), ([float(n) for n in range(101)], 95.0)]
)
def test_the_95th_percentile_interpolates(seconds: list[float], expected: float) -> None:
    assert percentile_95(seconds) == pytest.approx(expected)


def test_the_summary_counts_every_image_once() -> None:
    answers = {
        "a": answer("ALL", 1.0),
        "b": answer("normal", 2.0),
        "c": answer("review", 3.0),
        "d": answer("review", 4.0, status="rejected"),
    }
    assert summary(answers) == (
        "4 images: 1 ALL, 1 normal, 1 to review, 1 rejected.",
        "From upload to result: median 2.5 s, 95th percentile 3.9 s.",
    )


def test_the_table_shows_probability_outcome_reasons_and_seconds() -> None:
    rows = printed(
        {"plate [7]/a.bmp": answer("review", 2.34), "b.bmp": answer("review", status="rejected")}
    ).splitlines()
    assert rows[1].split() == ["plate", "[7]/a.bmp", "0.988", "review", "unlike", "training", "data", "2.3"]
    assert rows[2].split() == ["b.bmp", "-", "rejected", "unreadable", "1.0"]


def test_a_long_table_is_cut() -> None:
    rows = printed({f"{number}.bmp": answer("ALL") for number in range(MOST_ROWS + 5)}).splitlines()
    assert len(rows) == 1 + MOST_ROWS
