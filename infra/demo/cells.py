"""The images that a demonstration uploads, and what became of each."""

from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

SUFFIXES = frozenset({".bmp", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp"})
"""By which a file on disk is taken for an image, in any case; the deployed function looks at content, not at names."""


@dataclass(frozen=True)
class Cell:
    """One image: its file, and its key in the bucket, the path below the given folder."""

    key: str
    path: Path


@dataclass(frozen=True)
class Answer:
    """An image's result document, and the seconds from the end of its upload until the result could be read."""

    document: dict[str, Any]
    seconds: float

    @property
    def outcome(self) -> str:
        """`ALL`, `normal`, `review` or `rejected`."""
        return "rejected" if self.document["status"] == "rejected" else str(self.document["decision"])


def find_cells(folder: Path) -> tuple[list[Cell], int]:
    """Every image below `folder`, by key, and how many other files lie there. Hidden files and folders are neither."""
    cells, others = [], 0
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if not path.is_file() or any(part.startswith(".") for part in relative.parts):
            continue
        if path.suffix.lower() in SUFFIXES:
            cells.append(Cell(relative.as_posix(), path))
        else:
            others += 1
    return cells, others


def percentile_95(seconds: list[float]) -> float:
    """The 95th percentile, interpolated between the two nearest values; `seconds` must not be empty."""
    return quantiles(seconds, n=20, method="inclusive")[-1] if len(seconds) > 1 else seconds[0]
