"""A backfill under way: its execution, and the Distributed Map's counts."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra import names
from infra.deployed_stack import DeployedStack

_POLL_SECONDS = 1.0
_ENDED = ("succeeded", "failed", "timedOut", "aborted")


@dataclass(frozen=True)
class Counts:
    """Images of a backfill; `total` grows while the bucket is being listed, `failed` are those of failed batches."""

    total: int
    done: int
    failed: int


@dataclass(frozen=True)
class Ended:
    """An execution that has ended.

    Attributes:
        status: `SUCCEEDED`, `FAILED`, `TIMED_OUT` or `ABORTED`.
        why: what Step Functions says where it did not succeed.
        seconds: from start to end.
        map_run_arn: of its Distributed Map; None where it never came to that.
        output: the execution's, None where it did not succeed.
        asked: the execution's input.
    """

    status: str
    why: str
    seconds: float
    map_run_arn: str | None
    output: str | None
    asked: Mapping[str, Any]


def start(stack: DeployedStack, asked: Mapping[str, str]) -> str:
    """Start the state machine with that input; returns the ARN of the execution."""
    machine = stack.output(names.BACKFILL_OUTPUT)
    return stack.stepfunctions.start_execution(stateMachineArn=machine, input=json.dumps(asked))["executionArn"]


def newest(stack: DeployedStack) -> tuple[str, bool] | None:
    """The ARN of the execution that was started last, and whether it still runs; None if there never was one."""
    listed = stack.stepfunctions.list_executions(stateMachineArn=stack.output(names.BACKFILL_OUTPUT), maxResults=1)
    for execution in listed["executions"]:
        return execution["executionArn"], execution["status"] in ("RUNNING", "PENDING_REDRIVE")
    return None


def follow(stack: DeployedStack, execution: str, show: Callable[[Counts], None]) -> Ended:
    """Wait until an execution has ended, and hand its counts to `show` all the while."""
    client = stack.stepfunctions
    while True:
        described = client.describe_execution(executionArn=execution)
        map_run_arn = _map_run(stack, execution)
        if map_run_arn:
            show(count(stack, map_run_arn))
        if described["status"] not in ("RUNNING", "PENDING_REDRIVE"):
            break
        time.sleep(_POLL_SECONDS)
    why = ": ".join(filter(None, (described.get("error"), described.get("cause"))))
    seconds = (described["stopDate"] - described["startDate"]).total_seconds()
    asked = json.loads(described["input"])
    return Ended(described["status"], why, seconds, map_run_arn, described.get("output"), asked)


def progress(stack: DeployedStack, execution: str) -> Counts:
    """How far an execution is; nothing is listed yet where it has just begun."""
    map_run_arn = _map_run(stack, execution)
    return count(stack, map_run_arn) if map_run_arn else Counts(0, 0, 0)


def count(stack: DeployedStack, map_run_arn: str) -> Counts:
    """How far a map run is."""
    counts: Mapping[str, Any] = stack.stepfunctions.describe_map_run(mapRunArn=map_run_arn)["itemCounts"]
    return Counts(counts["total"], sum(counts[name] for name in _ENDED), counts["failed"] + counts["timedOut"])


def _map_run(stack: DeployedStack, execution: str) -> str | None:
    runs = stack.stepfunctions.list_map_runs(executionArn=execution, maxResults=1)["mapRuns"]
    return runs[0]["mapRunArn"] if runs else None
