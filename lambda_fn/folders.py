"""Which files of a folder are images.

All three packages read this module, so it imports the standard library alone.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

# A file on disk is taken for an image by its suffix, in any case; the function looks at the content, not at the name.
IMAGE_SUFFIXES = (".bmp", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
_HIDDEN = "hidden"
_NO_SUFFIX = "without a suffix"
# A summary names no more kinds than this, the most frequent ones.
_KINDS_NAMED = 5


@dataclass(frozen=True)
class FolderListing:
    """The files below a folder.

    Attributes:
        images: the files that are taken for images, in the order of their paths.
        passed_over: how many other files there are of each kind: a suffix, ``hidden`` or ``without a suffix``.
    """

    images: tuple[Path, ...]
    passed_over: Counter[str]

    def describe_passed_over(self) -> str:
        """A sentence to append: `` 3 other files were passed over: 2 .gif, 1 hidden.``; empty if there are none."""
        total = self.passed_over.total()
        if not total:
            return ""
        kinds = [f"{count} {kind}" for kind, count in self.passed_over.most_common(_KINDS_NAMED)]
        more = ["…"] if len(self.passed_over) > _KINDS_NAMED else []
        return f" {total} other {'files were' if total > 1 else 'file was'} passed over: {', '.join(kinds + more)}."


def list_images(folder: Path, outside: Path | None = None) -> FolderListing:
    """List the images below a folder, at any depth.

    A file is hidden if its name, or that of a folder on the way to it, begins with a full stop; hidden files are never
    images.

    Args:
        folder: where to look.
        outside: a folder whose files are neither images nor counted: one that is written to may lie inside ``folder``.
    """
    images: list[Path] = []
    passed_over: Counter[str] = Counter()
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or (outside is not None and outside in path.parents):
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
