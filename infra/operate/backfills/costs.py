"""Estimates the cost of a backfill at list prices."""

from dataclasses import dataclass

from infra import prices

# Transitions of the state machine, and of a Standard child: start, call, choice, end.
_PARENT_TRANSITIONS = 3
_CHILD_TRANSITIONS = 4
_KEYS_A_LISTING = 1000


@dataclass(frozen=True)
class Work:
    """The work that a backfill did.

    Attributes:
        listed: images in the listing or list.
        first: results of images that had none.
        replaced: results that replaced another.
        flagged: how many of both ask for review.
        calls: calls of the function.
        ledgers: batches that wrote at least one result.
        seconds: running time of the function in all calls together.
    """

    listed: int
    first: int
    replaced: int
    flagged: int
    calls: int
    ledgers: int
    seconds: float


def backfill_cost(
    work: Work, *, memory_mb: int, architecture: str, express: bool, looks_first: bool
) -> dict[str, float]:
    """The cost in USD by part of the bill, without storage and logs.

    A result costs one write and a look at the image, and two reads more if it replaces another:
    ``lambda_fn.publishing`` explains why. A flag costs a write and a read, a ledger file one write.

    Args:
        work: the work that was done.
        memory_mb: memory of the function.
        architecture: architecture of the function, ``arm64`` or ``x86_64``.
        express: True if the children are Express workflows, which are billed by time. Their time is the time of their
            call. False if they are Standard workflows, which are billed by transitions; a child has four.
        looks_first: whether the current result of every image is read first, which costs one more read.
    """
    writes = work.first + work.replaced + work.flagged + work.ledgers + work.listed / _KEYS_A_LISTING
    looks = work.first + work.replaced
    reads = work.listed + looks + 2 * work.replaced + work.flagged + (work.listed if looks_first else 0)
    # The time of a child is rounded up to whole steps, which adds half a step on average.
    child_seconds = work.seconds + work.calls * prices.EXPRESS_STEP_SECONDS / 2
    children = (
        work.calls * prices.EXPRESS_REQUEST + child_seconds * prices.EXPRESS_STEP_GB * prices.EXPRESS_GB_SECOND
        if express
        else _CHILD_TRANSITIONS * work.calls * prices.STANDARD_TRANSITION
    )
    return {
        "S3 writes": writes * prices.S3_WRITE_REQUEST,
        "S3 reads": reads * prices.S3_READ_REQUEST,
        "Lambda": prices.lambda_cost(work.seconds, memory_mb, architecture, work.calls),
        "Step Functions": children + _PARENT_TRANSITIONS * prices.STANDARD_TRANSITION,
    }
