"""The images that a demonstration uploads, and their results."""

from dataclasses import dataclass
from pathlib import Path

from lambda_fn.folders import name_fault
from lambda_fn.keys import result_key
from lambda_fn.results import DecisionOrRejected, ResultDocument, decision_or_rejected

# The longest key that S3 accepts, in bytes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
_LONGEST_KEY = 1024


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


def without_faults(images: list[Upload]) -> tuple[list[Upload], list[str]]:
    """Set images apart whose names can be no keys of images with a result.

    Returns:
        The other images, and one line for each that is set apart.
    """
    faults = {image: _fault(image.key) for image in images}
    return [image for image in images if not faults[image]], [
        f"{i.path}: {fault}" for i, fault in faults.items() if fault
    ]


def _fault(key: str) -> str | None:
    if fault := name_fault(key):
        return fault
    longest = _LONGEST_KEY - len(result_key(""))
    size = len(key.encode())
    if size <= longest:
        return None
    return f"its key has {size:,} bytes, and only keys of up to {longest:,} can have a result: use shorter names"
