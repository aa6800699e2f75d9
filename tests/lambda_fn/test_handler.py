"""The handler against an S3 in this process."""

import io
import json
import random
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import snapshot_restore_py
from botocore.config import Config

from lambda_fn.errors import IncompleteBatchError
from lambda_fn.model import Model

from .conftest import batch, draw_disc, notification

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

Encode = Callable[..., bytes]
CONTEXT = SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: 60_000)


@pytest.fixture
def s3(aws: "S3Client") -> "S3Client":
    for bucket in ("images", "results"):
        aws.create_bucket(Bucket=bucket)
    aws.put_bucket_versioning(Bucket="images", VersioningConfiguration={"Status": "Enabled"})
    return aws


def documents(s3: "S3Client") -> dict[str, Any]:
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="results").get("Contents", [])]
    return {
        key: json.loads(s3.get_object(Bucket="results", Key=key)["Body"].read()) for key in keys if "ledger" not in key
    }


def ledgers(s3: "S3Client") -> list[Any]:
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="results", Prefix="ledger/").get("Contents", [])]
    bodies = [s3.get_object(Bucket="results", Key=key)["Body"].read() for key in keys]
    return [[json.loads(line) for line in body.splitlines()] for body in bodies]


def test_an_audited_image_keeps_its_decision_and_gets_a_flag_that_says_audit_and_counts_as_no_review(
    function: ModuleType, s3: "S3Client", encode: Encode, capsys: pytest.CaptureFixture[str]
) -> None:
    function.runtime.policy = replace(function.runtime.policy, audit_share=1.0, audit_salt="salt")
    for key, red in {"normal.bmp": 20, "uncertain.bmp": 128, "ALL.bmp": 250}.items():
        s3.put_object(Bucket="images", Key=key, Body=encode(pixels=draw_disc((red, 40, 120))))
    assert function.handler(batch(m1=notification("normal.bmp", "uncertain.bmp", "ALL.bmp")), CONTEXT) == {
        "batchItemFailures": []
    }
    results = documents(s3)
    for name in ("normal", "ALL"):
        assert results[f"review/{name}.bmp.json"] == results[f"results/{name}.bmp.json"]
        assert results[f"results/{name}.bmp.json"]["decision"] == name
        assert results[f"results/{name}.bmp.json"]["review"] == {"required": True, "reasons": ["audit"]}
    assert results["review/uncertain.bmp.json"]["review"]["reasons"] == ["uncertain"]
    sent = json.loads(next(line for line in capsys.readouterr().out.splitlines() if '"Review"' in line))
    assert (sent["Review"], sent["DecidedALL"], sent["DecidedNormal"]) == ([1.0], [1.0], [1.0])


def test_an_audited_image_whose_pixels_a_person_has_answered_is_not_flagged(
    function: ModuleType, s3: "S3Client", encode: Encode
) -> None:
    function.runtime.policy = replace(function.runtime.policy, audit_share=1.0, audit_salt="salt")
    body = encode(pixels=draw_disc((250, 40, 120)))
    label = {"label": "ALL", "labelled_at": "2026-11-22T12:00:00Z", "image": {"sha256": sha256(body).hexdigest()}}
    s3.put_object(Bucket="results", Key="labels/a.bmp.json", Body=json.dumps(label).encode())
    for key in ("a.bmp", "b.bmp"):
        s3.put_object(Bucket="images", Key=key, Body=body)
    function.handler(batch(m1=notification("a.bmp", "b.bmp")), CONTEXT)
    assert {key for key in documents(s3) if key.startswith("review/")} == {"review/b.bmp.json"}


def test_each_image_of_a_batch_gets_its_result_and_the_uncertain_one_a_flag(
    function: ModuleType, s3: "S3Client", encode: Encode
) -> None:
    for key, red in {"a b.bmp": 20, "deep/er/ü+日本.BMP": 128, "c.bmp": 250}.items():
        s3.put_object(Bucket="images", Key=key, Body=encode(pixels=draw_disc((red, 40, 120))))
    event = batch(m1=notification("a b.bmp", "deep/er/ü+日本.BMP"), m2=notification("c.bmp"))
    assert function.handler(event, CONTEXT) == {"batchItemFailures": []}
    results = documents(s3)
    assert {key: document["decision"] for key, document in results.items()} == {
        "results/a b.bmp.json": "normal",
        "results/deep/er/ü+日本.BMP.json": "review",
        "review/deep/er/ü+日本.BMP.json": "review",
        "results/c.bmp.json": "ALL",
    }
    assert results["results/c.bmp.json"]["image"]["bucket"] == "images"


