"""Labelled cells of known subjects: found in a folder, then loaded once into memory."""

import csv
import hashlib
import io
import os
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lambda_fn import images
from lambda_fn.cells import Preprocessing, find_cell, to_model_input
from lambda_fn.decisions import Label
from lambda_fn.images import RejectedImageError
from training.errors import TrainingError

LABELS: dict[str, Label] = {"all": "ALL", "hem": "normal"}
TABLE = "labels.csv"
C_NMC = "C-NMC 2019"
# UID_<subject>_<image>_<cell>_<label>, as The Cancer Imaging Archive publishes them.
_C_NMC_NAME = re.compile(r"UID_(?P<subject>[^_]+)_\d+_\d+_(?P<label>all|hem)", re.IGNORECASE)


class DatasetError(TrainingError):
    """A folder that no model can be trained from; the message says what is wrong and what to do."""


@dataclass(frozen=True)
class Cell:
    """A labelled image.

    Attributes:
        name: path relative to the data set's folder, with forward slashes.
        path: where the file lies.
        label: the class that an expert gave it.
        subject: the person that the cell is of, in capitals.
    """

    name: str
    path: Path
    label: Label
    subject: str


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
        digest: sha256 of all names, labels and decoded pixels.
        left_out: why each file that could not be used was left out, one line each.
    """

    title: str
    names: tuple[str, ...]
    pixels: NDArray[np.uint8]
    is_all: NDArray[np.bool_]
    subjects: NDArray[np.str_]
    groups: NDArray[np.int64]
    digest: str
    left_out: tuple[str, ...]


def find_cells(folder: Path) -> tuple[str, list[Cell]]:
    """Find the cells of a folder: those of its ``labels.csv``, else all that are named as in C-NMC 2019, at any depth.

    Returns:
        The data set's title, and its cells in the order of their names.

    Raises:
        DatasetError: no cells, a table that cannot be read, or one class only.
    """
    table = folder / TABLE
    title, cells = (folder.resolve().name, _read_table(table)) if table.is_file() else (C_NMC, _read_names(folder))
    if not cells:
        raise DatasetError(
            f"{folder} holds no labelled cells: neither a {TABLE} (path,label,subject), "
            "nor images named UID_<subject>_<image>_<cell>_all or _hem."
        )
    if len({cell.label for cell in cells}) < len(LABELS):
        raise DatasetError(f"{folder} holds only cells labelled {cells[0].label}; training needs both classes.")
    return title, sorted(cells, key=lambda cell: cell.name)


def _read_names(folder: Path) -> list[Cell]:
    cells = []
    for path in folder.rglob("*"):
        name = _C_NMC_NAME.fullmatch(path.stem)
        if name and path.suffix.lower() in images.SUFFIXES:
            label = LABELS[name["label"].lower()]
            cells.append(Cell(path.relative_to(folder).as_posix(), path, label, name["subject"].upper()))
    return cells


def _read_table(table: Path) -> list[Cell]:
    try:
        reader = csv.DictReader(io.StringIO(table.read_text("utf-8-sig")), strict=True)
        columns, rows = reader.fieldnames or (), [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{table} cannot be read as a table in UTF-8: {error}.") from error
    if missing := {"path", "label", "subject"}.difference(columns):
        raise DatasetError(f"{table} lacks the column {min(missing)}; its first line must name path,label,subject.")
    cells = []
    for line, row in rows:
        path, label, subject = ((row[column] or "").strip() for column in ("path", "label", "subject"))
        if label not in LABELS or not path or not subject:
            raise DatasetError(f"{table}, line {line}: needs a path, a subject, and a label that is all or hem.")
        cells.append(Cell(path, table.parent / path, LABELS[label], subject.upper()))
    return cells


def load(
    folder: Path, preprocessing: Preprocessing, on_loaded: Callable[[int, int], None] = lambda done, total: None
) -> Dataset:
    """Read every cell of a folder once.

    Args:
        folder: what ``find_cells`` reads.
        preprocessing: how pixels become model input.
        on_loaded: called after each file with the number of files read and their total.

    Returns:
        The data set without the files that could not be read; those are named in ``left_out``.

    Raises:
        DatasetError: nothing to train from.
    """
    title, cells = find_cells(folder)
    kept, inputs, digests, left_out = [], [], [], []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = pool.map(lambda cell: _read_cell(cell, preprocessing), cells)
        for done, (cell, outcome) in enumerate(zip(cells, outcomes, strict=True), start=1):
            on_loaded(done, len(cells))
            if isinstance(outcome, str):
                left_out.append(f"{cell.name}: {outcome}")
                continue
            kept.append(cell)
            inputs.append(outcome[0])
            digests.append(outcome[1])
    if len({cell.label for cell in kept}) < len(LABELS):
        raise DatasetError(f"{folder}: too few files could be read. {left_out[0]}")
    subjects = np.array([cell.subject for cell in kept])
    return Dataset(
        title=title,
        names=tuple(cell.name for cell in kept),
        pixels=np.stack(inputs),
        is_all=np.array([cell.label == "ALL" for cell in kept]),
        subjects=subjects,
        groups=linked_groups(subjects, digests),
        digest=_digest_of_all(zip(kept, digests, strict=True)),
        left_out=tuple(left_out),
    )


def _read_cell(cell: Cell, preprocessing: Preprocessing) -> tuple[NDArray[np.uint8], str] | str:
    """Model input and digest of the decoded pixels, or why there are none."""
    try:
        pixels = images.decode(cell.path.read_bytes()).pixels
        return to_model_input(find_cell(pixels), preprocessing), hashlib.sha256(pixels.tobytes()).hexdigest()
    except RejectedImageError as error:
        return error.message
    except OSError as error:
        return error.strerror or str(error)


def _digest_of_all(cells: Iterable[tuple[Cell, str]]) -> str:
    lines = (f"{cell.name}\t{cell.label}\t{cell.subject}\t{pixels}\n" for cell, pixels in cells)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def linked_groups(subjects: NDArray[np.str_], digests: list[str]) -> NDArray[np.int64]:
    """Number the groups of subjects that are linked by a common image.

    The same cell standing under two subjects' names is one cell of one person: both names must stay on one side of a
    split.

    Args:
        subjects: string array of shape (n,).
        digests: n digests of the images' content.

    Returns:
        Integer array of shape (n,), from 0.
    """
    _, group = np.unique(subjects, return_inverse=True)
    members = [np.unique(names, return_inverse=True)[1] for names in (subjects, digests)]
    while True:  # a group takes the least number found among its subjects' cells and its cells' doubles
        before = group
        for member in members:
            least = np.full(len(group), len(group))
            np.minimum.at(least, member, group)
            group = least[member]
        if np.array_equal(group, before):
            return np.asarray(np.unique(group, return_inverse=True)[1], np.int64)
