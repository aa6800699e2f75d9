"""The outcome of a backfill, from the outputs and failures of its batches."""

import json
from typing import Any

import pytest

from infra.deployed_stack import DeployedStack
from infra.operate.backfills.outcomes import BackfillTally, of_failure, read_outcome
from tests.infra.fakes import RESULTS, FakePaginator, with_client

MAP_RUN = "arn:aws:states:us-east-1:1:mapRun:backfill/BelowPrefix:1a2b"
GOOD = {"scored": 3, "rejected": 1, "review": 2, "unchanged": 1, "gone": 1, "failed": 0, "reasons": {}, "seconds": 0.5}
PARTLY = GOOD | {"failed": 2, "reasons": {"GetObject answered AccessDenied": 2}}
FAILED = {
    "Input": json.dumps({"Items": [{}] * 9}),
    "Error": "NothingAnswered",
    "Cause": json.dumps(PARTLY),
}
TIMED_OUT = {
    "Input": json.dumps({"Items": [{}] * 4}),
    "Error": "Sandbox.Timedout",
    "Cause": json.dumps({"errorMessage": "Task timed out after 60.00 seconds"}),
}


def test_batches_add_up() -> None:
    outcome = BackfillTally.of([GOOD, PARTLY])
    assert (outcome.scored, outcome.failed, outcome.seconds, outcome.batches) == (6, 2, 1.0, 2)
    assert outcome.reasons == {"GetObject answered AccessDenied": 2}


def test_images_that_keep_another_result_or_lose_theirs_are_counted_apart() -> None:
    outcome = BackfillTally.of([GOOD | {"stale": 2, "withdrawn": 1}, GOOD])
    assert (outcome.scored, outcome.stale, outcome.withdrawn) == (6, 2, 1)


@pytest.mark.parametrize(
    ("again", "scored", "unchanged", "failed"),
    [
        (PARTLY | {"scored": 1, "rejected": 0, "unchanged": 5, "failed": 1}, 4, 1, 1),  # of what is missing
        (PARTLY | {"scored": 4, "unchanged": 0, "failed": 1}, 4, 0, 1),  # of all
    ],
)
def test_a_batch_that_was_tried_twice_counts_each_image_once(
    again: dict[str, Any], scored: int, unchanged: int, failed: int
) -> None:
    outcome = BackfillTally.of([{"tries": [PARTLY, again]}])
    assert (outcome.scored, outcome.unchanged, outcome.failed) == (scored, unchanged, failed)
    assert (outcome.rejected, outcome.seconds, outcome.batches) == (1, 1.0, 1)


@pytest.mark.parametrize(
    ("child", "batch"),
    [
        (FAILED, PARTLY),
        (TIMED_OUT, {"failed": 4, "reasons": {"Sandbox.Timedout: Task timed out after 60.00 seconds": 4}}),
        ({"Input": "{}", "Error": None, "Cause": None}, {"failed": 1, "reasons": {"unknown error": 1}}),
        (
            {"Input": '{"Key": "a"}', "Error": "States.Timeout", "Cause": "not JSON"},
            {"failed": 1, "reasons": {"States.Timeout: not JSON": 1}},
        ),
        (
            {"Input": "{}", "Error": "E", "Cause": '{"errorMessage": "[1]"}'},
            {"failed": 1, "reasons": {"E: [1]": 1}},
        ),
    ],
)
def test_a_failed_batch_has_the_functions_counts_or_else_counts_in_full(
    child: dict[str, Any], batch: dict[str, Any]
) -> None:
    assert of_failure(child) == batch


def put(stack: DeployedStack, name: str, text: str) -> str:
    key = f"backfills/1a2b/{name}"
    stack.s3.put_object(Bucket=RESULTS, Key=key, Body=text.encode())
    return key


def test_the_outcome_is_read_from_the_maps_files_of_lines_or_of_a_list(stack: DeployedStack) -> None:
    lines = put(stack, "SUCCEEDED_0.jsonl", f"{json.dumps(GOOD)}\n{json.dumps(GOOD)}\n\n")
    failed = put(stack, "FAILED_0.json", json.dumps([FAILED, TIMED_OUT]))
    files = {"SUCCEEDED": [{"Key": lines, "Size": 1}], "FAILED": [{"Key": failed, "Size": 1}], "PENDING": []}
    put(stack, "manifest.json", json.dumps({"DestinationBucket": RESULTS, "ResultFiles": files}))
    outcome = read_outcome(stack, MAP_RUN, None)
    assert (outcome.scored, outcome.failed, outcome.batches) == (9, 6, 4)


@pytest.mark.parametrize("output", [json.dumps([GOOD, None, GOOD]), None])
def test_where_the_map_writes_nothing_the_executions_are_asked(stack: DeployedStack, output: str | None) -> None:
    children = {
        "SUCCEEDED": {"good 1": {"output": json.dumps(GOOD)}, "good 2": {"output": json.dumps(GOOD)}},
        "FAILED": {"bad": {"input": FAILED["Input"], "error": FAILED["Error"], "cause": FAILED["Cause"]}},
    }

    def list_executions(mapRunArn: str, statusFilter: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        assert mapRunArn == MAP_RUN
        return {"executions": [{"executionArn": arn} for arn in children.get(statusFilter, {})]}

    def described(executionArn: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        child: dict[str, Any] = (children["SUCCEEDED"] | children["FAILED"])[executionArn]
        return child

    with_client(
        stack,
        "stepfunctions",
        get_paginator=lambda name: FakePaginator(list_executions),
        describe_execution=described,
    )
    outcome = read_outcome(stack, MAP_RUN, output)
    assert (outcome.scored, outcome.failed, outcome.batches) == (9, 2, 3)


def test_only_a_line_feed_ends_a_line_of_what_the_map_wrote(stack: DeployedStack) -> None:
    batch = GOOD | {"failed": 1, "reasons": {"a\u2028b\u2029c\x85d": 1}}
    text = "\n".join(json.dumps(one, ensure_ascii=False) for one in (batch, GOOD))
    manifest = {"ResultFiles": {"SUCCEEDED": [{"Key": put(stack, "0.jsonl", text)}]}}
    put(stack, "manifest.json", json.dumps(manifest))
    outcome = read_outcome(stack, MAP_RUN, None)
    assert (outcome.batches, outcome.reasons) == (2, {"a\u2028b\u2029c\x85d": 1})
