"""What was answered lately, counted from the ledger: exact, of this deployment alone, and the same in every cloud."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from infra.operate.access import PARALLEL_READS, DeployedStack
from infra.operate.parallel import in_parallel
from infra.tools.objects import list_pages, read_bytes
from lambda_fn.keys import ledger_prefix
from lambda_fn.results import DecisionOrRejected, LedgerLine, decision_or_rejected

# Ledger files that are read at most, the newest: reading more would take minutes.
MOST_BATCHES = 2_000


@dataclass
class RecentAnswers:
    """Answers of some time.

    Attributes:
        decisions: written results by `ALL`, `normal`, `review` and `rejected`.
        repeated: images that came twice, or too late, and changed nothing.
        models: written results by the version of the model.
        newest_model: the version that answered last; None where nothing was answered.
        complete: False where only the newest `MOST_BATCHES` ledgers were read.
    """

    decisions: Counter[DecisionOrRejected] = field(default_factory=Counter)
    repeated: int = 0
    models: Counter[str] = field(default_factory=Counter)
    newest_model: str | None = None
    complete: bool = True


def read_recent(stack: DeployedStack, time: timedelta, now: datetime | None = None) -> RecentAnswers:
    """Count what was answered within `time` before `now`.

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
            if line["outcome"] != "written":
                recent.repeated += 1
                continue
            recent.models[line["model"]["version"]] += 1
            recent.decisions[decision_or_rejected(line)] += 1
    return recent


def _ledger_files(stack: DeployedStack, since: datetime, now: datetime) -> Iterator[tuple[datetime, str]]:
    """Time and key of each ledger file that was written since then."""
    for day in sorted({since.date(), now.date()}):
        for page in list_pages(stack.s3, stack.results, ledger_prefix(day)):
            for entry in page:
                if entry["LastModified"] >= since:
                    yield entry["LastModified"], entry["Key"]


def _read(stack: DeployedStack, key: str) -> list[LedgerLine]:
    return [json.loads(line) for line in read_bytes(stack.s3, stack.results, key).splitlines()]
