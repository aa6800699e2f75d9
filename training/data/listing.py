"""Every file below a folder: the images, and all others with the reason why they are not used."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from lambda_fn.folders import kind_passed_over

# Reasons beside the kinds of ``lambda_fn.folders``.
LINK_TO_FOLDER = "link to a folder"
BROKEN_LINK = "broken link"
UNREADABLE = "cannot be read"
NO_FILE = "not a regular file"
NOT_UTF8 = "name is not UTF-8"


@dataclass(frozen=True)
class OtherFile:
    """A file, link or folder that is not used as a cell.

    Attributes:
        path: of the file; it begins with the source's path.
        reason: why it is not used.
    """

    path: Path
    reason: str


@dataclass(frozen=True)
class Listing:
    """What lies below a folder.

    Attributes:
        images: files that are taken for images by their suffix, in the order of their paths.
        others: everything else but ordinary folders, in the order of the paths.
    """

    images: tuple[Path, ...]
    others: tuple[OtherFile, ...]


def list_folder(folder: Path) -> Listing:
    """List everything below a folder. Links to folders are not followed: they may lead in a circle.

    Raises:
        OSError: the folder itself cannot be read.
    """
    images: list[Path] = []
    others: list[OtherFile] = []

    def note_unreadable(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise error
        others.append(OtherFile(Path(error.filename), UNREADABLE))

    for parent, folders, files in os.walk(folder, onerror=note_unreadable):
        paths = (Path(parent, name) for name in folders)
        others += [OtherFile(path, LINK_TO_FOLDER) for path in paths if path.is_symlink()]
        for path in (Path(parent, name) for name in files):
            reason = _reason_against(path, folder)
            if reason is None:
                images.append(path)
            else:
                others.append(OtherFile(path, reason))
    return Listing(tuple(sorted(images)), tuple(sorted(others, key=lambda other: other.path)))


def _reason_against(path: Path, folder: Path) -> str | None:
    """Why a file is not taken for an image; None for an image."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return BROKEN_LINK if path.is_symlink() else UNREADABLE
    if not stat.S_ISREG(mode):
        return NO_FILE
    try:
        path.relative_to(folder).as_posix().encode()
    except UnicodeEncodeError:
        return NOT_UTF8
    return kind_passed_over(path, folder)
