"""What was answered lately, counted from the ledger: exact, of this deployment alone, and the same in every cloud."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from infra.operate.access import PARALLEL_READS, DeployedStack
from infra.operate.parallel import in_parallel
from lambda_fn.keys import ledger_prefix
from lambda_fn.results import LedgerLine, decision_or_rejected

MOST_BATCHES = 2_000
"""Ledgers that are read at most, the newest: reading more would take minutes."""


@dataclass
class Recent:
    """Answers of some time.

    Attributes:
        decisions: written results by `ALL`, `normal`, `review` and `rejected`.
        repeated: images that came twice, or too late, and changed nothing.
        models: written results by the version of the model.
        newest_model: the version that answered last; None where nothing was answered.
        complete: False where only the newest `MOST_BATCHES` ledgers were read.
    """

    decisions: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    models: Counter[str] = field(default_factory=Counter)
    newest_model: str | None = None
    complete: bool = True


def read_recent(stack: DeployedStack, time: timedelta, now: datetime | None = None) -> Recent:
    """Count what was answered within `time` before `now`.

    Raises:
        ClientError: S3 refuses or fails.
    """
    since = (now or datetime.now(UTC)) - time
    ledgers = sorted(_ledgers(stack, since, now or datetime.now(UTC)), reverse=True)
    recent, newest = Recent(complete=len(ledgers) <= MOST_BATCHES), ""
    for lines in in_parallel(lambda ledger: _read(stack, ledger[1]), ledgers[:MOST_BATCHES], PARALLEL_READS):
        for line in lines:
            if datetime.fromisoformat(line["scored_at"]) < since:
                continue
            if line["scored_at"] > newest:
                newest, recent.newest_model = line["scored_at"], line["model"]["version"]
            if line["outcome"] == "withdrawn":
                continue
            # An unwritten line is the only answer to an image whose key is too long for a result.
            if line["outcome"] not in ("written", "unwritten"):
                recent.repeated += 1
                continue
            recent.models[line["model"]["version"]] += 1
            recent.decisions[decision_or_rejected(line)] += 1
    return recent


def _ledgers(stack: DeployedStack, since: datetime, now: datetime) -> Iterator[tuple[datetime, str]]:
    pages = stack.s3.get_paginator("list_objects_v2")
    for day in sorted({since.date(), now.date()}):
        for page in pages.paginate(Bucket=stack.results, Prefix=ledger_prefix(day)):
            for entry in page.get("Contents", []):
                if entry["LastModified"] >= since:
                    yield entry["LastModified"], entry["Key"]


def _read(stack: DeployedStack, key: str) -> list[LedgerLine]:
    body = stack.s3.get_object(Bucket=stack.results, Key=key)["Body"].read()
    return [json.loads(line) for line in body.splitlines()]
