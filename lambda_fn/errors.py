"""The errors that this package raises.

ScoringError
├── ModelError               a model cannot be served
├── SettingsError            a setting of the function cannot be used
├── RejectedImageError       an image cannot be scored
├── ImageGoneError           an image was deleted before it was read
├── ImageUnchangedError      an image is still the version that the caller knows
├── FailedMessageError       a message goes back to the queue
│   ├── UnknownEventError    its shape is unknown
│   ├── PoisonImageError     its image ended the process that scored it
│   ├── OutOfTimeError       its batch ran out of time
│   └── ContentionError      other workers kept replacing the same result
└── IncompleteBatchError     images of a batch without a queue failed

All three packages read this module, so it imports the standard library alone.
"""

from typing import Literal

RejectionCode = Literal["unreadable", "unsupported_format", "too_large", "no_single_cell", "no_score", "key_too_long"]


class ScoringError(Exception):
    """The base of all errors of this package."""


class ModelError(ScoringError):
    """A model's folder cannot be served: it is incomplete, damaged, or another model than its manifest describes."""


class SettingsError(ScoringError):
    """A variable of the environment cannot be used. The message names the variable and the values that it may have."""


class RejectedImageError(ScoringError):
    """An image cannot be scored. It is answered with a rejection and never tried again.

    Attributes:
        code: the kind of rejection, which is also the reason for review.
        message: one sentence for the person who sent the image.
    """

    def __init__(self, code: RejectionCode, message: str) -> None:
        """Reject an image with a code for machines and a message for people."""
        super().__init__(message)
        self.code: RejectionCode = code
        self.message = message


class ImageGoneError(ScoringError):
    """The image was deleted before it was read, so there is nothing to answer."""


class ImageUnchangedError(ScoringError):
    """The image is still the version that the caller knows."""


class FailedMessageError(ScoringError):
    """A message cannot be answered and should be delivered again. The text names no key, so it may be logged."""


class UnknownEventError(FailedMessageError):
    """The event has a shape that the function does not know."""


class PoisonImageError(FailedMessageError):
    """An image ended the process that scored it, or kept it busy for too long."""


class OutOfTimeError(FailedMessageError):
    """The batch had to end before the work was done."""


class ContentionError(FailedMessageError):
    """Other workers kept replacing the same result."""


class IncompleteBatchError(ScoringError):
    """Images of a notification that came without a queue failed, so its sender should deliver it again.

    The text is the JSON that the handler returns for a batch without failures.
    """
