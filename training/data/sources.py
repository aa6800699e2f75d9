"""Where labelled cells come from: downloads, trees of folders, and tables.

Nothing is read here but names and tables; the images follow in ``training.data.dataset`` and ``training.data.index``.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from lambda_fn.decisions import Label
from lambda_fn.folders import list_images
from training.data import tables
from training.data.tables import LABELS
from training.errors import DatasetError

TABLE = "labels.csv"
C_NMC = "C-NMC 2019"
# UID_<subject>_<image>_<cell>_<label>, as The Cancer Imaging Archive publishes them.
C_NMC_NAME = re.compile(r"UID_(?P<subject>[^_]+)_\d+_\d+_(?P<label>all|hem)", re.IGNORECASE)
_PRELIMINARY_LABELS = {"1": "ALL", "0": "normal"}
UNKNOWN = "UNKNOWN"
Unknown = Literal["refuse", "one", "each"]


@dataclass(frozen=True)
class Cell:
    """A labelled image.

    Attributes:
        name: path relative to the source's folder, with forward slashes.
        location: where the image lies: the path of a file, or ``s3://<bucket>/<key>``.
        label: the class that an expert gave it.
        spelling: the person that the cell is of, as the source spells it.
        data_set: title of the data set that it is of.
        group: number of the group of subjects that share images, where an index tells; else empty.
        sha256: digest of the decoded pixels, where an index tells; else empty.
        labelled_at: when a reviewer gave the label, ISO 8601; empty for a label that came with the data set.
    """

    name: str
    location: str
    label: Label
    spelling: str
    data_set: str
    group: str = ""
    sha256: str = ""
    labelled_at: str = ""

    @property
    def subject(self) -> str:
        """The person, in capitals, for sources spell one person in several ways."""
        return self.spelling.upper()


@dataclass(frozen=True)
class Naming:
    """How the folders and names of an unknown data set tell classes and subjects.

    Attributes:
        classes: the class that each folder's name stands for, names in lower case.
        subject_pattern: finds the subject in a cell's name: its group ``subject``, else its first, else all.
        unknown: what to do with a cell whose subject nothing tells: ``refuse`` it, take all such cells for ``one``
            subject, which no split tears apart, or ``each`` for a subject of its own, where no person stands twice.
    """

    classes: Mapping[str, Label] = field(default_factory=lambda: LABELS)
    subject_pattern: re.Pattern[str] | None = None
    unknown: Unknown = "refuse"

    def subject_of(self, name: str) -> str:
        """The subject of a cell by its name.

        Raises:
            DatasetError: nothing tells it.
        """
        if named := C_NMC_NAME.fullmatch(PurePosixPath(name).stem):
            return named["subject"]
        if found := self.subject_pattern and self.subject_pattern.search(name):
            groups = found.groupdict()
            return groups["subject"] if "subject" in groups else found[1 if found.re.groups else 0]
        if self.unknown != "refuse":
            return UNKNOWN if self.unknown == "one" else name
        said = f"the pattern {self.subject_pattern.pattern!r} finds no subject in it" if self.subject_pattern else ""
        raise DatasetError(
            f"Nothing tells whose cell {name} is: {said or 'name a --subject-pattern'}, or say --unknown-subjects one "
            "(they stay together in every split) or each (no person stands twice)."
        )


def find_cells(source: Path, naming: Naming | None = None) -> tuple[str, list[Cell]]:
    """Find the cells of a source, in the order of their names.

    A source is a table (``path,label,subject``, an index, or the preliminary set's ``Patient_ID,new_names,labels``), or
    a folder: that of a ``labels.csv``, of images named as in C-NMC 2019 and of preliminary sets at any depth, or of
    ``<class>/<image>``.

    Args:
        source: file or folder.
        naming: reads ``<class>/<image>``.

    Returns:
        The data set's title, and its cells.

    Raises:
        DatasetError: no cells, a table that cannot be read, one class only, or nothing that tells subjects.
    """
    cells = sorted(cells_of(source, naming or Naming()), key=lambda cell: cell.name)
    require_both_classes({cell.label for cell in cells}, str(source))
    return " + ".join(sorted({cell.data_set for cell in cells})), cells


def require_both_classes(labels: set[Label], place: str) -> None:
    """Raise ``DatasetError`` where cells found in a place are of one class only."""
    if len(labels) == 1:
        raise DatasetError(f"{place} holds only cells labelled {labels.pop()}; training needs both classes.")


def cells_of(source: Path, naming: Naming) -> list[Cell]:
    """As ``find_cells``, but of one class perhaps, and in any order."""
    if source.is_file():
        cells = _tabled(source)
    elif (source / TABLE).is_file():
        cells = _tabled(source / TABLE)
    else:
        cells = _named(source) + _preliminary_sets(source)
        cells = cells or _of_class_folders(source, naming)
    if not cells:
        raise DatasetError(
            f"{source} holds no labelled cells: neither a {TABLE} (path,label,subject), nor images named "
            "UID_<subject>_<image>_<cell>_all or _hem, nor folders of images named as classes "
            f"({', '.join(naming.classes)})."
        )
    return cells


def _tabled(table: Path) -> list[Cell]:
    columns = tables.columns_of(table)
    if set(tables.PRELIMINARY) <= set(columns):
        return _preliminary(table, table.parent)
    title = table.resolve().parent.name
    return [
        Cell(
            name=row.path,
            location=row.path if row.path.startswith("s3://") else str(table.parent / row.path),
            label=row.label,
            spelling=row.subject,
            data_set=row.data_set or title,
            group=row.group and f"{table}: {row.group}",
            sha256=row.sha256,
            labelled_at=row.labelled_at,
        )
        for row in tables.read_cells(table)
    ]


def _named(folder: Path) -> list[Cell]:
    cells = []
    for path in _images(folder):
        if found := C_NMC_NAME.fullmatch(path.stem):
            label = LABELS[found["label"].lower()]
            name = path.relative_to(folder).as_posix()
            cells.append(Cell(name, str(path), label, found["subject"], C_NMC))
    return cells


def _preliminary_sets(folder: Path) -> list[Cell]:
    """The cells of every table below a folder that is the one of C-NMC's preliminary test set."""
    found = []
    for table in sorted(folder.rglob("*.csv")):
        if set(tables.PRELIMINARY) <= set(tables.columns_of(table)):
            found += _preliminary(table, folder)
    return found


def _preliminary(table: Path, folder: Path) -> list[Cell]:
    """Cells whose files are numbered, and whose former names a table tells; they lie at any depth beside the table."""
    paths: dict[str, list[Path]] = {}
    for path in _images(table.parent):
        paths.setdefault(path.name, []).append(path)
    cells = []
    for line, former, number, digit in tables.read_preliminary(table):
        named = C_NMC_NAME.fullmatch(Path(former).stem)
        label = LABELS[named["label"].lower()] if named else None
        if not named or not label or _PRELIMINARY_LABELS.get(digit) != label:
            raise DatasetError(
                f"{table}, line {line}: needs a Patient_ID as UID_57_29_1_all.bmp, and the label that agrees with it "
                "(1 for all, 0 for hem)."
            )
        path, *others = paths.get(number, [table.parent / number])
        if others:
            raise DatasetError(
                f"{table}, line {line}: {number} lies twice beside it, at {path.parent} and {others[0].parent}; "
                "move the table to its images."
            )
        name = os.path.relpath(path, folder).replace(os.sep, "/")
        cells.append(Cell(name, str(path), label, named["subject"], C_NMC))
    return cells


def _of_class_folders(folder: Path, naming: Naming) -> list[Cell]:
    """Images below a folder whose name is a class; the class nearest to the image counts."""
    cells = []
    for path in _images(folder):
        relative = path.relative_to(folder)
        classes = [naming.classes[part.lower()] for part in relative.parts[:-1] if part.lower() in naming.classes]
        if classes:
            name = relative.as_posix()
            title = folder.resolve().name
            cells.append(Cell(name, str(path), classes[-1], naming.subject_of(name), title))
    return cells


def _images(folder: Path) -> list[Path]:
    return list(list_images(folder).images)
