"""The ledger in Athena, and every query on lines that the function's own code wrote."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from numpy.typing import NDArray

from infra.stack.ledger import COLUMNS, query, query_names
from lambda_fn.decisions import Reason, Verdict
from lambda_fn.errors import RejectedImageError
from lambda_fn.morphology import measure
from lambda_fn.results import (
    ModelFacts,
    ResultDocument,
    WriteOutcome,
    ledger,
    rejected,
    scored,
    withdrawn,
)
from lambda_fn.slides import SlideTallies, slide_of

OLD, NEW = (ModelFacts(version=f"model-{number}", sha256=str(number) * 64, thresholds="manifest") for number in (1, 2))
DAYS = ("2026-11-20", "2026-11-21")


def answer(key: str, at: str, probability: float | None, model: ModelFacts = NEW) -> ResultDocument:
    identity: Any = {"bucket": "b", "key": key, "version_id": "v", "etag": "e", "sha256": "0" * 64}
    image: Any = identity | {"bytes": 9, "format": "BMP", "width": 450, "height": 450, "resampled_by": 1.5}
    timing: Any = {"read": 1.0, "decode": 0.5, "infer": 9.0, "explain": None}
    if probability is None:
        document = rejected(image, RejectedImageError("unreadable", "No image."), model, timing)
    elif probability < 0.3:
        document = scored(image, Verdict("normal", "normal", ()), probability, model, timing)
    elif probability < 0.8:
        reasons: tuple[Reason, ...] = ("uncertain", "no_single_cell") if probability > 0.5 else ("uncertain",)
        document = scored(image, Verdict("ALL", "review", reasons), probability, model, timing)
    else:
        # A cell of the audit is no review, in whatever query.
        document = scored(image, Verdict("ALL", "ALL", ("audit",)), probability, model, timing)
    document["scored_at"] = at
    if document["status"] == "scored" and document["review"]["required"]:
        document["morphology"] = measure(*two_clefts())
    return document


def two_clefts() -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A disc with a notch on each side, in one colour, and its mask."""
    rows, columns = np.mgrid[:200, :200] - 100
    mask = (rows**2 + columns**2 < 90**2) & ~((abs(rows) < 8) & (abs(columns) > 70))
    return np.where(mask[..., None], np.uint8(90), np.uint8(0)).repeat(3, axis=2), mask


# The first slide was scored by the old model one day and by the new one the next; one message came twice, one late.
BATCHES: dict[str, list[tuple[ResultDocument, WriteOutcome]]] = {
    DAYS[0]: [
        (answer("slide 1/a.bmp", "2026-11-20T09:00:00.000Z", 0.9, OLD), "written"),
        (answer("slide 1/b.bmp", "2026-11-20T09:00:01.000Z", 0.1, OLD), "written"),
        (answer("slide 2/a.bmp", "2026-11-20T09:00:02.000Z", 0.6, OLD), "written"),
        (answer("slide 2/b.bmp", "2026-11-20T09:00:03.000Z", None, OLD), "written"),
    ],
    DAYS[1]: [
        (answer("slide 1/a.bmp", "2026-11-21T09:00:00.000Z", 0.5), "written"),
        (answer("slide 1/b.bmp", "2026-11-21T09:00:01.000Z", 0.2), "written"),
        (answer("slide 1/b.bmp", "2026-11-21T09:00:09.000Z", 0.2), "duplicate"),
        (answer("slide 1/a.bmp", "2026-11-21T10:00:00.000Z", 0.9), "stale"),
        (answer("loose.bmp", "2026-11-21T09:00:02.000Z", 0.9), "written"),
        # An image that is gone, and one that was uploaded again afterwards.
        (answer("slide 2/gone.bmp", "2026-11-21T09:00:03.000Z", 0.9), "written"),
        (answer("slide 2/gone.bmp", "2026-11-21T09:00:04.000Z", 0.9), "duplicate"),
        (withdrawn("b", "slide 2/gone.bmp", NEW, datetime(2026, 11, 21, 9, 0, 5, tzinfo=UTC)), "withdrawn"),
        (withdrawn("b", "loose.bmp", NEW, datetime(2026, 11, 21, 9, 0, 1, tzinfo=UTC)), "withdrawn"),
    ],
}


