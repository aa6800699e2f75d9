"""Reads the outcome of a backfill: the tallies of its batches.

On AWS the Distributed Map writes them to the results bucket. The local cloud keeps them with the executions.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, get_type_hints

from infra.deployed_stack import PARALLEL_READS, DeployedStack
from infra.operate.parallel import in_parallel
from infra.tools.objects import read_bytes, read_json
from lambda_fn.keys import BACKFILLS
from lambda_fn.results import BatchTally

# The output of a batch: a ``BatchTally``, or ``tries`` with the tallies of both tries. A batch that failed as a whole
# has ``failed`` and ``reasons`` alone.
Batch = Mapping[str, Any]

_COUNTS = get_type_hints(BatchTally).keys() - {"reasons"}

# Counts of images for which no result was written.
LEFT = ("stale", "withdrawn", "unchanged", "gone")


@dataclass
class BackfillTally:
    """The sum of the tallies of all batches; ``lambda_fn.results.BatchTally`` explains the counts."""

    scored: int = 0
    rejected: int = 0
    review: int = 0
    stale: int = 0
    withdrawn: int = 0
    unchanged: int = 0
    gone: int = 0
    failed: int = 0
    seconds: float = 0.0
    batches: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, batches: Iterable[Batch]) -> Self:
        """Add up the outputs of the batches."""
        total = cls()
        for batch in batches:
            tally: Batch = of_tries(*batch["tries"]) if "tries" in batch else batch
            total.batches += 1
            for name in _COUNTS:
                setattr(total, name, getattr(total, name) + tally.get(name, 0))
            total.reasons.update(tally.get("reasons", {}))
        return total


def read_outcome(stack: DeployedStack, map_run_arn: str, output: str | None) -> BackfillTally:
    """The tally of a map run that has ended.

    Args:
        stack: the deployment.
        map_run_arn: ARN of the map run.
        output: output of its execution as JSON; None unless that succeeded.

    Raises:
        ClientError: AWS refuses or fails.
    """
    prefix = f"{BACKFILLS}{map_run_arn.rpartition(':')[2]}/"
    try:
        manifest = read_json(stack.s3, stack.results, f"{prefix}manifest.json")
    except stack.s3.exceptions.NoSuchKey:
        return BackfillTally.of(_from_executions(stack, map_run_arn, output))
    return BackfillTally.of(_from_files(stack, manifest["ResultFiles"]))


def _from_files(stack: DeployedStack, files: Mapping[str, list[dict[str, Any]]]) -> Iterator[Batch]:
    for status, files_of_status in files.items():
        for file in files_of_status:
            for batch in _json_lines(read_bytes(stack.s3, stack.results, file["Key"]).decode()):
                yield batch if status == "SUCCEEDED" else of_failure(batch)


def _json_lines(text: str) -> Iterator[dict[str, Any]]:
    # Only a line feed ends a line. ``str.splitlines`` would also split at U+2028 and others, which JSON may hold.
    for line in filter(None, map(str.strip, text.split("\n"))):
        value = json.loads(line)
        yield from value if isinstance(value, list) else [value]


def _from_executions(stack: DeployedStack, map_run_arn: str, output: str | None) -> Iterator[Batch]:
    client = stack.stepfunctions
    batches = json.loads(output or "null")
    if isinstance(batches, list):
        yield from filter(None, batches)

    def arns(pages: Iterable[Any]) -> Iterator[str]:
        return (execution["executionArn"] for page in pages for execution in page["executions"])

    for status in ("FAILED", "TIMED_OUT") if isinstance(batches, list) else ("FAILED", "TIMED_OUT", "SUCCEEDED"):
        pages = client.get_paginator("list_executions").paginate(
            mapRunArn=map_run_arn,
            statusFilter=status,
        )
        for child in in_parallel(lambda arn: client.describe_execution(executionArn=arn), arns(pages), PARALLEL_READS):
            if status == "SUCCEEDED":
                yield json.loads(child["output"])
            else:
                yield of_failure({"Input": child["input"], "Error": child.get("error"), "Cause": child.get("cause")})


def of_tries(first: BatchTally, again: BatchTally) -> BatchTally:
    """The tally of a batch that was tried twice.

    A backfill of missing results leaves the results of the first try unchanged, so the counts of both tries are added.
    A backfill of all images scores every image again, so the counts of the second try stand alone.
    """
    both: BatchTally = {**again, "seconds": first["seconds"] + again["seconds"]}
    answered = first["scored"] + first["rejected"]
    if again["unchanged"] >= answered:
        both["unchanged"] -= answered
        both["scored"] += first["scored"]
        both["rejected"] += first["rejected"]
        both["review"] += first["review"]
    return both


def of_failure(child: Mapping[str, Any]) -> Batch:
    """The tally of a batch that failed: the function's own tally or, without one, all images under the error's name.

    Args:
        child: ``Input``, ``Error`` and ``Cause`` of the execution, as a Distributed Map writes them.
    """
    try:
        cause = json.loads(child["Cause"])
        if isinstance(cause, dict) and "reasons" in cause:
            return cause
    except (ValueError, KeyError, TypeError):
        pass
    images = len(json.loads(child["Input"]).get("Items", [None]))
    return {"failed": images, "reasons": {_reason(child): images}}


def _reason(child: Mapping[str, Any]) -> str:
    try:
        cause = json.loads(child.get("Cause") or "{}").get("errorMessage", "")
    except (ValueError, AttributeError):
        cause = str(child.get("Cause"))
    return f"{child.get('Error') or 'unknown error'}: {cause}"[:200].strip(": ")
