"""The images that a demonstration uploads, and their results."""

from dataclasses import dataclass
from pathlib import Path

from lambda_fn.results import DecisionOrRejected, ResultDocument, decision_or_rejected


@dataclass(frozen=True)
class Upload:
    """An image to upload.

    Attributes:
        key: its key in the bucket.
        path: its file.
    """

    key: str
    path: Path


@dataclass(frozen=True)
class TimedResult:
    """The result of an image.

    Attributes:
        document: the result document.
        seconds: time from the end of the upload until the result was read.
    """

    document: ResultDocument
    seconds: float

    @property
    def outcome(self) -> DecisionOrRejected:
        """The decision, or ``rejected`` for an image that could not be scored."""
        return decision_or_rejected(self.document)


def uploads_of(folder: Path, images: tuple[Path, ...]) -> list[Upload]:
    """Images in a folder, with their paths below the folder as keys."""
    return [Upload(path.relative_to(folder).as_posix(), path) for path in images]
