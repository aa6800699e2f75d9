"""Slides by ``cellflag results --summary``."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from infra.commands.results import results
from infra.deployed_stack import DeployedStack
from infra.operate.slide_exports import COLUMNS, row
from lambda_fn.decisions import Decision
from lambda_fn.known_subjects import KnownSubjects, Quantiles, SubjectSpread
from lambda_fn.manifest import Manifest
from lambda_fn.slides import NOTES, SlideTallies
from tests.infra.fakes import RESULTS

Run = Callable[..., Result]
SERVED = Manifest.read().version
KNOWN = KnownSubjects(
    all=SubjectSpread(20, Quantiles(0.51, 0.8, 0.93, 0.98, 1), Quantiles(0.52, 0.7, 0.85, 0.9, 0.97)),
    normal=SubjectSpread(13, Quantiles(0, 0.05, 0.12, 0.3, 0.76), Quantiles(0.03, 0.1, 0.21, 0.4, 0.69)),
)


def document(key: str, probability: float | None, model: str = SERVED) -> dict[str, Any]:
    decision: Decision = "review"
    if probability is not None and not 0.3 <= probability < 0.8:
        decision = "ALL" if probability > 0.5 else "normal"
    label = "ALL" if probability is not None and probability >= 0.5 else "normal"
    return {
        "schema": "cellflag/result/1",
        "status": "rejected" if probability is None else "scored",
        "image": {"key": key},
        "prediction": None if probability is None else {"label": label, "probability_all": probability},
        "decision": decision,
        "review": {"required": decision == "review", "reasons": []},
        "morphology": None,
        "explanation": {"key": None},
        "model": {"version": model, "sha256": "0" * 64},
        "timing_ms": {},
        "scored_at": "2026-11-22T12:00:00.000Z",
    }


DOCUMENTS = [
    *(document(f"p7/a/{number}.bmp", probability) for number, probability in enumerate((0.9, 0.9, 0.9, 0.6, 0.1))),
    document("p7/a/torn.bmp", None),
    *(document(f"p7/b/{number}.bmp", 0.2) for number in range(3)),
    *(document(f"old/{number}.bmp", 0.9, "model-1") for number in range(6)),
    document("loose.bmp", 0.9),
]


@pytest.fixture
def filled(stack: DeployedStack) -> DeployedStack:
    for one in DOCUMENTS:
        put(stack, one)
    return stack


def put(stack: DeployedStack, one: dict[str, Any]) -> None:
    key = f"results/{len(stack.s3.list_objects_v2(Bucket=RESULTS).get('Contents', [])):03}.json"
    stack.s3.put_object(Bucket=RESULTS, Key=key, Body=json.dumps(one).encode())


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the model in this folder known subjects."""
    manifest = replace(Manifest.read(), known_subjects=KNOWN)
    monkeypatch.setattr(Manifest, "read", lambda: manifest)


def test_a_line_per_slide_has_counts_the_share_and_the_mean(run: Run, filled: DeployedStack) -> None:
    result = run(results, "--summary")
    assert result.exit_code == 0, result.output
    lines = {line.split("  ")[0]: " ".join(line.split()) for line in result.stdout.splitlines()}
    assert lines["p7/a/"] == "p7/a/ 5 3 1 1 1 0.80 (0.38 to 0.96) 0.68"
    assert lines["p7/b/"] == "p7/b/ 3 0 3 0 0 - under 5 cells -"
    assert lines["(no folder)"] == "(no folder) 1 1 0 0 0 - under 5 cells -"
    assert lines["old/"].startswith("old/ 6 6 0 0 0 1.00 (0.61 to 1.00)")
    assert all(note in result.stdout for note in NOTES)
    assert "4 slides." in result.stderr
    assert "16 results: 10 ALL, 4 normal, 1 review, 1 rejected." in result.stderr


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        ("80", ["p7/a/ 5 3 1 1 1 0.80 0.68", "(0.38 to 0.96)", "p7/b/ 3 0 3 0 0 - -", "under 5 cells"]),
        ("56", ["p7/a/ 5 0.80 0.68", "(0.38 to 0.96)", "p7/b/ 3 - -", "under 5 cells"]),
        ("40", ["p7/a/ 5 0.80", "(0.38 to 0.96)", "p7/b/ 3 -", "under 5 cells"]),
    ],
)
def test_a_narrow_terminal_shows_slides_and_shares(
    columns: str, lines: list[str], run: Run, filled: DeployedStack, known: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    shown = [" ".join(line.split()) for line in run(results, "--summary").stdout.splitlines()]
    start = shown.index(lines[0])
    assert shown[start : start + len(lines)] == lines


def test_the_first_folders_of_a_key_are_a_slide_on_request(run: Run, filled: DeployedStack) -> None:
    result = run(results, "--summary", "--prefix-depth", "1", "--format", "jsonl")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(each["slide"], each["images"], each["scored"]) for each in rows] == [
        ("", 1, 1),
        ("old/", 6, 6),
        ("p7/", 9, 8),
    ]


