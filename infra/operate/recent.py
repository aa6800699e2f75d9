"""Counts recent results from the ledger, which is exact and works on every cloud."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from infra.deployed_stack import PARALLEL_READS, DeployedStack
from infra.operate.parallel import in_parallel
from infra.tools.objects import list_pages, read_bytes
from lambda_fn.keys import ledger_prefix
from lambda_fn.results import DecisionOrRejected, LedgerLine, decision_or_rejected

# At most this many ledger files are read, the newest. Reading more would take minutes.
MOST_BATCHES = 2_000


@dataclass
class RecentAnswers:
    """Counts of the results of a period.

    Attributes:
        decisions: written results by decision, with rejected images counted apart.
        repeated: messages that arrived twice or too late and changed no result.
        models: written results by the version of the model.
        newest_model: the version that wrote the latest result; None without results.
        complete: False if there were more than ``MOST_BATCHES`` ledger files and only the newest were read.
    """

    decisions: Counter[DecisionOrRejected] = field(default_factory=Counter)
    repeated: int = 0
    models: Counter[str] = field(default_factory=Counter)
    newest_model: str | None = None
    complete: bool = True


def read_recent(stack: DeployedStack, time: timedelta, now: datetime | None = None) -> RecentAnswers:
    """Count the results of the last ``time`` before ``now``, which defaults to the present.

    Raises:
        ClientError: S3 refuses or fails.
    """
    now = now or datetime.now(UTC)
    since = now - time
    files = sorted(_ledger_files(stack, since, now), reverse=True)
    recent, newest = RecentAnswers(complete=len(files) <= MOST_BATCHES), ""
    for lines in in_parallel(lambda file: _read(stack, file[1]), files[:MOST_BATCHES], PARALLEL_READS):
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


def _ledger_files(stack: DeployedStack, since: datetime, now: datetime) -> Iterator[tuple[datetime, str]]:
    """Time and key of each ledger file that was written from ``since`` on."""
    for day in sorted({since.date(), now.date()}):
        for page in list_pages(stack.s3, stack.results, ledger_prefix(day)):
            for entry in page:
                if entry["LastModified"] >= since:
                    yield entry["LastModified"], entry["Key"]


def _read(stack: DeployedStack, key: str) -> list[LedgerLine]:
    return [json.loads(line) for line in read_bytes(stack.s3, stack.results, key).split(b"\n") if line.strip()]
