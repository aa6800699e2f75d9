"""Reading, selecting, showing and exporting by ``cellflag results``."""

import csv
import io
import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partialmethod
from pathlib import Path
from typing import Any, cast

import click
import duckdb
import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from infra.commands.results import point_in_time, results
from infra.deployed_stack import DeployedStack
from infra.operate.documents import Selection, read_documents
from infra.operate.exports import COLUMNS, row, write_csv, write_new
from lambda_fn.decisions import Decision
from lambda_fn.morphology import measure
from lambda_fn.morphology_facts import QUANTITIES
from lambda_fn.results import ResultDocument
from tests.infra.fakes import RESULTS

Run = Callable[..., Result]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def document(
    key: str, decision: Decision = "normal", *, rejected: bool = False, model: str = "model-1"
) -> ResultDocument:
    review = decision == "review"
    result: Any = {
        "schema": "cellflag/result/1",
        "status": "rejected" if rejected else "scored",
        "image": dict.fromkeys(("bucket", "version_id", "etag", "sha256", "bytes", "format", "width", "height")),
        "prediction": None if rejected else {"label": "ALL", "probability_all": 0.25},
        "decision": decision,
        "review": {"required": review, "reasons": ["unreadable", "uncertain"] if review else []},
        "morphology": None,
        "explanation": None,
        "explanation_missing": "not_asked",
        "model": {"version": model, "sha256": f"digest of {model}"},
        "timing_ms": {},
        "scored_at": "2026-11-22T12:00:00.000Z",
    }
    result["image"]["key"] = key
    if rejected:
        result["error"] = {"code": "unreadable", "message": "It is torn."}
    return cast(ResultDocument, result)


def measured_document(key: str) -> ResultDocument:
    """A result of a disc of radius 90 with two notches."""
    rows, columns = np.mgrid[:200, :200] - 100
    mask = (rows**2 + columns**2 < 90**2) & ~((abs(rows) < 8) & (abs(columns) > 70))
    result = document(key, "review")
    result["morphology"] = measure(np.where(mask[..., None], np.uint8(90), np.uint8(0)).repeat(3, axis=2), mask)
    return result


DOCUMENTS = [
    document("a.bmp", "ALL"),
    document("plate 7/b.bmp", "review"),
    document("plate 7/c.bmp", "review", rejected=True),
    document("plate 7/d.bmp", model="model-2"),
]


@pytest.fixture
def filled(stack: DeployedStack) -> DeployedStack:
    for one in DOCUMENTS:
        for folder in ("results", "review") if one["review"]["required"] else ("results",):
            key = f"{folder}/{one['image']['key']}.json"
            stack.s3.put_object(Bucket=RESULTS, Key=key, Body=json.dumps(one).encode())
    return stack


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ([], ["a.bmp", "plate 7/b.bmp", "plate 7/c.bmp", "plate 7/d.bmp"]),
        (["--prefix", "plate 7/"], ["plate 7/b.bmp", "plate 7/c.bmp", "plate 7/d.bmp"]),
        (["--decision", "ALL", "--decision", "normal"], ["a.bmp", "plate 7/d.bmp"]),
        (["--flagged"], ["plate 7/b.bmp", "plate 7/c.bmp"]),
        (["--rejected"], ["plate 7/c.bmp"]),
        (["--model", "model-2"], ["plate 7/d.bmp"]),
        (["--model", "digest of model-1", "--decision", "review"], ["plate 7/b.bmp", "plate 7/c.bmp"]),
        (["--since", "2099-01-01"], []),
        (["--since", "1h"], ["a.bmp", "plate 7/b.bmp", "plate 7/c.bmp", "plate 7/d.bmp"]),
        (["--limit", "2"], ["a.bmp", "plate 7/b.bmp"]),
    ],
)
def test_what_is_asked_for_is_found_in_the_order_of_keys(
    run: Run, filled: DeployedStack, options: list[str], keys: list[str]
) -> None:
    result = run(results, "--format", "jsonl", *options)
    assert result.exit_code == 0, result.output
    assert [json.loads(line)["image"]["key"] for line in result.stdout.splitlines()] == keys
    assert f"{len(keys)} results" in result.stderr


def test_the_table_shows_keys_as_they_are_and_counts_at_its_end(run: Run, filled: DeployedStack) -> None:
    key = "[bold]odd[/].bmp"
    filled.s3.put_object(Bucket=RESULTS, Key=f"results/{key}.json", Body=json.dumps(document(key)).encode())
    result = run(results)
    assert key in result.stdout
    assert "unreadable, uncertain" in result.stdout
    assert "5 results: 2 normal, 1 ALL, 1 review, 1 rejected." in result.stderr


def test_thousands_of_results_are_each_read_once(stack: DeployedStack) -> None:
    keys = [f"{number:04}.bmp" for number in range(1200)]
    for key in keys:
        stack.s3.put_object(Bucket=RESULTS, Key=f"results/{key}.json", Body=json.dumps(document(key)).encode())
    shown: list[tuple[int, int]] = []
    documents = read_documents(stack, Selection(), lambda read, listed: shown.append((read, listed)))
    assert [one["image"]["key"] for one in documents] == keys
    assert shown[-1] == (1200, 1200)


