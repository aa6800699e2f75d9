"""Reading, selecting, showing and exporting by ``cellflag results``."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partialmethod
from typing import Any

import pytest
from click.testing import CliRunner, Result

from infra.commands.results import point_in_time, results
from infra.deployed_stack import DeployedStack
from infra.operate.documents import Selection, read_documents
from tests.infra.commands.stored_results import DOCUMENTS, document, fill, measured_document
from tests.infra.fakes import RESULTS

Run = Callable[..., Result]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def filled(stack: DeployedStack) -> DeployedStack:
    return fill(stack)


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
