"""Makes an index: reads every image of a data set once, and resolves contradictions. No image is copied."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.data.duplicates import photographs, same_texture, texture
from training.data.findings import Finding
from training.data.index import Entry
from training.data.labelled_cell import LabelledCell, require_both_classes
from training.data.naming import UNKNOWN
from training.data.reading import ReadCell, UnusableImageError, read_all
from training.data.subjects import groups_of
from training.errors import DatasetError


@dataclass(frozen=True)
class _Image:
    """Facts of an image that an index holds, and its texture, to find duplicates by."""

    sha256: str
    width: int
    height: int
    byte_count: int
    texture: NDArray[np.float32]
    on_smear: bool


def build(
    cells: Sequence[LabelledCell], on_read: Callable[[int, int], None] = lambda done, total: None
) -> tuple[list[Entry], list[Finding]]:
    """Read every image once, and resolve contradictions.

    An image with several names is kept once, with the newest reviewer's label if there is one. A label of a data set
    that a reviewer contradicts after the model's view was shown leaves a cell for fitting alone. Subjects that share
    an image, or nearly, are one group.

    Args:
        cells: from any number of sources.
        on_read: called after each file with the number of files read and their total.

    Returns:
        The entries in the order of ``cells``, and the faults of the data set.

    Raises:
        DatasetError: no usable cell, or usable cells of one class only.
    """
    usable: list[tuple[LabelledCell, _Image]] = []
    left_out: dict[str, list[str]] = defaultdict(list)
    for cell, outcome in read_all(cells, _describe, on_read):
        if isinstance(outcome, UnusableImageError):
            left_out[str(outcome)].append(f"{cell.name}: {outcome}")
        else:
            usable.append((cell, outcome))
    if not usable:
        raise DatasetError(f"No image could be used. {next(iter(left_out.values()))[0]}")
    near_pairs = _nearly_same_of_two_subjects(usable)
    contents = [image.sha256 for _, image in usable]
    groups = groups_of([cell for cell, _ in usable], photographs(contents, near_pairs))
    entries, two_labels, two_subjects, twice = _settle(usable, groups)
    require_both_classes([entry.cell.label for entry in entries], "The index")
    near_names = tuple(
        " = ".join(f"{cell.name} ({cell.subject})" for cell in (usable[i][0], usable[j][0])) for i, j in near_pairs
    )
    findings = [
        *(Finding("unusable image", tuple(lines), "left out") for lines in left_out.values()),
        Finding("cell on a smear", tuple(cell.name for cell, image in usable if image.on_smear), "cut out onto black"),
        Finding("one image with two labels", tuple(two_labels), "left out"),
        Finding("one image under two subjects", tuple(two_subjects), "kept once; the subjects are one group"),
        Finding("nearly one image under two subjects", near_names, "kept; the subjects are one group"),
        Finding("one image twice", tuple(twice), "kept once"),
        *_subject_findings([cell for cell, _ in usable], [entry.cell for entry in entries]),
    ]
    return entries, [finding for finding in findings if finding.cases]


def _describe(read: ReadCell) -> _Image:
    detail = texture(read.cell, read.background)
    return _Image(read.sha256, read.width, read.height, read.byte_count, detail, read.cell.on_smear)


def _nearly_same_of_two_subjects(usable: Sequence[tuple[LabelledCell, _Image]]) -> list[tuple[int, int]]:
    """Pairs of images of different subjects that are the same although their pixels differ."""
    return [
        (i, j)
        for i, j in same_texture(np.stack([image.texture for _, image in usable]))
        if usable[i][0].subject != usable[j][0].subject and usable[i][1].sha256 != usable[j][1].sha256
    ]


def _settle(
    usable: Sequence[tuple[LabelledCell, _Image]], groups: NDArray[np.int64]
) -> tuple[list[Entry], list[str], list[str], list[str]]:
    """Make an entry of each image, and list images with two labels, of two subjects, and of one subject but twice."""
    positions_of: dict[str, list[int]] = defaultdict(list)
    for position, (_, image) in enumerate(usable):
        positions_of[image.sha256].append(position)
    entries = []
    two_labels, two_subjects, twice = [], [], []
    for positions in positions_of.values():
        same = [usable[position][0] for position in positions]
        names = " = ".join(f"{cell.name} ({cell.label}, {cell.subject})" for cell in same)
        cell = _merge(same)
        if cell is None:
            two_labels.append(names)
            continue
        if len({each.subject for each in same}) > 1:
            two_subjects.append(names)
        elif len(same) > 1:
            twice.append(names)
        image = usable[positions[0]][1]
        group = int(groups[positions[0]])
        entries.append(Entry(cell, group, image.sha256, image.width, image.height, image.byte_count))
    return entries, two_labels, two_subjects, twice


def _merge(same: Sequence[LabelledCell]) -> LabelledCell | None:
    """One cell for an image with several names; None if experts disagree on its label."""
    reviews = [cell for cell in same if cell.labelled_at]
    if reviews:
        newest = max(reviews, key=lambda cell: cell.labelled_at)
        others = [cell for cell in same if not cell.labelled_at]
        if not others:
            return newest
        # The label of a cell that is measured by must not depend on a model's view of the cell.
        independent = newest.use == "thresholds" or {cell.label for cell in others} == {newest.label}
        first = others[0]
        return replace(
            newest,
            name=first.name,
            location=first.location,
            spelling=first.spelling,
            data_set=first.data_set,
            group=first.group,
            sha256=first.sha256,
            use="all" if independent else "fitting",
            weight=1.0,
        )
    return same[0] if len({cell.label for cell in same}) == 1 else None


def _subject_findings(usable: Iterable[LabelledCell], indexed: Iterable[LabelledCell]) -> list[Finding]:
    by_subject = _by_subject(indexed)
    spellings = [sorted({cell.spelling for cell in cells}) for cells in _by_subject(usable).values()]
    both_classes = [name for name, cells in by_subject.items() if len({cell.label for cell in cells}) > 1]
    unknown = [cell.name for cell in by_subject.get(UNKNOWN, [])]
    return [
        Finding(
            "one subject in two spellings",
            tuple(" = ".join(names) for names in spellings if len(names) > 1),
            "taken for one",
        ),
        Finding("one subject in both classes", tuple(both_classes), "kept; never split"),
        Finding("subject unknown", tuple(unknown), "one subject; never split"),
    ]


def _by_subject(cells: Iterable[LabelledCell]) -> dict[str, list[LabelledCell]]:
    by_subject: dict[str, list[LabelledCell]] = defaultdict(list)
    for cell in cells:
        by_subject[cell.subject].append(cell)
    return by_subject