def test_a_flag_that_is_lowered_while_it_is_read_is_left_out(
    filled: DeployedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    get_object = filled.s3.get_object

    def lowered(*, Bucket: str, Key: str) -> Any:  # noqa: N803 - boto3's names
        filled.s3.delete_object(Bucket=Bucket, Key="review/plate 7/b.bmp.json")
        return get_object(Bucket=Bucket, Key=Key)

    monkeypatch.setattr(filled.s3, "get_object", lowered)
    assert [one["image"]["key"] for one in read_documents(filled, Selection(flagged=True))] == ["plate 7/c.bmp"]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("90m", NOW - timedelta(minutes=90)),
        ("2h", NOW - timedelta(hours=2)),
        ("3d", NOW - timedelta(days=3)),
        ("1w", NOW - timedelta(weeks=1)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T10:00+02:00", datetime(2026, 11, 20, 8, tzinfo=UTC)),
    ],
)
def test_a_time_is_so_long_ago_or_a_date(text: str, time: datetime) -> None:
    assert point_in_time(text, NOW) == time


@pytest.mark.parametrize("text", ["yesterday", "2x", "", "-1h", "2026-13-01", "999999w"])
def test_a_text_that_is_no_time_is_refused(run: Run, filled: DeployedStack, text: str) -> None:
    result = run(results, "--since", text)
    assert (result.exit_code, "is neither like 90m" in result.output) == (2, True)


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


HOSTILE = "a\x1b[2J\u202egpj\u2028\x85.bmp"


def test_a_key_that_would_control_the_terminal_is_escaped_in_the_table_and_exact_in_json_lines(
    run: Run, stack: DeployedStack
) -> None:
    stack.s3.put_object(Bucket=RESULTS, Key=f"results/{HOSTILE}.json", Body=json.dumps(document(HOSTILE)).encode())
    assert r"a\x1b[2J\u202egpj\u2028\x85.bmp" in run(results).stdout
    lines = run(results, "--format", "jsonl").stdout_bytes.removesuffix(b"\n").split(b"\n")
    assert [json.loads(line)["image"]["key"] for line in lines] == [HOSTILE]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_an_export_to_standard_output_is_in_utf_8_whatever_the_terminal_has(
    kind: str, run: Run, stack: DeployedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = json.dumps(document("患\ud800.bmp")).encode()
    stack.s3.put_object(Bucket=RESULTS, Key="results/a.json", Body=body)
    monkeypatch.setattr(CliRunner, "__init__", partialmethod(CliRunner.__init__, charset="ascii"))
    result = run(results, "--format", kind)
    assert result.exit_code == 0
    assert "患\\ud800.bmp".encode() in result.stdout_bytes


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"schema": "cellflag/result/1"}', b"\xff"])
def test_an_object_that_is_no_result_is_named_and_the_others_are_listed(
    body: bytes, run: Run, filled: DeployedStack
) -> None:
    filled.s3.put_object(Bucket=RESULTS, Key="results/plate 7/", Body=body)
    result = run(results, "--format", "jsonl")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == len(DOCUMENTS)
    assert "results/plate 7/: left out, because it is no result document" in result.stderr


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


@pytest.mark.parametrize(
    ("conditions", "keys"),
    [
        (["cleft_count>=2"], ["plate 7/cleft.bmp"]),
        (["cleft_count = 2", "solidity<0.99"], ["plate 7/cleft.bmp"]),
        (["cleft_count>2"], []),
        (["nc_ratio<=1"], []),  # not measured
        (["probability_all<1e0"], ["a.bmp", "plate 7/b.bmp", "plate 7/cleft.bmp", "plate 7/d.bmp"]),
    ],
)
def test_results_are_selected_by_their_numbers(
    run: Run, filled: DeployedStack, conditions: list[str], keys: list[str]
) -> None:
    body = json.dumps(measured_document("plate 7/cleft.bmp")).encode()
    filled.s3.put_object(Bucket=RESULTS, Key="results/plate 7/cleft.bmp.json", Body=body)
    options = [part for condition in conditions for part in ("--where", condition)]
    result = run(results, "--format", "jsonl", *options)
    assert result.exit_code == 0, result.output
    assert [json.loads(line)["image"]["key"] for line in result.stdout.splitlines()] == keys


@pytest.mark.parametrize("text", ["", "size>3", "solidity", "solidity>much", "solidity>1.2.3", "solidity=>1", ">1"])
def test_a_text_that_is_no_condition_is_refused_with_the_names(run: Run, filled: DeployedStack, text: str) -> None:
    result = run(results, "--where", text)
    assert result.exit_code == 2
    assert "is not like 'deepest_cleft>=0.1'" in result.output
    assert "pale_spot_count" in result.output


def test_a_wide_terminal_shows_the_features(run: Run, filled: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    filled.s3.put_object(Bucket=RESULTS, Key="results/e.json", Body=json.dumps(measured_document("e")).encode())
    monkeypatch.setenv("COLUMNS", "200")
    assert "deeply clefted outline (2 clefts" in run(results).stdout
    monkeypatch.setenv("COLUMNS", "100")
    assert "clefted" not in run(results).stdout


def test_a_terminal_of_40_columns_shows_keys_and_decisions(
    run: Run, filled: DeployedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    lines = run(results).stdout.splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["a.bmp", "0.250", "ALL"],
        ["plate", "7/b.bmp", "0.250", "review"],
        ["plate", "7/c.bmp", "-", "rejected"],
        ["plate", "7/d.bmp", "0.250", "normal"],
    ]