def test_known_subjects_stand_below_with_the_model_that_they_are_of(
    run: Run, filled: DeployedStack, known: None
) -> None:
    result = run(results, "--summary")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "20 known subjects with ALL 0.93 (0.51 to 1.00) 0.85 (0.52 to 0.97)" in lines
    assert "13 known healthy subjects 0.12 (0.00 to 0.76) 0.21 (0.03 to 0.69)" in lines
    assert f"Known subjects: those of 5 cells or more on which {SERVED} was measured" in result.stdout
    assert f"1 of 4 slides were scored by another model than {SERVED}, or by several (model-1)" in result.stdout


def test_slides_of_other_models_are_not_compared(run: Run, filled: DeployedStack, known: None) -> None:
    result = run(results, "--summary", "--model", "model-1")
    assert "known subjects with ALL" not in result.stdout
    assert "do not compare with its known subjects" in result.stdout
    exported = run(results, "--summary", "--format", "jsonl").stdout.splitlines()
    compared = {each["slide"]: each["known_all_subjects"] for each in map(json.loads, exported)}
    assert compared == {"": 20, "old/": None, "p7/a/": 20, "p7/b/": 20}


def test_a_manifest_without_known_subjects_says_so(
    run: Run, filled: DeployedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = replace(Manifest.read(), known_subjects=None)
    monkeypatch.setattr(Manifest, "read", lambda: manifest)
    result = run(results, "--summary")
    assert f"No comparison: the model's manifest does not state known subjects ({SERVED})." in result.stdout


def test_every_format_has_the_same_fields(run: Run, filled: DeployedStack, known: None, tmp_path: Path) -> None:
    lines = run(results, "--summary", "--format", "jsonl").stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    assert [list(each) for each in rows] == [list(COLUMNS)] * 4
    exported = run(results, "--summary", "--format", "csv")
    assert [each["slide"] for each in csv.DictReader(io.StringIO(exported.stdout))] == ["", "old/", "p7/a/", "p7/b/"]
    assert all(note in exported.stderr for note in NOTES)
    out = tmp_path / "slides.parquet"
    assert run(results, "--summary", "--format", "parquet", "--out", str(out)).exit_code == 0
    with duckdb.connect() as connection:
        relation = connection.read_parquet(str(out))
        assert dict(zip(relation.columns, map(str, relation.types), strict=True)) == COLUMNS
        assert [dict(zip(relation.columns, values, strict=True)) for values in relation.fetchall()] == rows


def test_a_row_has_exactly_the_columns_and_the_summary_of_the_contract() -> None:
    tallies = SlideTallies()
    tallies.add(document("a/1.bmp", 0.9))  # type: ignore[arg-type] # the fields of a document
    (summary,) = tallies.summaries()
    exported = row(summary, Manifest.read())
    assert list(exported) == list(COLUMNS)
    assert exported.items() >= asdict(summary).items()
    assert exported["unstated"] == "under 5 cells"


def test_a_slide_whose_name_would_control_the_terminal_is_escaped(run: Run, stack: DeployedStack) -> None:
    put(stack, document("[bold]a\x1b[2J\u202egpj\x85/1.bmp", 0.9))
    assert "[bold]a\\x1b[2J\\u202egpj\\x85/" in run(results, "--summary").stdout


def test_a_slide_whose_name_is_a_formula_is_harmless_in_a_spreadsheet(run: Run, stack: DeployedStack) -> None:
    put(stack, document("=1+1/1.bmp", 0.9))
    (line,) = csv.DictReader(io.StringIO(run(results, "--summary", "--format", "csv").stdout))
    assert line["slide"] == "'=1+1/"


def test_a_model_whose_name_would_control_the_terminal_is_escaped(run: Run, stack: DeployedStack, known: None) -> None:
    put(stack, document("a/1.bmp", 0.9, "model\x1b[2J"))
    result = run(results, "--summary")
    assert r"model\x1b[2J" in result.stdout
    assert "\x1b" not in result.stdout


def test_a_limit_is_of_slides_and_the_shares_are_of_all_their_cells(run: Run, filled: DeployedStack) -> None:
    result = run(results, "--summary", "--limit", "3", "--format", "jsonl")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(each["slide"], each["images"]) for each in rows] == [("", 1), ("old/", 6), ("p7/a/", 6)]
    assert "The first 3 of 4 slides." in result.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--prefix-depth", "2"], "--prefix-depth goes with --summary"),
        (["--summary", "--prefix-depth", "0"], "0 is not in the range x>=1"),
        (["--summary", "--flagged"], "a share of selected cells says nothing of the slide"),
        (["--summary", "--rejected"], "a share of selected cells says nothing of the slide"),
        (["--summary", "--decision", "ALL"], "a share of selected cells says nothing of the slide"),
        (["--summary", "--out", "r.csv"], "a table goes to the terminal"),
        (["--summary", "--format", "parquet"], "name a file with --out"),
    ],
)
def test_options_that_contradict_are_refused(run: Run, filled: DeployedStack, options: list[str], words: str) -> None:
    result = run(results, *options)
    assert (result.exit_code, words in " ".join(result.output.split())) == (2, True)


