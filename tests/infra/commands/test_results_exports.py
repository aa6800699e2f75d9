"""Exports of ``cellflag results``: CSV, JSON lines and Parquet."""

import csv
import io
import json
import re
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click
import duckdb
import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from infra.commands.results import results
from infra.deployed_stack import DeployedStack
from infra.operate.exports import COLUMNS, row, write_csv, write_new
from lambda_fn.morphology_facts import QUANTITIES
from lambda_fn.results import ResultDocument
from tests.infra.commands.stored_results import DOCUMENTS, document, fill, measured_document

Run = Callable[..., Result]


@pytest.fixture
def filled(stack: DeployedStack) -> DeployedStack:
    return fill(stack)


def test_a_csv_row_has_every_field_of_its_document(run: Run, filled: DeployedStack, tmp_path: Path) -> None:
    assert run(results, "--format", "csv", "--out", str(tmp_path / "r.csv")).exit_code == 0
    with (tmp_path / "r.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [line["key"] for line in rows] == [one["image"]["key"] for one in DOCUMENTS]
    assert list(rows[0]) == list(COLUMNS)
    assert (rows[1]["reasons"], rows[2]["error_code"], rows[3]["probability_all"]) == (
        "unreadable uncertain",
        "unreadable",
        "0.25",
    )


# A character after which a spreadsheet may begin another cell; the test below has them.
SEPARATORS = ";\t\r\n"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters=f"\0{SEPARATORS}"), min_size=1))
def test_no_key_becomes_a_formula_in_a_spreadsheet(key: str) -> None:
    out = io.StringIO()
    write_csv([document(key)], out)
    (line,) = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    assert not line["key"].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert line["key"].removeprefix("'") == key.removeprefix("'")


@given(st.text("=+-@\uff1d\uff0b\uff0d\uff20;\t\r\n \"'a", min_size=1))
def test_no_cell_of_a_key_becomes_a_formula_whatever_separates_the_cells(key: str) -> None:
    out = io.StringIO()
    write_csv([document(key)], out)
    (line,) = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    cells = re.split(f"[{SEPARATORS}]", line["key"])
    assert not [cell for cell in cells if cell.lstrip(' "').startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20"))]
    assert not line["key"].startswith(("\t", "\r", "\n"))
    assert line["key"].replace("'", "") == key.replace("'", "")


@pytest.mark.parametrize(
    ("key", "cell"),
    [
        (";=1+1.bmp", ";'=1+1.bmp"),
        ("a;@SUM(1).bmp", "a;'@SUM(1).bmp"),
        ("\t=1", "'\t'=1"),
        ("\n+1", "'\n'+1"),
        ("\uff1d1", "'\uff1d1"),
        ("a=1;b-2", "a=1;b-2"),
    ],
)
def test_the_apostrophe_stands_before_the_formula(key: str, cell: str) -> None:
    out = io.StringIO()
    write_csv([document(key)], out)
    (line,) = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    assert line["key"] == cell


def test_parquet_has_a_typed_column_a_field(run: Run, filled: DeployedStack, tmp_path: Path) -> None:
    out = tmp_path / "it's.parquet"
    assert run(results, "--format", "parquet", "--out", str(out)).exit_code == 0
    with duckdb.connect() as connection:
        relation = connection.read_parquet(str(out))
        assert dict(zip(relation.columns, map(str, relation.types), strict=True)) == COLUMNS
        rows = [dict(zip(relation.columns, values, strict=True)) for values in relation.fetchall()]
    assert [line["key"] for line in rows] == [one["image"]["key"] for one in DOCUMENTS]
    assert (rows[0]["review"], rows[0]["probability_all"]) == (False, 0.25)
    assert rows[0]["scored_at"] == datetime(2026, 11, 22, 12)
    assert rows[2]["label"] is None


def test_parquet_without_duckdb_says_how_to_get_it(
    run: Run, filled: DeployedStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)  # Python raises ImportError for it
    result = run(results, "--format", "parquet", "--out", str(tmp_path / "r.parquet"))
    assert (result.exit_code, "--group parquet" in result.output) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_never_overwritten(run: Run, filled: DeployedStack, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("mine")
    result = run(results, "--format", "csv", "--out", str(tmp_path / "r.csv"))
    assert (result.exit_code, "is there already" in result.output) == (2, True)
    assert (tmp_path / "r.csv").read_text() == "mine"


def test_an_export_that_fails_leaves_no_file(tmp_path: Path) -> None:
    def write(path: Path) -> None:
        path.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_new(tmp_path / "r.csv", write)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(click.UsageError, match="cannot be written"):
        write_new(tmp_path / "nowhere" / "r.csv", write)


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--out", "r.csv"], "a table goes to the terminal"), (["--format", "parquet"], "name a file with --out")],
)
def test_a_format_that_does_not_fit_is_refused(run: Run, filled: DeployedStack, options: list[str], words: str) -> None:
    result = run(results, *options)
    assert (result.exit_code, words in result.output) == (2, True)


@pytest.mark.parametrize("one", [DOCUMENTS[2], measured_document("cleft.bmp")])
def test_a_row_has_exactly_the_columns(one: ResultDocument) -> None:
    assert list(row(one)) == list(COLUMNS)


def test_the_numbers_of_a_measured_cell_are_exported_in_columns_with_its_features() -> None:
    values = row(measured_document("cleft.bmp"))
    assert (values["cleft_count"], values["pale_spot_count"], values["nc_ratio"]) == (2, 0, None)
    assert values["deepest_cleft"] == pytest.approx(20 / 180, abs=0.02)
    assert values["features_seen"].startswith("deeply clefted outline (2 clefts, deepest ")
    assert json.loads(values["morphology"])["clefts"]["number"] == 2
    unmeasured = row(DOCUMENTS[0])
    assert {unmeasured[name] for name in (*QUANTITIES, "features_seen", "morphology")} == {None}
