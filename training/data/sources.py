"""Finds labelled cells in downloads, trees of folders, and tables.

This module reads names and tables; ``dataset``, ``indexing`` and ``exploration`` read the images.
"""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

from lambda_fn.decisions import Label
from training.data import c_nmc
from training.data.index import read_index
from training.data.labelled_cell import LabelledCell, require_both_classes
from training.data.listing import OtherFile, list_folder
from training.data.naming import Naming
from training.data.survey import NO_LABEL, Survey, survey_names
from training.data.tables import TABLE_SUFFIXES
from training.errors import DatasetError

TABLE = "labels.csv"
# Stands between the titles of data sets whose cells are taken together.
JOINED = " + "
_PRELIMINARY = "table of the preliminary set"
_UNREADABLE_TABLE = "table that cannot be read"


def find_cells(source: Path, naming: Naming | None = None) -> tuple[str, list[LabelledCell]]:
    """Find the cells of a source, in the order of their names.

    A source is one of:

    - a table: ``path,label,subject``, an index, or the table of C-NMC's preliminary test set
    - a folder that holds a ``labels.csv``
    - a folder of images at any depth: named as in C-NMC 2019, of a preliminary test set with its table, or below a
      folder named as a class

    Args:
        source: file or folder.
        naming: how names of folders and images are read.

    Returns:
        The data set's title, and its cells.

    Raises:
        DatasetError: no cells, a table that cannot be read, one class only, cells of unknown subjects, or a folder that
            may stand for either class.
    """
    found = survey(source, naming or Naming())
    cells = sorted(found.cells, key=lambda cell: cell.name)
    require_both_classes([cell.label for cell in cells], str(source), _advice(found))
    return JOINED.join(sorted({cell.data_set for cell in cells})), cells


def survey(source: Path, naming: Naming) -> Survey:
    """List the cells of a source as ``find_cells`` does, perhaps of one class only, and all its other files.

    Raises:
        DatasetError: as ``find_cells``.
    """
    if source.is_file():
        found = _of_table(source)
    elif (source / TABLE).is_file():
        found = _with_others(source, _of_table(source / TABLE), source / TABLE)
    else:
        found = _of_folder(source, naming)
    if not found.cells:
        raise DatasetError(
            f"{source} holds no labelled cells: neither a {TABLE} (path,label,subject), nor images named "
            "UID_<subject>_<image>_<cell>_all or _hem, nor folders of images named as classes "
            f"({', '.join(naming.classes)}).{_advice(found)}"
        )
    return found


def _advice(found: Survey) -> str:
    """A sentence for an error's end: the files that are not used."""
    counts = ", ".join(f"{count:,} {reason}" for reason, count in found.counts().most_common())
    return f" Not used: {counts}." if counts else ""


def _of_table(table: Path) -> Survey:
    if c_nmc.is_preliminary_table(table):
        cells = c_nmc.preliminary_cells(table, table.parent, list_folder(table.parent).images)
    else:
        cells = read_index(table)
    return Survey(tuple(cells), Counter((table.name, cell.label) for cell in cells))


def _with_others(folder: Path, found: Survey, *tables: Path) -> Survey:
    """The same, with the files of the folder that are neither cells nor tables of them."""
    used = {os.path.normpath(path) for path in (*(cell.location for cell in found.cells), *map(str, tables))}
    listing = list_folder(folder)
    listed = [*listing.others, *(OtherFile(path, NO_LABEL) for path in listing.images)]
    return replace(found, others=tuple(other for other in listed if os.path.normpath(other.path) not in used))


def _of_folder(folder: Path, naming: Naming) -> Survey:
    listing = list_folder(folder)
    cells: list[LabelledCell] = []
    origins: Counter[tuple[str, Label]] = Counter()
    others = []
    for other in listing.others:
        kind = _kind_of_table(other)
        if kind == _PRELIMINARY:
            of_table = c_nmc.preliminary_cells(other.path, folder, listing.images)
            cells += of_table
            origins.update((other.path.relative_to(folder).as_posix(), cell.label) for cell in of_table)
        else:
            others.append(replace(other, reason=kind))
    numbered = {cell.location for cell in cells}
    by_name = survey_names(folder, [path for path in listing.images if str(path) not in numbered], naming)
    return replace(
        by_name,
        cells=(*cells, *by_name.cells),
        origins=origins + Counter(by_name.origins),
        others=(*others, *by_name.others),
    )


def _kind_of_table(other: OtherFile) -> str:
    """``_PRELIMINARY`` for a table of C-NMC's preliminary set, else the reason why a file is not used."""
    if other.reason not in TABLE_SUFFIXES:
        return other.reason
    try:
        return _PRELIMINARY if c_nmc.is_preliminary_table(other.path) else other.reason
    except (DatasetError, OSError):
        return _UNREADABLE_TABLE