def test_a_batch_leaves_one_ledger_with_a_line_for_each_answer(
    function: ModuleType, s3: "S3Client", encode: Encode
) -> None:
    s3.put_object(Bucket="images", Key="a.bmp", Body=encode())
    s3.put_object(Bucket="images", Key="b.bmp", Body=b"no image")
    function.handler(batch(m=notification("a.bmp", "b.bmp", "gone.bmp")), CONTEXT)
    (lines,) = ledgers(s3)
    assert [(line["image"]["key"], line["status"], line["outcome"]) for line in lines] == [
        ("a.bmp", "scored", "written"),
        ("b.bmp", "rejected", "written"),
    ]


def test_a_batch_without_an_answer_leaves_no_ledger(function: ModuleType, s3: "S3Client") -> None:
    function.handler(batch(m=notification("gone.bmp")), CONTEXT)
    assert ledgers(s3) == []


def test_the_version_that_the_event_names_is_scored_not_the_newest(
    function: ModuleType, s3: "S3Client", encode: Encode
) -> None:
    version = s3.put_object(Bucket="images", Key="a.bmp", Body=encode(pixels=draw_disc((250, 40, 120))))["VersionId"]
    s3.put_object(Bucket="images", Key="a.bmp", Body=encode(pixels=draw_disc((10, 40, 120))))
    function.handler(batch(m=notification("a.bmp", versionId=version)), CONTEXT)
    result = documents(s3)["results/a.bmp.json"]
    assert (result["decision"], result["image"]["version_id"]) == ("ALL", version)


def test_only_the_failed_messages_go_back_to_the_queue(function: ModuleType, s3: "S3Client", encode: Encode) -> None:
    s3.put_object(Bucket="images", Key="good.bmp", Body=encode())
    event = batch(
        unknown="not an event",
        forbidden=notification("x.bmp", bucket="no-such-bucket"),
        good=notification("good.bmp"),
        test={"Event": "s3:TestEvent"},
    )
    assert function.handler(event, CONTEXT) == {
        "batchItemFailures": [{"itemIdentifier": "forbidden"}, {"itemIdentifier": "unknown"}]
    }
    assert "results/good.bmp.json" in documents(s3)


def test_a_bad_image_is_answered_and_leaves_the_queue(function: ModuleType, s3: "S3Client") -> None:
    s3.put_object(Bucket="images", Key="notes.bmp", Body=b"these are notes")
    assert function.handler(batch(m=notification("notes.bmp")), CONTEXT) == {"batchItemFailures": []}
    assert documents(s3)["review/notes.bmp.json"]["error"]["code"] == "unsupported_format"


def test_an_image_deleted_before_it_is_read_leaves_the_queue_without_a_result(
    function: ModuleType, s3: "S3Client"
) -> None:
    assert function.handler(batch(m=notification("gone.bmp")), CONTEXT) == {"batchItemFailures": []}
    assert documents(s3) == {}


