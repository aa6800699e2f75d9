"""Whole batches after deletions, second tries of a backfill, and keys that are too long for a result."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from lambda_fn.model import Model

from ..brightest_red import cell
from ..fake_s3 import FakeS3, client_error
from .conftest import batch, notification
from .test_batches import Clock, failed_ids

NORMAL, REVIEWED = cell(30), cell(128)


@pytest.fixture
def s3() -> FakeS3:
    return FakeS3()


def upload(s3: FakeS3, body: bytes, key: str = "a.bmp") -> str:
    version: str = s3.put_object(Bucket="images", Key=key, Body=body)["VersionId"]
    return version


def created(version: str, sequencer: str, key: str = "a.bmp") -> dict[str, Any]:
    return notification(key, versionId=version, sequencer=sequencer)


def removed(sequencer: str, *keys: str, name: str = "ObjectRemoved:Delete") -> dict[str, Any]:
    body = notification(*(keys or ("a.bmp",)), sequencer=sequencer, versionId="any")
    for record in body["Records"]:
        record["eventName"] = name
        del record["s3"]["object"]["size"]
    return body


def answer(function: ModuleType, *events: dict[str, Any]) -> None:
    """Answer each event in a batch of its own."""
    for number, event in enumerate(events):
        context = Clock(60)
        context.aws_request_id = f"request-{id(event)}-{number}"
        assert failed_ids(function.handler(batch(m=event), context)) == []


def documents(s3: FakeS3) -> dict[str, Any]:
    return {
        key: json.loads(version.body) for key, version in s3.current("results").items() if not key.startswith("ledger/")
    }


def ledger(s3: FakeS3) -> list[dict[str, Any]]:
    bodies = [version.body for key, version in s3.current("results").items() if key.startswith("ledger/")]
    return [json.loads(line) for body in bodies for line in body.splitlines()]


def outcomes(s3: FakeS3) -> list[tuple[str, str | None, str]]:
    return [(line["image"]["key"], line["image"]["version_id"], line["outcome"]) for line in ledger(s3)]


def backfill(function: ModuleType, kind: str, *keys: str, **more: Any) -> dict[str, Any]:
    item = {"Bucket": "images", "Backfill": kind} | more.pop("item", {})
    items = [item | {"Key": key} for key in keys or ("a.bmp",)]
    counts: dict[str, Any] = function.handler({"Items": items, **more}, Clock(60))
    return {name: count for name, count in counts.items() if count and name != "seconds"}


def test_after_the_newest_version_is_deleted_the_result_and_flag_are_of_the_version_before(
    function: ModuleType, s3: FakeS3
) -> None:
    first = upload(s3, REVIEWED)
    second = upload(s3, NORMAL)
    answer(function, created(first, "01"), created(second, "02"))
    assert set(documents(s3)) == {"results/a.bmp.json"}
    s3.delete_object(Bucket="images", Key="a.bmp", VersionId=second)
    answer(function, removed("03"))
    assert set(documents(s3)) == {"results/a.bmp.json", "review/a.bmp.json"}
    assert documents(s3)["results/a.bmp.json"]["image"]["version_id"] == first


@pytest.mark.parametrize("kind", ["missing", "all"])
@pytest.mark.parametrize("of_new_model", [False, True])
def test_a_backfill_replaces_a_result_whose_version_is_gone_even_if_no_event_told_of_the_deletion(
    kind: str, of_new_model: bool, function: ModuleType, s3: FakeS3, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = upload(s3, REVIEWED)
    second = upload(s3, NORMAL)
    answer(function, created(first, "01"), created(second, "02"))
    s3.delete_object(Bucket="images", Key="a.bmp", VersionId=second)
    if of_new_model:
        manifest = replace(model.manifest, sha256="another")
        monkeypatch.setattr(model, "manifest", manifest)
    assert backfill(function, kind) == {"scored": 1, "review": 1}
    assert documents(s3)["results/a.bmp.json"]["image"]["version_id"] == first
    assert backfill(function, "missing") == {"unchanged": 1}


@pytest.mark.parametrize("name", ["ObjectRemoved:DeleteMarkerCreated", "LifecycleExpiration:DeleteMarkerCreated"])
def test_the_result_and_flag_of_a_deleted_image_are_withdrawn_but_labels_stay(
    name: str, function: ModuleType, s3: FakeS3
) -> None:
    version = upload(s3, REVIEWED)
    s3.put_object(Bucket="results", Key="labels/a.bmp.json", Body=b'{"label": "ALL"}')
    answer(function, created(version, "01"))
    s3.delete_object(Bucket="images", Key="a.bmp")
    answer(function, removed("02", name=name))
    assert documents(s3) == {"labels/a.bmp.json": {"label": "ALL"}}
    assert outcomes(s3) == [("a.bmp", version, "written"), ("a.bmp", None, "withdrawn")]
    assert [one.is_marker for one in s3.versions("results", "results/a.bmp.json")] == [False, True]


def test_a_late_repetition_of_the_upload_brings_no_result_of_a_deleted_image_back(
    function: ModuleType, s3: FakeS3
) -> None:
    version = upload(s3, REVIEWED)
    s3.delete_object(Bucket="images", Key="a.bmp")
    answer(function, created(version, "01"), removed("02"), created(version, "01"))
    assert documents(s3) == {}
    assert [outcome for _, _, outcome in outcomes(s3)] == ["withdrawn"] * 3


def test_an_image_that_is_restored_gets_its_result_back(function: ModuleType, s3: FakeS3) -> None:
    version = upload(s3, REVIEWED)
    s3.delete_object(Bucket="images", Key="a.bmp")
    answer(function, created(version, "01"), removed("02"))
    marker = s3.versions("images", "a.bmp")[-1].version_id
    s3.delete_object(Bucket="images", Key="a.bmp", VersionId=marker)
    answer(function, removed("03"))
    assert documents(s3)["review/a.bmp.json"]["image"]["version_id"] == version


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_multipart_uploads_that_overlap_the_one_that_started_last_has_the_result(
    order: tuple[int, int], function: ModuleType, s3: FakeS3
) -> None:
    started_last = upload(s3, NORMAL)
    ended_last = s3.finish_upload("images", "a.bmp", REVIEWED, started_before=1)
    events = created(started_last, "01"), created(ended_last, "02")
    answer(function, *(events[number] for number in order), events[0], events[1])
    assert {key: document["image"]["version_id"] for key, document in documents(s3).items()} == {
        "results/a.bmp.json": started_last
    }


def test_an_event_of_a_deletion_counts_in_no_metric_of_images_and_an_old_upload_in_no_delay(
    function: ModuleType, s3: FakeS3, capsys: pytest.CaptureFixture[str]
) -> None:
    upload(s3, NORMAL, "restored.bmp")
    answer(function, removed("02", "gone.bmp", "restored.bmp"))
    values = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert values["Images"] == [1.0]
    assert "UploadToResult" not in values


def test_the_deletion_of_a_folder_or_of_an_image_without_a_result_is_answered(function: ModuleType, s3: FakeS3) -> None:
    answer(function, removed("01", "folder/", "never scored.bmp"))
    assert documents(s3) == {}


class Refusal:
    """Lets S3 refuse to write the ledger as often as a test wants."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __call__(self, key: str) -> None:
        if key.startswith("ledger/") and self.times:
            self.times -= 1
            raise client_error("PutObject", "SlowDown", 503)


