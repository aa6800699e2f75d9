"""The images that a demonstration uploads, and the result of each."""

from dataclasses import dataclass
from pathlib import Path

from lambda_fn.results import DecisionOrRejected, ResultDocument, decision_or_rejected


@dataclass(frozen=True)
class Upload:
    """One image: its file, and its key in the bucket, the path below the given folder."""

    key: str
    path: Path


@dataclass(frozen=True)
class TimedResult:
    """An image's result document, and the seconds from the end of its upload until the result could be read."""

    document: ResultDocument
    seconds: float

    @property
    def outcome(self) -> DecisionOrRejected:
        """The decision, or ``rejected`` for an image that could not be scored."""
        return decision_or_rejected(self.document)


def uploads_of(folder: Path, images: tuple[Path, ...]) -> list[Upload]:
    """Images below ``folder``, each with its path below it as key."""
    return [Upload(path.relative_to(folder).as_posix(), path) for path in images]
