"""Starting, following and summing up by ``cellflag backfill``."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import pytest
from click.testing import Result

from infra.commands.backfill import backfill
from infra.deployed_stack import DeployedStack
from infra.operate.backfills import executions
from infra.operate.backfills.inventory import list_of_inventory
from tests.infra.fakes import IMAGES, RESULTS, with_client

Run = Callable[..., Result]
BATCH = {"scored": 3, "rejected": 1, "review": 2, "unchanged": 0, "gone": 0, "failed": 0, "reasons": {}, "seconds": 0.5}
STARTED = datetime(2026, 11, 22, tzinfo=UTC)


class StateMachine:
    """Step Functions with at most one execution, which ends once it was described three times."""

    def __init__(self, stack: DeployedStack, status: str = "SUCCEEDED", batch: dict[str, Any] = BATCH) -> None:
        self.looks, self.status, self.request, self.stopped = 0, status, "", False
        self.running: str | None = None
        manifest = {"ResultFiles": {"SUCCEEDED": [{"Key": "backfills/1a2b/0"}], "FAILED": []}}
        for name, text in {"0": json.dumps(batch), "manifest.json": json.dumps(manifest)}.items():
            stack.s3.put_object(Bucket=RESULTS, Key=f"backfills/1a2b/{name}", Body=text.encode())
        with_client(
            stack,
            "functions",
            get_function_configuration=lambda **_: {"Architectures": ["arm64"], "MemorySize": 1769, "Timeout": 60},
        )

    def start_execution(self, *, stateMachineArn: str, input: str) -> dict[str, Any]:  # noqa: N803
        self.request, self.running = input, "RUNNING"
        return {"executionArn": "execution"}

    def stop_execution(self, *, executionArn: str, cause: str) -> None:  # noqa: N803
        self.stopped, self.status, self.looks = True, "ABORTED", 3

    def list_executions(self, **_: Any) -> dict[str, Any]:
        execution = {"executionArn": "execution", "status": self.running}
        return {"executions": [execution] if self.running else []}

    def list_map_runs(self, **_: Any) -> dict[str, Any]:
        return {"mapRuns": [{"mapRunArn": "a:1a2b"}] if self.looks > 1 else []}

    def describe_map_run(self, **_: Any) -> dict[str, Any]:
        return {"itemCounts": {"total": 4, "succeeded": 2, "failed": 0, "timedOut": 0, "aborted": 0}}

    def describe_execution(self, **_: Any) -> dict[str, Any]:
        self.looks += 1
        if self.looks < 3:
            return {"status": "RUNNING"}
        times = {"startDate": STARTED, "stopDate": STARTED + timedelta(seconds=8)}
        return times | {"status": self.status, "input": self.request or "{}", "error": "Why", "cause": "because"}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executions, "_POLL_SECONDS", 0)


@pytest.fixture
def machine(stack: DeployedStack) -> StateMachine:
    return install(stack, StateMachine(stack))


def install(stack: DeployedStack, machine: StateMachine) -> StateMachine:
    vars(stack)["stepfunctions"] = machine
    return machine


@pytest.mark.parametrize(
    ("options", "started_with"),
    [
        ([], {"backfill": "missing", "prefix": ""}),
        (["--only-missing", "--prefix", "plate 7/"], {"backfill": "missing", "prefix": "plate 7/"}),
        (["--all"], {"backfill": "all", "prefix": ""}),
    ],
)
def test_a_backfill_starts_as_requested_and_is_followed_to_its_summary(
    run: Run, machine: StateMachine, options: list[str], started_with: dict[str, str]
) -> None:
    result = run(backfill, *options)
    assert result.exit_code == 0, result.output
    assert json.loads(machine.request) == started_with
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["3", "scored"] in rows
    assert ["2", "of", "both", "to", "review"] in rows
    assert ["8.0", "seconds,", "0.5", "images", "a", "second"] in rows
    assert any(row[1:4] == ["USD", "on", "AWS,"] and float(row[0]) > 0 for row in rows)


def test_the_summary_counts_stale_and_withdrawn_results_apart(run: Run, stack: DeployedStack) -> None:
    install(stack, StateMachine(stack, batch=BATCH | {"stale": 5, "withdrawn": 7}))
    result = run(backfill)
    assert result.exit_code == 0, result.output
    assert "3  scored" in result.stdout
    assert "5  left to a newer version of the image" in result.stdout
    assert "7  deleted: their result was withdrawn" in result.stdout


def test_of_a_deployment_for_one_prefix_only_that_prefix_is_listed(
    run: Run, stack: DeployedStack, machine: StateMachine
) -> None:
    stack.outputs["ImagesPrefix"] = "incoming/"
    assert run(backfill).exit_code == 0
    assert json.loads(machine.request)["prefix"] == "incoming/"
    machine.running = None
    result = run(backfill, "--prefix", "archive/")
    assert (result.exit_code, "keys that begin with incoming/" in result.output) == (2, True)


def test_failed_images_are_reported_with_their_reasons_and_an_exit_code(run: Run, stack: DeployedStack) -> None:
    install(stack, StateMachine(stack, batch=BATCH | {"failed": 7, "reasons": {"[S3] answered AccessDenied": 7}}))
    result = run(backfill)
    assert result.exit_code == 1
    assert "7 times [S3] answered AccessDenied" in result.stdout
    assert "7 images failed" in result.stderr


def test_a_backfill_that_broke_off_is_reported_with_its_results_until_then(run: Run, stack: DeployedStack) -> None:
    install(stack, StateMachine(stack, "FAILED"))
    result = run(backfill)
    assert result.exit_code == 1
    assert "3  scored" in result.stdout
    assert "ended as FAILED: Why: because" in result.stderr


def test_a_second_one_is_not_started_beside_the_first(run: Run, machine: StateMachine) -> None:
    machine.running = "RUNNING"
    result = run(backfill)
    assert (result.exit_code, machine.request) == (2, "")
    assert "--follow" in result.output


def test_it_can_be_followed_later_and_stopped(run: Run, machine: StateMachine) -> None:
    machine.running = "RUNNING"
    assert "3  scored" in run(backfill, "--follow").stdout
    assert not machine.stopped
    assert run(backfill, "--stop").exit_code == 0
    assert machine.stopped


@pytest.mark.parametrize(
    ("option", "words"), [("--follow", "there has been no backfill yet"), ("--stop", "no backfill is running")]
)
def test_there_may_be_nothing_to_follow_or_stop(run: Run, machine: StateMachine, option: str, words: str) -> None:
    result = run(backfill, option)
    assert (result.exit_code, words in result.output) == (2, True)


def test_it_can_be_started_without_waiting(run: Run, machine: StateMachine) -> None:
    assert run(backfill, "--detach").exit_code == 0
    assert (machine.running, machine.looks) == ("RUNNING", 0)


def test_leaving_it_by_ctrl_c_leaves_it_running_and_says_how_to_go_on(
    run: Run, machine: StateMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(executions, "follow", interrupted)
    result = run(backfill)
    assert result.exit_code == 130
    assert "goes on" in result.stderr
    assert not machine.stopped


def inventory(stack: DeployedStack, rows: str, **changes: Any) -> str:
    files = [{"key": "data/1.csv.gz"}]
    manifest = {
        "sourceBucket": IMAGES,
        "destinationBucket": f"arn:aws:s3:::{RESULTS}",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, VersionId, IsLatest, IsDeleteMarker",
        "files": files,
    } | changes
    stack.s3.put_object(Bucket=RESULTS, Key="data/1.csv.gz", Body=gzip.compress(rows.encode()))
    stack.s3.put_object(Bucket=RESULTS, Key="inventory/manifest.json", Body=json.dumps(manifest).encode())
    return f"s3://{RESULTS}/inventory/manifest.json"


ROWS = f'''"{IMAGES}","plate+7/a%2Bb.bmp","v2","true","false"
"{IMAGES}","plate+7/a%2Bb.bmp","v1","false","false"
"{IMAGES}","plate+7/deleted.bmp","v1","true","true"
"{IMAGES}","%E6%82%A3.bmp","v1","true","false"
'''


@pytest.mark.parametrize(("prefix", "keys"), [("", ["plate 7/a+b.bmp", "患.bmp"]), ("plate 7/", ["plate 7/a+b.bmp"])])
def test_an_inventory_names_the_current_images_by_their_decoded_keys(
    stack: DeployedStack, prefix: str, keys: list[str]
) -> None:
    shown: list[int] = []
    list_key = list_of_inventory(stack, inventory(stack, ROWS), prefix, shown.append)
    assert list_key.startswith("backfills/lists/")
    lines = stack.s3.get_object(Bucket=RESULTS, Key=list_key)["Body"].read().decode().splitlines()
    assert [json.loads(line) for line in lines] == [{"Key": key} for key in keys]
    assert shown == [len(keys)]


def test_a_backfill_of_an_inventory_hands_its_list_to_the_state_machine(
    run: Run, stack: DeployedStack, machine: StateMachine
) -> None:
    assert run(backfill, "--inventory", inventory(stack, ROWS)).exit_code == 0
    assert json.loads(machine.request)["list"].startswith("backfills/lists/")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sourceBucket": "other"}, "is of the bucket other, not of"),
        ({"fileFormat": "ORC"}, "is in ORC: only CSV"),
        ({"files": []}, "names no image"),
    ],
)
def test_an_inventory_that_cannot_be_used_is_refused(stack: DeployedStack, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(click.UsageError, match=words):
        list_of_inventory(stack, inventory(stack, ROWS, **changes), "", lambda _: None)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("inventory/manifest.json", "is not s3://BUCKET"),
        ("s3:///manifest.json", "is not s3://BUCKET"),
        (f"s3://{RESULTS}/none/manifest.json", "there is no s3://"),
        (f"s3://{RESULTS}/text/manifest.json", "is not the manifest of an inventory"),
        (f"s3://{RESULTS}/half/manifest.json", "no destinationBucket"),
    ],
)
def test_a_file_that_is_no_manifest_is_refused(stack: DeployedStack, url: str, words: str) -> None:
    stack.s3.put_object(Bucket=RESULTS, Key="text/manifest.json", Body=b"hello")
    half = {"sourceBucket": IMAGES, "fileFormat": "CSV", "fileSchema": "Bucket, Key", "files": []}
    stack.s3.put_object(Bucket=RESULTS, Key="half/manifest.json", Body=json.dumps(half).encode())
    with pytest.raises(click.UsageError, match=words):
        list_of_inventory(stack, url, "", lambda _: None)


@pytest.mark.parametrize(
    ("row", "listed"),
    [('"plate+7/","0"', False), ('"plate+7/","5"', True), ('"empty.bmp","0"', True), ('"/","0"', False)],
)
def test_an_inventory_passes_over_the_folders_of_the_console_as_a_listing_does(
    row: str, listed: bool, stack: DeployedStack
) -> None:
    rows = f'"{IMAGES}","cell.bmp","9"\n"{IMAGES}",{row}\n'
    url = inventory(stack, rows, fileSchema="Bucket, Key, Size")
    list_key = list_of_inventory(stack, url, "", lambda _: None)
    lines = stack.s3.get_object(Bucket=RESULTS, Key=list_key)["Body"].read().splitlines()
    assert len(lines) == 1 + listed


@pytest.mark.parametrize(
    ("body", "schema"),
    [
        (b"no gzip", "Bucket, Key"),
        (gzip.compress(b'"b","a.bmp"\n' * 999)[:-20], "Bucket, Key"),
        (gzip.compress(b'"b"\n'), "Bucket, Key"),
        (gzip.compress(b'"b","a.bmp"\n'), "Bucket, Name"),
        (gzip.compress(b'"b","\xff"\n'), "Bucket, Key"),
    ],
    ids=["no gzip", "cut off", "no key", "no column of keys", "not UTF-8"],
)
def test_a_damaged_file_of_an_inventory_is_named(body: bytes, schema: str, stack: DeployedStack) -> None:
    url = inventory(stack, "", fileSchema=schema)
    stack.s3.put_object(Bucket=RESULTS, Key="data/1.csv.gz", Body=body)
    with pytest.raises(click.UsageError, match=r"data/1\.csv\.gz, a file of the inventory, is damaged"):
        list_of_inventory(stack, url, "", lambda _: None)
