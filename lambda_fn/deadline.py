"""How long a batch may still take before Lambda ends it, and with it what was not yet returned."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# How long S3 may keep silent, while it connects or anywhere in an answer, before it is asked again. AWS advises so:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-design-patterns.html
SILENT_SECONDS = 2.0
# Left for the writes under way when no more images are taken (4), and of that for the ledger (3) and to return (1). S3
# may keep silent once in each: asked again after 50 ms at most, it answers such small requests within some ten.
RESERVED_SECONDS = 8.0


class Deadline:
    """What is left of a call's time, in seconds, never below 0: for images first, then for writes, then for the ledger.

    A function whose timeout is short keeps half of it for images.
    """

    def __init__(self, context: "LambdaContext") -> None:
        """Of the call that ``context`` belongs to."""
        self._context = context
        self._reserved = min(RESERVED_SECONDS, self._left() / 2)

    def for_images(self) -> float:
        """Until no more images are taken."""
        return max(0.0, self._left() - self._reserved)

    def for_writes(self) -> float:
        """Until the results under way must be written."""
        return max(0.0, self._left() - self._reserved / 2)

    def for_ledger(self) -> float:
        """Until the ledger must be written, so that there is time to return."""
        return max(0.0, self._left() - self._reserved / 8)

    def _left(self) -> float:
        return self._context.get_remaining_time_in_millis() / 1000
