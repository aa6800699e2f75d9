"""Labelled cells of known subjects, loaded once into memory."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lambda_fn.cells import to_model_input
from lambda_fn.manifest import Preprocessing
from training.data.duplicates import nearly_same, photographs, thumbnail
from training.data.reading import ReadCell, UnusableImageError, read_all
from training.data.sources import Cell, find_cells
from training.errors import DatasetError


@dataclass(frozen=True)
class Dataset:
    """Cells in memory; entry i of every array belongs to ``names[i]``.

    Attributes:
        title: the data set's name, for people.
        names: the cells' names.
        pixels: uint8 array of shape (n, size, size, 3), 0 to 255: model input.
        is_all: boolean array of shape (n,), true for a leukaemic blast.
        subjects: string array of shape (n,).
        groups: integer array of shape (n,): subjects that share an image share a group, and must not be split.
        digest: sha256 of all labels, subjects and decoded pixels, whatever the files are named.
        left_out: why each file that could not be used was left out, one line each.
        contents: sha256 of each image's decoded pixels.
        photographs: integer array of shape (n,): cells with one number are one cell, although it may stand under two
            subjects, or was cut out twice.
    """

    title: str
    names: tuple[str, ...]
    pixels: NDArray[np.uint8]
    is_all: NDArray[np.bool_]
    subjects: NDArray[np.str_]
    groups: NDArray[np.int64]
    digest: str
    left_out: tuple[str, ...]
    contents: tuple[str, ...]
    photographs: NDArray[np.int64]


def load(
    source: Path, preprocessing: Preprocessing, on_loaded: Callable[[int, int], None] = lambda done, total: None
) -> Dataset:
    """Read every cell of a source once.

    Args:
        source: an index, or what else ``find_cells`` reads.
        preprocessing: how pixels become model input.
        on_loaded: called after each file with the number of files read and their total.

    Returns:
        The data set without the files that could not be read; those are named in ``left_out``.

    Raises:
        DatasetError: nothing to train from.
    """
    title, cells = find_cells(source)

    def as_input(read: ReadCell) -> tuple[NDArray[np.uint8], str, NDArray[np.uint8]]:
        return to_model_input(read.cell, preprocessing), read.sha256, thumbnail(read.cell)

    kept, inputs, contents, thumbnails, left_out = [], [], [], [], []
    for cell, outcome in read_all(cells, as_input, on_loaded):
        if isinstance(outcome, UnusableImageError):
            left_out.append(f"{cell.name}: {outcome}")
            continue
        kept.append(cell)
        inputs.append(outcome[0])
        contents.append(outcome[1])
        thumbnails.append(outcome[2])
    if len({cell.label for cell in kept}) < 2:
        raise DatasetError(f"{source}: too few files could be read. {left_out[0]}")
    of_one = photographs(contents, nearly_same(np.stack(thumbnails)))
    return Dataset(
        title=title,
        names=tuple(cell.name for cell in kept),
        pixels=np.stack(inputs),
        is_all=np.array([cell.label == "ALL" for cell in kept]),
        subjects=np.array([cell.subject for cell in kept]),
        groups=groups_of(kept, of_one),
        digest=_digest_of_all(zip(kept, contents, strict=True)),
        left_out=tuple(left_out),
        contents=tuple(contents),
        photographs=of_one,
    )


def _digest_of_all(cells: Iterable[tuple[Cell, str]]) -> str:
    lines = (f"{cell.label}\t{cell.subject}\t{pixels}\n" for cell, pixels in cells)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def groups_of(cells: Sequence[Cell], photographs: Sequence[str] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the groups of subjects that must not be split.

    The same cell standing under two subjects' names is one cell of one person: both names must stay on one side of a
    split. An index drops the double but keeps the group.

    Args:
        cells: n cells.
        photographs: n digests of their pixels, or numbers of the photographs that they were cut out of.

    Returns:
        Integer array of shape (n,), from 0.
    """
    subjects = np.array([cell.subject for cell in cells])
    grouped = [cell.group or f"subject {cell.subject}" for cell in cells]
    return linked_groups(subjects, grouped, photographs)


def linked_groups(subjects: NDArray[np.str_], *shared: Sequence[str] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the groups of subjects that are linked by something shared, along any chain.

    Args:
        subjects: string array of shape (n,).
        shared: lists of n strings or numbers each; two cells with the same one in a list are linked.

    Returns:
        Integer array of shape (n,), from 0.
    """
    _, group = np.unique(subjects, return_inverse=True)
    members = [np.unique(np.asarray(names), return_inverse=True)[1] for names in (subjects, *shared)]
    while True:  # a group takes the least number found among its subjects' cells and its cells' doubles
        before = group
        for member in members:
            least = np.full(len(group), len(group))
            np.minimum.at(least, member, group)
            group = least[member]
        if np.array_equal(group, before):
            return np.asarray(np.unique(group, return_inverse=True)[1], np.int64)
