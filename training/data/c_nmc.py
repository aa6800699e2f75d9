"""C-NMC 2019 (doi 10.7937/tcia.2019.dc64i46r) as The Cancer Imaging Archive publishes it.

Its training folds state label and subject in the names of their images. The images of its preliminary test set are
numbered, and a table states their former names.
"""

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from lambda_fn.decisions import Label
from training.data.labelled_cell import LABEL_OF_WORD, LabelledCell
from training.data.tables import read_rows
from training.errors import DatasetError

C_NMC = "C-NMC 2019"
# UID_<subject>_<image>_<cell>_<label>
_NAME = re.compile(r"UID_(?P<subject>[^_]+)_\d+_\d+_(?P<label>all|hem)", re.IGNORECASE)
# The table of the preliminary test set: former name, present name, and 1 for ALL or 0 for a normal cell.
_COLUMNS = ("Patient_ID", "new_names", "labels")
_LABEL_OF_DIGIT: dict[str, Label] = {"1": "ALL", "0": "normal"}


def read_name(name: str) -> tuple[Label, str] | None:
    """Label and subject in the name of an image, with or without a folder and a suffix; None for another name."""
    match = _NAME.fullmatch(PurePosixPath(name).stem)
    return (LABEL_OF_WORD[match["label"].lower()], match["subject"]) if match else None


def is_preliminary_table(table: Path) -> bool:
    """Whether a table is the one of the preliminary test set.

    Raises:
        DatasetError: not a table.
        OSError: it cannot be read.
    """
    return set(_COLUMNS) <= set(read_rows(table, ())[0])


def preliminary_cells(table: Path, folder: Path, images: Sequence[Path]) -> list[LabelledCell]:
    """The cells of the preliminary test set; their images lie at any depth beside its table.

    Args:
        table: of the set.
        folder: the cells' names are relative to it.
        images: of the table's folder, and perhaps of others.

    Raises:
        DatasetError: not such a table, a line contradicts itself, or an image lies there twice.
    """
    paths: dict[str, list[Path]] = defaultdict(list)
    for path in images:
        if table.parent in path.parents:
            paths[path.name].append(path)
    cells = []
    for line, row in read_rows(table, _COLUMNS)[1]:
        named = read_name(row["Patient_ID"])
        if not named or _LABEL_OF_DIGIT.get(row["labels"]) != named[0]:
            raise DatasetError(
                f"{table}, line {line}: needs a Patient_ID as UID_57_29_1_all.bmp, and the label that agrees with it "
                "(1 for all, 0 for hem)."
            )
        label, subject = named
        number = row["new_names"]
        path, *others = paths.get(number, [table.parent / number])
        if others:
            raise DatasetError(
                f"{table}, line {line}: {number} lies twice beside it, at {path.parent} and {others[0].parent}; "
                "move the table to its images."
            )
        name = os.path.relpath(path, folder).replace(os.sep, "/")
        cells.append(LabelledCell(name, str(path), label, subject, C_NMC))
    return cells
