"""Simulates the backfill of a million images, and prints the tables of docs/backfill.md.

Run it with ``python -m infra.operate.backfills.simulation``. A batch starts as soon as its images are listed and one of
the concurrent calls is free. It takes a fixed time, a time for each image, and some luck.
"""

import heapq
import random
from dataclasses import dataclass, field, replace
from typing import Literal

from rich.console import Console
from rich.table import Table

from infra.operate.backfills.costs import Work, backfill_cost
from lambda_fn.manifest import Manifest

# Writes that S3 accepts below one prefix before it answers SlowDown. It accepts more once it has split the prefix:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
S3_WRITES_A_SECOND = 3500

# Processor time of one image of 608 KB in a batch of 50 on one x86_64 core, from docs/performance.md: from its event to
# its written documents, requests to S3 included. The function reads ahead while it computes, so an image takes no more
# time than this on a whole core.
SCORE_SECONDS = 0.016

# The same for an image whose result is current, and which is therefore not read.
LOOK_SECONDS = 0.0025

# Keys: a request lists 1,000 of them in about 0.1 s, and requests run one after the other.
LISTED_A_SECOND = 10_000


@dataclass(frozen=True)
class BackfillPlan:
    """A backfill to simulate.

    Attributes:
        images: number of images in the bucket.
        batch_size: images in one call of the function.
        concurrency: calls at the same time.
        image_seconds: time for one image of a batch.
        call_seconds: fixed time of a batch: starting the child, reading the first image, writing the ledger.
        cold_seconds: additional time of the first call in each execution environment.
        spread: standard deviation of the logarithm of the time for a batch's images.
        review_share: share of the results that asks for review, 0 to 1; by default the shipped model's.
        standing: results that exist already: ``none``, results of ``another`` model, or ``current`` ones, which stay.
        express: True if the children are Express workflows, False for Standard ones.
    """

    images: int = 1_000_000
    batch_size: int = 50
    concurrency: int = 8
    image_seconds: float = SCORE_SECONDS
    call_seconds: float = 0.15
    cold_seconds: float = 1.5
    spread: float = 0.15
    review_share: float = field(default_factory=lambda: Manifest.read().achieved_shares().review_share)
    standing: Literal["none", "another", "current"] = "none"
    express: bool = True


@dataclass(frozen=True)
class Simulation:
    """The result of simulating a plan.

    Attributes:
        seconds: time from the start to the end of the last batch.
        billed_seconds: running time of the function in all batches together.
        longest_batch: longest time of a batch in seconds, to compare with the function's timeout.
        writes_a_second: average number of writes to S3 a second.
        cost: cost in USD by part of the bill.
    """

    seconds: float
    billed_seconds: float
    longest_batch: float
    writes_a_second: float
    cost: dict[str, float]


def simulate(plan: BackfillPlan, seed: int = 0) -> Simulation:
    """Simulate a plan; the same ``seed`` gives the same result."""
    generator = random.Random(seed)
    free = [0.0] * plan.concurrency  # times at which the execution environments become free
    warm = plan.concurrency
    batches = -(-plan.images // plan.batch_size)
    billed = longest = ended = 0.0
    for number in range(batches):
        images = min(plan.batch_size, plan.images - number * plan.batch_size)
        listed = (number * plan.batch_size + images) / LISTED_A_SECOND
        begins = max(heapq.heappop(free), listed)
        each = LOOK_SECONDS if plan.standing == "current" else plan.image_seconds
        seconds = images * each * generator.lognormvariate(0, plan.spread) + plan.call_seconds
        if number < warm:
            seconds += plan.cold_seconds
        # If all calls together would write faster than S3 accepts, they wait for S3, and that time is billed, too.
        if plan.standing != "current":
            seconds = max(seconds, images * plan.concurrency * (1 + plan.review_share) / S3_WRITES_A_SECOND)
        heapq.heappush(free, begins + seconds)
        billed, longest, ended = billed + seconds, max(longest, seconds), max(ended, begins + seconds)
    work = Work(
        listed=plan.images,
        first=plan.images if plan.standing == "none" else 0,
        replaced=plan.images if plan.standing == "another" else 0,
        flagged=0 if plan.standing == "current" else round(plan.images * plan.review_share),
        calls=batches,
        ledgers=0 if plan.standing == "current" else batches,
        seconds=billed,
    )
    cost = backfill_cost(work, memory_mb=1769, architecture="arm64", express=plan.express, looks_first=True)
    return Simulation(ended, billed, longest, (work.first + work.replaced + work.flagged) / ended, cost)


def _table(title: str, plans: dict[str, BackfillPlan]) -> Table:
    table = Table(title=title, title_justify="left", box=None)
    for heading in ("", "minutes", "longest batch", "writes/s", "Lambda", "Step Functions", "S3", "USD"):
        table.add_column(heading, justify="left" if heading == "" else "right")
    for name, plan in plans.items():
        result = simulate(plan)
        cost = result.cost
        table.add_row(
            name,
            f"{result.seconds / 60:.1f}",
            f"{result.longest_batch:.1f} s",
            f"{result.writes_a_second:,.0f}",
            f"{cost['Lambda']:.2f}",
            f"{cost['Step Functions']:.2f}",
            f"{cost['S3 writes'] + cost['S3 reads']:.2f}",
            f"{sum(cost.values()):.2f}",
        )
    return table


def main() -> None:
    """Print the effects of batch size, kind of child, concurrency and other work."""
    plan = BackfillPlan()
    console = Console(width=110, highlight=False)
    sizes = {f"{size} images a batch": replace(plan, batch_size=size) for size in (1, 10, 50, 100, 500)}
    console.print(_table("Batch size, Express children", sizes))
    standard = {name: replace(one, express=False) for name, one in sizes.items()}
    console.print(_table("\nBatch size, Standard children", standard))
    console.print(
        _table(
            "\nConcurrency",
            {f"{calls} calls at a time": replace(plan, concurrency=calls) for calls in (2, 8, 40, 100)},
        )
    )
    console.print(
        _table(
            "\nOther work",
            {
                "images that take twice as long": replace(plan, image_seconds=2 * plan.image_seconds),
                "all to review": replace(plan, review_share=1.0),
                "a new model over old results": replace(plan, standing="another"),
                "nothing is missing": replace(plan, standing="current"),
            },
        )
    )


if __name__ == "__main__":
    main()
