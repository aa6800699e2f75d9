"""Which files of a folder are images.

All three packages read this module, so it imports the standard library alone.
"""

import os
import stat
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lambda_fn.terminal import printable

# A file on disk is an image if it has one of these suffixes, in upper or lower case. The function looks at the content
# of an object instead.
IMAGE_SUFFIXES = (".bmp", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
_HIDDEN = "hidden"
_NO_SUFFIX = "without a suffix"
_UNREADABLE_FOLDER = "unreadable folder"
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
        kinds = [f"{count} {printable(kind)}" for kind, count in self.passed_over.most_common(_KINDS_NAMED)]
        more = ["…"] if len(self.passed_over) > _KINDS_NAMED else []
        return f" {total} other {'files were' if total > 1 else 'file was'} passed over: {', '.join(kinds + more)}."

    def describe_lack(self, folder: Path, verb: str) -> str:
        """Return what to tell if there is no image below a folder; ``verb`` says what is done to images."""
        suffixes = " ".join(IMAGE_SUFFIXES)
        passed_over = self.describe_passed_over()
        return f"There is no image below {folder}: only files that end in {suffixes} {verb}.{passed_over}"


def list_images(folder: Path, outside: Path | None = None) -> FolderListing:
    """List the images below a folder, at any depth.

    A file is hidden if a part of its path below ``folder`` begins with a full stop. Hidden files are never images.
    Neither are pipes, sockets and devices, which could be read without end. Links to folders are not followed.

    Args:
        folder: the folder.
        outside: a folder to leave out. Its files are not counted either.
    """
    skipped = outside and Path(os.path.relpath(outside.resolve(), folder.resolve()))
    images: list[Path] = []
    passed_over: Counter[str] = Counter()

    def count_unreadable(_: OSError) -> None:
        passed_over[_UNREADABLE_FOLDER] += 1

    entries: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=count_unreadable):
        links = (name for name in folders if Path(parent, name).is_symlink())
        entries += (Path(parent, name) for name in (*files, *links))
    for path in sorted(entries):
        if skipped in path.relative_to(folder).parents:
            continue
        kind = kind_passed_over(path, folder) or _irregular(path)
        if kind is None:
            images.append(path)
        else:
            passed_over[kind] += 1
    return FolderListing(tuple(images), passed_over)


def _irregular(path: Path) -> str | None:
    """The kind of an entry of a folder that is no regular file; None for a regular file, or for a link to one."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "broken link"
    except OSError:
        return "unreadable"
    if stat.S_ISDIR(mode):
        return "link to a folder"
    return None if stat.S_ISREG(mode) else "pipe, socket or device"


def name_fault(key: str) -> str | None:
    """Why an image cannot have this key, in one clause; None for a key that S3 accepts.

    Args:
        key: path of the image below its folder.
    """
    try:
        key.encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8: rename it"
    return None


def kind_passed_over(path: Path, folder: Path) -> str | None:
    """The kind of a file below a folder that is not taken for an image; None for an image."""
    if any(part.startswith(".") for part in path.relative_to(folder).parts):
        return _HIDDEN
    suffix = path.suffix.lower()
    return None if suffix in IMAGE_SUFFIXES else suffix or _NO_SUFFIX