@pytest.mark.parametrize("kind", ["missing", "all"])
def test_the_second_try_of_a_backfill_whose_ledger_was_refused_writes_each_line(
    kind: str, function: ModuleType, s3: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("old.bmp", "a.bmp", "b.bmp"):
        upload(s3, NORMAL, key)
    answer(function, notification("old.bmp"))
    refusal, put = Refusal(1), s3.put_object

    def put_object(**request: Any) -> dict[str, Any]:
        refusal(request["Key"])
        return put(**request)

    monkeypatch.setattr(s3, "put_object", put_object)
    since = {"Since": documents(s3)["results/old.bmp.json"]["scored_at"].replace("Z", "1Z")}  # a moment later
    keys = ("old.bmp", "a.bmp", "b.bmp")
    first = backfill(function, kind, *keys, item=since)
    assert first["failed"] == (3 if kind == "all" else 2)
    again = backfill(function, kind, *keys, item=since, first={"counts": {"scored": 0, "rejected": 0, **first}})
    assert again == ({"scored": 3} if kind == "all" else {"scored": 2, "unchanged": 1})
    assert {key for key, _, _ in outcomes(s3)} == set(keys)


def test_a_repeated_call_of_a_backfill_that_died_before_its_ledger_writes_each_line_once(
    function: ModuleType, s3: FakeS3
) -> None:
    upload(s3, NORMAL)
    since = {"Since": "2020-01-01T00:00:00.000Z"}
    assert backfill(function, "missing", item=since) == {"scored": 1}
    for key in [key for key in s3.current("results") if key.startswith("ledger/")]:
        s3.delete_object(Bucket="results", Key=key)  # as if the call had died before
    assert backfill(function, "missing", item=since) == {"scored": 1}
    assert outcomes(s3) == [("a.bmp", "version-1", "duplicate")]
    counts = {"scored": 1, "rejected": 0, "failed": 1}
    assert backfill(function, "missing", item=since, first={"counts": counts}) == {"unchanged": 1}


def test_a_result_that_lost_to_a_newer_version_is_counted_apart(
    function: ModuleType, s3: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(s3, NORMAL)

    def around(name: str, operation: Callable[[], Any]) -> Any:
        result = operation()
        if name == "GetObject" and result["VersionId"] == "version-1":
            s3.around = lambda name, operation: operation()
            answer(function, created(upload(s3, REVIEWED), "02"))  # while the backfill scores
        return result

    s3.around = around
    assert backfill(function, "all") == {"stale": 1}


LONG = "é" * 505 + "a"  # 1,011 bytes


def test_a_key_of_1011_bytes_has_a_result_and_a_longer_one_an_answer_in_log_ledger_and_metrics(
    function: ModuleType, s3: FakeS3, log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    for key in (LONG, f"{LONG}b"):
        upload(s3, REVIEWED, key)
    event = batch(fits=notification(LONG), long=notification(f"{LONG}b"))
    assert failed_ids(function.handler(event, Clock(60))) == []
    assert set(documents(s3)) == {f"results/{LONG}.json", f"review/{LONG}.json"}
    lines = {line["image"]["key"]: line for line in ledger(s3)}
    assert lines[LONG]["outcome"] == "written"
    assert (lines[f"{LONG}b"]["outcome"], lines[f"{LONG}b"]["error"]["code"]) == ("unwritten", "key_too_long")
    failure = json.loads(log.getvalue().splitlines()[0])
    assert (failure["level"], failure["message_ids"]) == ("ERROR", ["long"])
    assert "1,011 bytes" in failure["reason"]
    assert LONG not in log.getvalue()
    assert json.loads(capsys.readouterr().out)["Rejected"] == [1.0]


@pytest.mark.parametrize("kind", ["missing", "all"])
def test_a_backfill_counts_a_key_that_is_too_long_as_rejected_and_does_not_fail(
    kind: str, function: ModuleType, s3: FakeS3
) -> None:
    upload(s3, NORMAL, f"{LONG}b")
    assert backfill(function, kind, f"{LONG}b") == {"rejected": 1, "review": 1}
    answer(function, removed("01", f"{LONG}b"))