@pytest.fixture(scope="module")
def athena(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """DuckDB in place of Athena. Both run the same standard SQL and read JSON objects as rows."""
    return view_ledger(tmp_path_factory.mktemp("bucket"), BATCHES)


def view_ledger(
    bucket: Path, batches: Mapping[str, Sequence[tuple[ResultDocument, WriteOutcome]]]
) -> duckdb.DuckDBPyConnection:
    """A connection that has the ledger of these batches by day as a table; its files lie in ``bucket``."""
    for day, answers in batches.items():
        folder = bucket / "ledger" / f"dt={day}"
        folder.mkdir(parents=True)
        (folder / "batch.jsonl").write_bytes(ledger(answers))
    types = {name: in_duckdb(kind) for name, kind in COLUMNS.items()}
    connection = duckdb.connect()
    connection.execute(
        f"create view ledger as select * from read_json('{bucket}/ledger/*/*.jsonl', columns = {types}, "
        "hive_partitioning = true, hive_types_autocast = false)"
    )
    return connection


def in_duckdb(kind: str) -> str:
    """The DuckDB type for a column type of Athena."""
    opened: list[str] = []
    parts = []
    for part in re.findall(r"struct<|array<|map<|>|:|,|\w+", kind):
        if part.endswith("<"):
            opened.append(part)
            parts.append({"struct<": "struct(", "map<": "map(", "array<": ""}[part])
        elif part == ">":
            parts.append("[]" if opened.pop() == "array<" else ")")
        else:
            parts.append(" " if part == ":" else part)
    return "".join(parts)


def ask(athena: duckdb.DuckDBPyConnection, name: str, *parameters: str) -> list[dict[str, Any]]:
    answered = athena.execute(query(name)[1], list(parameters))
    names = [column[0] for column in answered.description or []]
    return [dict(zip(names, row, strict=True)) for row in answered.fetchall()]


def test_an_image_counts_on_the_day_of_its_newest_answer_only(athena: duckdb.DuckDBPyConnection) -> None:
    names = ("dt", "images", "decided_all", "decided_normal", "to_review", "rejected")
    assert [tuple(row[name] for name in names) for row in ask(athena, "counts_per_day")] == [
        (DAYS[1], 3, 1, 1, 1, 0),
        (DAYS[0], 2, 0, 0, 2, 1),
    ]


def test_images_are_counted_by_slide(athena: duckdb.DuckDBPyConnection) -> None:
    rows = {row["prefix"]: row for row in ask(athena, "counts_per_prefix")}
    assert {prefix: row["images"] for prefix, row in rows.items()} == {"slide 1": 2, "slide 2": 2}
    assert (rows["slide 2"]["to_review"], rows["slide 2"]["rejected"]) == (2, 1)


def test_reasons_for_a_review_are_counted_by_model(athena: duckdb.DuckDBPyConnection) -> None:
    counts = {
        (row["model"], row["reason"]): (row["images"], row["percent_of_all"]) for row in ask(athena, "review_share")
    }
    assert counts == {
        ("model-1", "uncertain"): (1, 50.0),
        ("model-1", "no_single_cell"): (1, 50.0),
        ("model-1", "unreadable"): (1, 50.0),
        ("model-2", "uncertain"): (1, 33.3),
    }


def test_drift_is_shown_for_scored_images_by_day_and_model(athena: duckdb.DuckDBPyConnection) -> None:
    newest, older = ask(athena, "drift")
    assert (newest["dt"], newest["model"], newest["images"]) == (DAYS[1], "model-2", 3)
    assert newest["mean_probability_all"] == pytest.approx((0.5 + 0.2 + 0.9) / 3, abs=1e-4)
    assert newest["spread"] == pytest.approx(0.3512, abs=1e-4)
    shares = ("review_percent", "decided_all_percent", "decided_normal_percent")
    assert [newest[name] for name in shares] == [33.3, 33.3, 33.3]
    assert (older["images"], older["spread"], older["review_percent"]) == (1, None, 100.0)


def test_the_shape_of_measured_cells_is_summed_up_by_slide(athena: duckdb.DuckDBPyConnection) -> None:
    rows = ask(athena, "morphology")
    assert [(row["prefix"], row["decision"], row["measured"]) for row in rows] == [
        ("loose.bmp", "ALL", 1),  # an audited cell
        ("slide 1", "review", 1),
        ("slide 2", "review", 1),
    ]
    area = np.count_nonzero(two_clefts()[1])
    assert all((row["mean_area_px"], row["clefted_percent"], row["mean_pale_spots"]) == (area, 100, 0) for row in rows)
    assert all((row["cytoplasm_visible"], row["mean_nc_ratio"]) == (0, None) for row in rows)


def test_one_slide_is_summed_up(athena: duckdb.DuckDBPyConnection) -> None:
    (row,) = ask(athena, "one_slide", "slide 1/")
    assert (row["images"], row["decided_normal"], row["to_review"], row["rejected"]) == (2, 1, 1, 0)
    assert row["mean_probability_all"] == 0.35
    assert (row["first_scored_at"], row["last_scored_at"]) == ("2026-11-21T09:00:00.000Z", "2026-11-21T09:00:09.000Z")


def test_slides_are_summed_up_as_the_command_line_sums_them_up(tmp_path: Path) -> None:
    generator = random.Random(0)
    slides = ("", "/", "a/", "a//", "a/b/", "a\n/", "few/", "old and new/", "患/")
    documents = [
        answer(
            f"{slide}{number}.bmp",
            f"2026-11-21T09:00:{number:02}.000Z",
            None if generator.random() < 0.1 else round(generator.random(), 6),
            OLD if slide.startswith("old") and number % 2 else NEW,
        )
        for slide in slides
        for number in range(3 if slide == "few/" else 40)
    ]
    documents += [answer(f"sure/{number}.bmp", DAYS[0], 0.9) for number in range(30)]
    tallies = SlideTallies()
    for document in documents:
        tallies.add(document)
    with view_ledger(tmp_path, {DAYS[1]: [(document, "written") for document in documents]}) as connection:
        rows = ask(connection, "slides")
    assert [row["slide"] for row in rows] == sorted((*slides, "sure/"))
    for row, summary in zip(rows, tallies.summaries(), strict=True):
        assert row == {
            name: pytest.approx(value, abs=2e-6) if isinstance(value, float) else value
            for name, value in asdict(summary).items()
        }
    assert {row["models"] for row in rows} == {1, 2}
    assert [row["slide"] for row in rows if row["share_all"] is None] == ["few/"]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_query_of_slides_groups_by_the_first_folders_once_its_pattern_is_changed(
    depth: int, tmp_path: Path
) -> None:
    keys = ["1.bmp", "a/1.bmp", "a/b/1.bmp", "a/b/c/1.bmp", "a/b/c/d/1.bmp"]
    description, sql = query("slides")
    assert sql.count("/)*'") == 2
    assert "verdict" in description
    with view_ledger(tmp_path, {DAYS[0]: [(answer(key, DAYS[0], 0.9), "written") for key in keys]}) as connection:
        rows = connection.execute(sql.replace("/)*'", f"/){{0,{depth}}}'")).fetchall()
    assert {row[0] for row in rows} == {slide_of(key, depth) for key in keys}


def test_an_image_that_is_gone_counts_nowhere_until_it_is_uploaded_again(athena: duckdb.DuckDBPyConnection) -> None:
    (gone,) = ask(athena, "one_slide", "slide 2/gone.bmp")
    (back,) = ask(athena, "one_slide", "loose.bmp")
    assert (gone["images"], back["images"]) == (0, 1)


@pytest.mark.parametrize("name", query_names())
def test_every_query_runs_and_describes_its_purpose(athena: duckdb.DuckDBPyConnection, name: str) -> None:
    description, sql = query(name)
    assert description
    assert not description.startswith("-")
    assert ask(athena, name, *["slide"] * sql.count("?"))
