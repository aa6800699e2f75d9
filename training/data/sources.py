"""Finds labelled cells in downloads, trees of folders, and tables.

This module reads names and tables; ``dataset``, ``indexing`` and ``exploration`` read the images.
"""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from lambda_fn.folders import kind_passed_over, list_images
from training.data import c_nmc
from training.data.index import read_index
from training.data.labelled_cell import LabelledCell, require_both_classes
from training.data.naming import Naming
from training.errors import DatasetError

TABLE = "labels.csv"
# The kind of passed-over images that no name and no table labels.
_UNLABELLED = "without a label"


def find_cells(source: Path, naming: Naming | None = None) -> tuple[str, list[LabelledCell]]:
    """Find the cells of a source, in the order of their names.

    A source is one of:

    - a table: ``path,label,subject``, an index, or the table of C-NMC's preliminary test set
    - a folder that holds a ``labels.csv``
    - a folder of images named as in C-NMC 2019, and of preliminary test sets, at any depth
    - a folder of ``<class>/<image>``

    Args:
        source: file or folder.
        naming: how names in a folder of ``<class>/<image>`` are read.

    Returns:
        The data set's title, and its cells.

    Raises:
        DatasetError: no cells, a table that cannot be read, one class only, or cells of unknown subjects.
    """
    cells = sorted(cells_of(source, naming or Naming()), key=lambda cell: cell.name)
    require_both_classes([cell.label for cell in cells], str(source))
    return " + ".join(sorted({cell.data_set for cell in cells})), cells


def cells_of(source: Path, naming: Naming) -> list[LabelledCell]:
    """List the cells of a source as ``find_cells`` does, in any order, and perhaps of one class only.

    Raises:
        DatasetError: no cells, a table that cannot be read, or cells of unknown subjects.
    """
    if source.is_file():
        cells = _of_table(source)
    elif (source / TABLE).is_file():
        cells = _of_table(source / TABLE)
    else:
        images = list_images(source).images
        cells = c_nmc.cells_by_name(source, images)
        for table in _preliminary_tables(source):
            cells += c_nmc.preliminary_cells(table, source, images)
        cells = cells or _of_class_folders(source, images, naming)
    if not cells:
        raise DatasetError(
            f"{source} holds no labelled cells: neither a {TABLE} (path,label,subject), nor images named "
            "UID_<subject>_<image>_<cell>_all or _hem, nor folders of images named as classes "
            f"({', '.join(naming.classes)})."
        )
    return cells


def count_passed_over(folder: Path, cells: Iterable[LabelledCell]) -> Counter[str]:
    """Count the files of a folder that are neither its cells nor tables of them.

    Args:
        folder: a source.
        cells: of this source, and perhaps of others.

    Returns:
        Number of files of each kind: the kinds of ``lambda_fn.folders``, and images ``without a label``.
    """
    tables = [folder / TABLE] if (folder / TABLE).is_file() else _preliminary_tables(folder)
    used_paths = {os.path.normpath(path) for path in [*(cell.location for cell in cells), *map(str, tables)]}
    return Counter(
        kind_passed_over(path, folder) or _UNLABELLED
        for path in folder.rglob("*")
        if path.is_file() and os.path.normpath(path) not in used_paths
    )


def _of_table(table: Path) -> list[LabelledCell]:
    if c_nmc.is_preliminary_table(table):
        return c_nmc.preliminary_cells(table, table.parent, list_images(table.parent).images)
    return read_index(table)


def _preliminary_tables(folder: Path) -> list[Path]:
    return [table for table in sorted(folder.rglob("*.csv")) if c_nmc.is_preliminary_table(table)]


def _of_class_folders(folder: Path, images: Sequence[Path], naming: Naming) -> list[LabelledCell]:
    """Images below folders whose names are classes; the folder nearest to the image counts."""
    title = folder.resolve().name
    cells = []
    for path in images:
        relative = path.relative_to(folder)
        classes = [naming.classes[part.lower()] for part in relative.parts[:-1] if part.lower() in naming.classes]
        if classes:
            name = relative.as_posix()
            cells.append(LabelledCell(name, str(path), classes[-1], naming.subject_of(name), title))
    return cells
