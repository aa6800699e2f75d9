"""Which files of a folder are images.

All three packages read this module, so it imports the standard library alone.
"""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

# A file on disk is an image if it has one of these suffixes, in upper or lower case. The function looks at the content
# of an object instead.
IMAGE_SUFFIXES = (".bmp", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
_HIDDEN = "hidden"
_NO_SUFFIX = "without a suffix"
# The number of kinds that a summary names, the most frequent first.
_KINDS_NAMED = 5


@dataclass(frozen=True)
class FolderListing:
    """The files below a folder.

    Attributes:
        images: paths of the images, in order.
        passed_over: number of other files by kind: a suffix in lower case, ``hidden`` or ``without a suffix``.
    """

    images: tuple[Path, ...]
    passed_over: Counter[str]

    def describe_passed_over(self) -> str:
        """Return a sentence to append, such as `` 1 other file was passed over: 1 .gif.``; empty if there is none."""
        total = self.passed_over.total()
        if not total:
            return ""
        kinds = [f"{count} {kind}" for kind, count in self.passed_over.most_common(_KINDS_NAMED)]
        more = ["…"] if len(self.passed_over) > _KINDS_NAMED else []
        return f" {total} other {'files were' if total > 1 else 'file was'} passed over: {', '.join(kinds + more)}."


def list_images(folder: Path, outside: Path | None = None) -> FolderListing:
    """List the images below a folder, at any depth.

    A file is hidden if a part of its path below ``folder`` begins with a full stop. Hidden files are never images.

    Args:
        folder: the folder.
        outside: a folder to leave out. Its files are not counted either.
    """
    skipped = outside and Path(os.path.relpath(outside.resolve(), folder.resolve()))
    images: list[Path] = []
    passed_over: Counter[str] = Counter()
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder)
        if not path.is_file() or skipped in below.parents:
            continue
        kind = kind_passed_over(path, folder)
        if kind is None:
            images.append(path)
        else:
            passed_over[kind] += 1
    return FolderListing(tuple(images), passed_over)


def kind_passed_over(path: Path, folder: Path) -> str | None:
    """The kind of a file below a folder that is not taken for an image; None for an image."""
    if any(part.startswith(".") for part in path.relative_to(folder).parts):
        return _HIDDEN
    suffix = path.suffix.lower()
    return None if suffix in IMAGE_SUFFIXES else suffix or _NO_SUFFIX
