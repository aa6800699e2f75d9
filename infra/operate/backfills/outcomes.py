"""What became of the images of a backfill, from what its batches returned.

On AWS the Distributed Map writes that into the results bucket; the local cloud keeps it with the executions.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from infra.operate.access import PARALLEL_READS, DeployedStack
from infra.operate.parallel import in_parallel
from lambda_fn.keys import BACKFILLS

# Counts of images for which no result was written.
LEFT = ("stale", "withdrawn", "unchanged", "gone")


@dataclass
class Outcome:
    """Images by what became of them; the names are those of `lambda_fn.reporting.tally`."""

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
    def of(cls, batches: Iterable[Mapping[str, Any]]) -> Self:
        """Add up what the batches returned."""
        total = cls()
        for returned in batches:
            batch = of_tries(*returned["tries"]) if "tries" in returned else returned
            total.batches += 1
            for name in ("scored", "rejected", "review", *LEFT, "failed", "seconds"):
                setattr(total, name, getattr(total, name) + batch.get(name, 0))
            total.reasons.update(batch.get("reasons", {}))
        return total


def read_outcome(stack: DeployedStack, map_run_arn: str, output: str | None) -> Outcome:
    """The outcome of a map run that has ended.

    Args:
        stack: the deployment.
        map_run_arn: of the map run.
        output: of its execution, None where that did not succeed.

    Raises:
        ClientError: AWS refuses or fails.
    """
    prefix = f"{BACKFILLS}{map_run_arn.rpartition(':')[2]}/"
    try:
        manifest = _read(stack, f"{prefix}manifest.json")
    except stack.s3.exceptions.NoSuchKey:
        return Outcome.of(_kept_with_executions(stack, map_run_arn, output))
    return Outcome.of(_written(stack, json.loads(manifest)["ResultFiles"]))


def _written(stack: DeployedStack, files: Mapping[str, list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    for kind, listed in files.items():
        for file in listed:
            for batch in _json_lines(_read(stack, file["Key"])):
                yield of_failure(batch) if kind != "SUCCEEDED" else batch


def _json_lines(text: str) -> Iterator[dict[str, Any]]:
    for line in filter(None, map(str.strip, text.splitlines())):
        read = json.loads(line)
        yield from read if isinstance(read, list) else [read]


def _read(stack: DeployedStack, key: str) -> str:
    return stack.s3.get_object(Bucket=stack.results, Key=key)["Body"].read().decode()


def _kept_with_executions(stack: DeployedStack, map_run_arn: str, output: str | None) -> Iterator[dict[str, Any]]:
    client = stack.stepfunctions
    written = json.loads(output or "null")
    if isinstance(written, list):
        yield from (batch for batch in written if batch)

    def arns(pages: Iterable[Any]) -> Iterator[str]:
        return (one["executionArn"] for page in pages for one in page["executions"])

    for status in ("FAILED", "TIMED_OUT") if isinstance(written, list) else ("FAILED", "TIMED_OUT", "SUCCEEDED"):
        pages = client.get_paginator("list_executions").paginate(
            mapRunArn=map_run_arn,
            statusFilter=status,
        )
        for child in in_parallel(lambda arn: client.describe_execution(executionArn=arn), arns(pages), PARALLEL_READS):
            if status == "SUCCEEDED":
                yield json.loads(child["output"])
            else:
                facts = {"Input": child["input"], "Error": child.get("error"), "Cause": child.get("cause")}
                yield of_failure(facts)


def of_tries(first: Mapping[str, Any], again: Mapping[str, Any]) -> dict[str, Any]:
    """What became of a batch that was tried twice.

    A second try for what is missing leaves alone what the first one answered; one for all images answers all again.
    """
    both = dict(again) | {"seconds": first["seconds"] + again["seconds"]}
    answered = first["scored"] + first["rejected"]
    if again["unchanged"] >= answered:
        both["unchanged"] -= answered
        both |= {name: first[name] + again[name] for name in ("scored", "rejected", "review")}
    return both


def of_failure(child: Mapping[str, Any]) -> dict[str, Any]:
    """What became of a batch that failed: the function's own count, or all of its images by the error's name.

    Args:
        child: `Input`, `Error` and `Cause` of the execution, as a Distributed Map writes them.
    """
    try:
        said = json.loads(child["Cause"])
        if isinstance(said, dict) and "reasons" in said:
            return said
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
