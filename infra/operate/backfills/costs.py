"""What a backfill costs at list prices, from what it did."""

from dataclasses import dataclass

from infra import prices

_EXPRESS_STEP_SECONDS = 0.1
_EXPRESS_MEMORY_GB = 64 / 1024
_PARENT_TRANSITIONS = 3
_CHILD_TRANSITIONS = 4
_KEYS_A_LISTING = 1000


@dataclass(frozen=True)
class Work:
    """What a backfill did.

    Attributes:
        listed: images that it was handed.
        first: results written where none stood.
        replaced: results written in place of another.
        flagged: of both, how many ask for review.
        calls: of the function.
        ledgers: batches that answered at least one image.
        seconds: of the function, in all batches together.
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
    """USD by part of the bill, storage and logs left out.

    A result costs one write and a look at the image, one in place of another also two reads; a flag costs a write and a
    read; a ledger a write (``lambda_fn.publishing`` says why). With `looks_first`, as for what is missing, each image
    costs one more read.

    Args:
        work: what was done.
        memory_mb: of the function.
        architecture: of the function, `arm64` or `x86_64`.
        express: whether each batch is an Express child workflow, billed by time, or a Standard one, by transitions. A
            child takes as long as its call of the function; of a Standard child four transitions are counted: its
            start, the call, the look at what came of it, and the end.
        looks_first: whether standing results are read beforehand.
    """
    writes = work.first + work.replaced + work.flagged + work.ledgers + work.listed / _KEYS_A_LISTING
    looks = work.first + work.replaced
    reads = work.listed + looks + 2 * work.replaced + work.flagged + (work.listed if looks_first else 0)
    # Rounding up to the next step adds half of one on average.
    child_seconds = work.seconds + work.calls * _EXPRESS_STEP_SECONDS / 2
    children = (
        work.calls * prices.EXPRESS_REQUEST + child_seconds * _EXPRESS_MEMORY_GB * prices.EXPRESS_GB_SECOND
        if express
        else _CHILD_TRANSITIONS * work.calls * prices.STANDARD_TRANSITION
    )
    return {
        "S3 writes": writes * prices.S3_WRITE_REQUEST,
        "S3 reads": reads * prices.S3_READ_REQUEST,
        "Lambda": prices.lambda_cost(work.seconds, memory_mb, architecture, work.calls),
        "Step Functions": children + _PARENT_TRANSITIONS * prices.STANDARD_TRANSITION,
    }
