"""The time that is left in a batch before Lambda ends the function."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Seconds without a byte from S3, while connecting or within an answer, after which a request is sent again. AWS advises
# short timeouts and retries: https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-design-patterns.html
SILENT_SECONDS = 2.0
# Seconds kept free for the end of a batch: 4 to finish writing documents, 3 to write the ledger, 1 to return. Each
# write may be sent a second time: a silent S3 costs ``SILENT_SECONDS`` and a pause of at most 50 ms, and it answers a
# request this small within some 10 ms.
RESERVED_SECONDS = 8.0


class Deadline:
    """The seconds that are left for each part of a batch, never below 0.

    Images come first, then the documents that are still being written, then the ledger. If the function's timeout is
    short, half of it is for images.
    """

    def __init__(self, context: "LambdaContext") -> None:
        """Measure the time that is left to the call with this context."""
        self._context = context
        self._reserved = min(RESERVED_SECONDS, self._left() / 2)

    def for_images(self) -> float:
        """Seconds until no more images are read or scored."""
        return max(0.0, self._left() - self._reserved)

    def for_writes(self) -> float:
        """Seconds until all documents must be written."""
        return max(0.0, self._left() - self._reserved / 2)

    def for_ledger(self) -> float:
        """Seconds until the ledger must be written; after that there is only time to return."""
        return max(0.0, self._left() - self._reserved / 8)

    def _left(self) -> float:
        return self._context.get_remaining_time_in_millis() / 1000