def test_a_file_that_is_there_is_refused_before_any_result_is_read(
    run: Run, filled: DeployedStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "r.csv").write_text("mine")
    monkeypatch.setattr(filled.s3, "get_object", lambda **_: pytest.fail("a result was read"))
    result = run(results, "--summary", "--format", "csv", "--out", str(tmp_path / "r.csv"))
    assert (result.exit_code, "is there already" in result.output) == (2, True)
    assert (tmp_path / "r.csv").read_text() == "mine"


def test_without_results_there_is_no_slide(run: Run, stack: DeployedStack) -> None:
    result = run(results, "--summary")
    assert result.exit_code == 0
    assert "0 slides." in result.stderr


@pytest.fixture
def scored(tmp_path: Path) -> Path:
    """A folder of documents, as `cellflag score` writes them."""
    for one in DOCUMENTS:
        for place in ("results", "review") if one["review"]["required"] else ("results",):
            path = tmp_path / place / f"{one['image']['key']}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(one))
    return tmp_path


def run_below(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(results, ["--folder", str(folder), *options])


def test_what_was_scored_into_a_folder_is_summed_up_without_a_deployment(
    scored: Path, run: Run, filled: DeployedStack
) -> None:
    below = run_below(scored, "--summary", "--format", "csv")
    assert below.exit_code == 0, below.output
    assert below.stdout == run(results, "--summary", "--format", "csv").stdout


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ([], 16),
        (["--prefix", "p7/"], 9),
        (["--prefix", "p7/a/1"], 1),
        (["--flagged"], 2),
        (["--model", "model-1"], 6),
        (["--since", "1h"], 16),
        (["--since", "2099-01-01"], 0),
    ],
)
def test_results_of_a_folder_are_selected_as_those_of_a_deployment(
    scored: Path, options: list[str], count: int
) -> None:
    lines = run_below(scored, "--format", "jsonl", *options).stdout.splitlines()
    keys = [json.loads(line)["image"]["key"] for line in lines]
    assert keys == sorted(keys)
    assert len(keys) == count


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"\xff"])
def test_a_file_that_is_no_result_is_named_and_the_others_are_listed(scored: Path, body: bytes) -> None:
    (scored / "results/odd.json").write_bytes(body)
    result = run_below(scored, "--format", "jsonl")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, len(DOCUMENTS))
    assert "odd.json: left out, because it is no result document" in result.stderr


@pytest.mark.parametrize("options", [["--local"], ["--stage", "two"], ["--region", "eu-west-1"], ["--profile", "p"]])
def test_a_folder_goes_without_a_deployment(scored: Path, options: list[str]) -> None:
    result = run_below(scored, *options)
    assert (result.exit_code, "--folder goes without" in result.output) == (2, True)


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    result = run_below(tmp_path)
    assert (result.exit_code, "holds no results" in " ".join(result.output.split())) == (2, True)