def test_the_message_of_a_result_that_cannot_be_written_goes_back_to_the_queue(
    function: ModuleType, s3: "S3Client", encode: Encode, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put_object(Bucket="images", Key="a.bmp", Body=encode())
    monkeypatch.setenv("RESULTS_BUCKET", "no-such-bucket")
    assert function.handler(batch(m=notification("a.bmp")), CONTEXT) == {"batchItemFailures": [{"itemIdentifier": "m"}]}


def test_a_notification_without_a_queue_that_fails_raises_an_error(function: ModuleType) -> None:
    with pytest.raises(IncompleteBatchError):
        function.handler(notification("x.bmp", bucket="no-such-bucket"), CONTEXT)


def items(backfill: str, *keys: str, bucket: str = "images") -> dict[str, Any]:
    return {"Items": [{"Bucket": bucket, "Key": key, "Backfill": backfill} for key in keys]}


def test_a_backfill_of_missing_results_keeps_the_current_results_of_this_model(
    function: ModuleType, s3: "S3Client", encode: Encode, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ("current.bmp", "replaced.bmp", "of another model.bmp", "new.bmp")
    for key in keys:
        s3.put_object(Bucket="images", Key=key, Body=encode(pixels=draw_disc((250, 40, 120))))
    function.handler(notification("current.bmp", "replaced.bmp"), CONTEXT)
    with monkeypatch.context() as patch:
        patch.setattr(model, "manifest", replace(model.manifest, sha256="another", version="another"))
        function.handler(notification("of another model.bmp"), CONTEXT)
    s3.put_object(Bucket="images", Key="replaced.bmp", Body=b"no image any more")

    first = function.handler(items("missing", *keys, "gone.bmp"), CONTEXT)
    again = function.handler(items("missing", *keys), CONTEXT)

    assert {name: count for name, count in first.items() if count and name != "seconds"} == {
        "scored": 2,
        "rejected": 1,
        "review": 1,
        "unchanged": 1,
        "gone": 1,
    }
    assert (again["unchanged"], again["scored"], again["rejected"]) == (4, 0, 0)
    results = documents(s3)
    assert {results[f"results/{key}.json"]["model"]["version"] for key in keys} == {"brightest-red"}
    assert results["results/replaced.bmp.json"]["status"] == "rejected"


def test_a_backfill_of_all_images_replaces_their_results_and_may_send_a_single_item(
    function: ModuleType, s3: "S3Client", encode: Encode
) -> None:
    s3.put_object(Bucket="images", Key="a.bmp", Body=encode())
    function.handler(notification("a.bmp"), CONTEXT)
    before = documents(s3)["results/a.bmp.json"]["scored_at"]
    assert function.handler(items("all", "a.bmp")["Items"][0], CONTEXT)["scored"] == 1
    assert documents(s3)["results/a.bmp.json"]["scored_at"] > before


def test_a_backfill_that_fails_in_part_returns_its_counts_and_raises_no_error(
    function: ModuleType, s3: "S3Client", encode: Encode
) -> None:
    s3.put_object(Bucket="images", Key="a.bmp", Body=encode())
    event = items("missing", "a.bmp")
    event["Items"] += items("missing", "b.bmp", "c.bmp", bucket="no-such-bucket")["Items"]
    counts = function.handler(event, CONTEXT)
    assert (counts["scored"], counts["failed"]) == (1, 2)
    assert counts["reasons"] == {"GetObject answered NoSuchBucket: the bucket is gone": 2}


def test_an_image_in_an_archive_fails_its_message_and_the_log_names_the_remedy(
    function: ModuleType, s3: "S3Client", encode: Encode, log: io.StringIO
) -> None:
    s3.put_object(Bucket="images", Key="cold.bmp", Body=encode(), StorageClass="GLACIER")
    s3.put_object(Bucket="images", Key="warm.bmp", Body=encode())
    event = batch(m1=notification("cold.bmp"), m2=notification("warm.bmp"))
    assert function.handler(event, CONTEXT) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert "restore it" in json.loads(log.getvalue().splitlines()[0])["reason"]


def test_the_log_holds_no_key_if_s3_cannot_be_reached(
    function: ModuleType, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = Config(retries={"total_max_attempts": 1}, connect_timeout=1)
    monkeypatch.setattr(function.runtime, "s3", boto3.client("s3", endpoint_url="http://127.0.0.1:9", config=nowhere))
    function.handler(batch(m=notification("jane-doe.bmp")), CONTEXT)
    assert json.loads(log.getvalue().splitlines()[0])["reason"].startswith("EndpointConnectionError")
    assert "jane" not in log.getvalue()


def test_the_log_holds_no_key(function: ModuleType, s3: "S3Client", encode: Encode, log: io.StringIO) -> None:
    s3.put_object(Bucket="images", Key="jane-doe.bmp", Body=encode())
    event = batch(
        m1=notification("jane-doe.bmp"),
        m2=notification("jane-doe.bmp", bucket="none"),
        m3=notification("jane-gone.bmp"),
    )
    function.handler(event, CONTEXT)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["message"] for line in lines] == ["message failed", "image deleted before it was read", "batch"]
    assert "NoSuchBucket" in lines[0]["reason"]
    assert lines[2]["outcomes"] == {"written": 1}
    assert "jane" not in log.getvalue()


def test_snapstart_calls_a_hook_before_a_snapshot_and_one_after_a_restore() -> None:
    from lambda_fn.handler import runtime

    assert runtime.before_snapshot in [hook[0] for hook in snapshot_restore_py.get_before_snapshot()]
    assert runtime.after_restore in [hook[0] for hook in snapshot_restore_py.get_after_restore()]


def test_processes_from_one_snapshot_share_neither_connections_nor_random_numbers(
    function: ModuleType, s3: "S3Client"
) -> None:
    function.runtime.before_snapshot()
    numbers = []
    for _ in range(2):
        random.seed(0)  # as the snapshot left it
        function.runtime.after_restore()
        numbers.append(random.random())
    assert numbers[0] != numbers[1]
    assert function.runtime.s3 is not s3


def test_a_restored_function_answers(function: ModuleType, s3: "S3Client", encode: Encode) -> None:
    s3.put_object(Bucket="images", Key="cell.bmp", Body=encode())
    function.runtime.before_snapshot()
    function.runtime.after_restore()
    assert function.handler(batch(one=notification("cell.bmp")), CONTEXT) == {"batchItemFailures": []}
    assert s3.get_object(Bucket="results", Key="results/cell.bmp.json")
