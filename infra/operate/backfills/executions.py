"""Starts and follows executions of the backfill's state machine."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra import names
from infra.deployed_stack import DeployedStack

_POLL_SECONDS = 1.0
# The statuses of an execution that has not ended.
_UNDER_WAY = ("RUNNING", "PENDING_REDRIVE")
# The counts of a map run whose sum is the number of finished images.
_DONE = ("succeeded", "failed", "timedOut", "aborted")


@dataclass(frozen=True)
class Counts:
    """Progress of a backfill in images.

    Attributes:
        total: images listed so far.
        done: images of batches that have ended.
        failed: images of batches that failed.
    """

    total: int
    done: int
    failed: int


@dataclass(frozen=True)
class Execution:
    """An execution of the state machine: its ARN, and whether it is still running."""

    arn: str
    running: bool


@dataclass(frozen=True)
class EndedExecution:
    """An execution that has ended.

    Attributes:
        status: ``SUCCEEDED``, ``FAILED``, ``TIMED_OUT`` or ``ABORTED``.
        reason: the reason that Step Functions gives for a failure; empty if there is none.
        seconds: time from start to end.
        map_run_arn: ARN of the run of its Distributed Map; None if the run never started.
        output: its output as JSON; None unless it succeeded.
        request: its input.
    """

    status: str
    reason: str
    seconds: float
    map_run_arn: str | None
    output: str | None
    request: Mapping[str, Any]


def start(stack: DeployedStack, request: Mapping[str, str]) -> str:
    """Start the state machine with ``request`` as input, and return the ARN of the execution."""
    machine = stack.output(names.BACKFILL_OUTPUT)
    return stack.stepfunctions.start_execution(stateMachineArn=machine, input=json.dumps(request))["executionArn"]


def newest(stack: DeployedStack) -> Execution | None:
    """The latest execution; None if there has been none."""
    machine = stack.output(names.BACKFILL_OUTPUT)
    executions = stack.stepfunctions.list_executions(stateMachineArn=machine, maxResults=1)["executions"]
    return Execution(executions[0]["executionArn"], executions[0]["status"] in _UNDER_WAY) if executions else None


def follow(stack: DeployedStack, arn: str, show: Callable[[Counts], None]) -> EndedExecution:
    """Wait for an execution to end, and call ``show`` with its progress every second."""
    while True:
        execution = stack.stepfunctions.describe_execution(executionArn=arn)
        map_run_arn = _map_run(stack, arn)
        if map_run_arn:
            show(_count(stack, map_run_arn))
        if execution["status"] not in _UNDER_WAY:
            break
        time.sleep(_POLL_SECONDS)
    return EndedExecution(
        status=execution["status"],
        reason=": ".join(filter(None, (execution.get("error"), execution.get("cause")))),
        seconds=(execution["stopDate"] - execution["startDate"]).total_seconds(),
        map_run_arn=map_run_arn,
        output=execution.get("output"),
        request=json.loads(execution["input"]),
    )


def progress(stack: DeployedStack, arn: str) -> Counts:
    """The progress of an execution; all zero until its listing has begun."""
    map_run_arn = _map_run(stack, arn)
    return _count(stack, map_run_arn) if map_run_arn else Counts(0, 0, 0)


def _count(stack: DeployedStack, map_run_arn: str) -> Counts:
    counts: Mapping[str, Any] = stack.stepfunctions.describe_map_run(mapRunArn=map_run_arn)["itemCounts"]
    return Counts(counts["total"], sum(counts[name] for name in _DONE), counts["failed"] + counts["timedOut"])


def _map_run(stack: DeployedStack, arn: str) -> str | None:
    runs = stack.stepfunctions.list_map_runs(executionArn=arn, maxResults=1)["mapRuns"]
    return runs[0]["mapRunArn"] if runs else None
