"""The index of a data set: every usable image once, with label, subject, digest and size; nothing is copied."""

import csv
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.dataset import groups_of
from training.data.duplicates import nearly_same, photographs, thumbnail
from training.data.reading import S3, ReadCell, UnusableImageError, read_all
from training.data.sources import UNKNOWN, Cell, require_both_classes
from training.errors import DatasetError

COLUMNS = ("path", "label", "subject", "group", "sha256", "width", "height", "bytes", "data_set", "labelled_at")


@dataclass(frozen=True)
class Finding:
    """Something that was found wrong with a data set.

    Attributes:
        problem: what is wrong.
        cases: each case, one line.
        handled: what was done about it.
    """

    problem: str
    cases: tuple[str, ...]
    handled: str


@dataclass(frozen=True)
class Entry:
    """A line of the index.

    Attributes:
        cell: the labelled image.
        group: number of its group of subjects, from 0.
        sha256: digest of the decoded pixels.
        width: of the image, pixels.
        height: of the image, pixels.
        byte_count: of the file.
    """

    cell: Cell
    group: int
    sha256: str
    width: int
    height: int
    byte_count: int


def build(
    cells: Sequence[Cell], on_read: Callable[[int, int], None] = lambda done, total: None
) -> tuple[list[Entry], list[Finding]]:
    """Read every image once, and settle what contradicts itself.

    An image that stands under several names is kept once, with the newest reviewer's label if there is one. Subjects
    that share an image, or nearly, are one group.

    Args:
        cells: from any number of sources.
        on_read: called after each file with the number of files read and their total.

    Returns:
        The entries in the order of ``cells``, and what was found wrong.

    Raises:
        DatasetError: no usable cell, or usable cells of one class only.
    """
    usable: list[Cell] = []
    facts: list[tuple[str, int, int, int]] = []
    thumbnails = []
    unusable = []
    for cell, outcome in read_all(cells, _facts, on_read):
        if isinstance(outcome, UnusableImageError):
            unusable.append(f"{cell.name}: {outcome}")
        else:
            usable.append(cell)
            facts.append(outcome[0])
            thumbnails.append(outcome[1])
    if not usable:
        raise DatasetError(f"No image could be used. {unusable[0]}")
    contents = [fact[0] for fact in facts]
    near = [
        (i, j)
        for i, j in nearly_same(np.stack(thumbnails))
        if usable[i].subject != usable[j].subject and contents[i] != contents[j]
    ]
    groups = groups_of(usable, photographs(contents, near))
    standing: dict[str, list[int]] = defaultdict(list)
    for position, content in enumerate(contents):
        standing[content].append(position)

    entries, disputed, doubled, shared = [], [], [], []
    for positions in standing.values():
        same = [usable[position] for position in positions]
        settled = _settle(same)
        names = " = ".join(f"{cell.name} ({cell.label}, {cell.subject})" for cell in same)
        if settled is None:
            disputed.append(names)
            continue
        if len({cell.subject for cell in same}) > 1:
            shared.append(names)
        elif len(same) > 1:
            doubled.append(names)
        entries.append(Entry(settled, int(groups[positions[0]]), *facts[positions[0]]))
    require_both_classes({entry.cell.label for entry in entries}, "The index")
    of_subject = _by_subject(entry.cell for entry in entries)
    findings = [
        Finding("unusable image", tuple(unusable), "left out"),
        Finding("one image with two labels", tuple(disputed), "left out"),
        Finding("one image under two subjects", tuple(shared), "kept once; the subjects are one group"),
        Finding(
            "nearly one image under two subjects",
            tuple(" = ".join(f"{usable[k].name} ({usable[k].subject})" for k in pair) for pair in near),
            "kept; the subjects are one group",
        ),
        Finding("one image twice", tuple(doubled), "kept once"),
        Finding(
            "one subject in two spellings",
            tuple(
                " = ".join(spellings)
                for of_one in _by_subject(usable).values()
                if len(spellings := sorted({cell.spelling for cell in of_one})) > 1
            ),
            "taken for one",
        ),
        Finding(
            "one subject in both classes",
            tuple(subject for subject, of_one in of_subject.items() if len({cell.label for cell in of_one}) > 1),
            "kept; never split",
        ),
        Finding(
            "subject unknown", tuple(cell.name for cell in of_subject.get(UNKNOWN, [])), "one subject; never split"
        ),
    ]
    return entries, [finding for finding in findings if finding.cases]


def _facts(read: ReadCell) -> tuple[tuple[str, int, int, int], NDArray[np.uint8]]:
    return (read.sha256, read.width, read.height, read.byte_count), thumbnail(read.cell)


def _settle(same: list[Cell]) -> Cell | None:
    """One cell for an image that stands under several names; None where its label is disputed."""
    reviews = [cell for cell in same if cell.labelled_at]
    if reviews:
        newest = max(reviews, key=lambda cell: cell.labelled_at)
        known = next((cell for cell in same if not cell.labelled_at), newest)
        return replace(known, label=newest.label, labelled_at=newest.labelled_at)
    return same[0] if len({cell.label for cell in same}) == 1 else None


def _by_subject(cells: Iterable[Cell]) -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        found[cell.subject].append(cell)
    return found


def write(path: Path, entries: Iterable[Entry]) -> None:
    """Write an index; its paths are relative to its folder, so that both can be moved together.

    Raises:
        FileExistsError: there is such a file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    here = path.parent.resolve()
    with path.open("x", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for entry in entries:
            cell, location = entry.cell, entry.cell.location
            if not location.startswith(S3):
                location = os.path.relpath(Path(location).resolve(), here).replace(os.sep, "/")
            label = "all" if cell.label == "ALL" else "hem"
            size = (entry.width, entry.height, entry.byte_count)
            table.writerow(
                (location, label, cell.subject, entry.group, entry.sha256, *size, cell.data_set, cell.labelled_at)
            )
