"""The index of a data set: a table with a line for every usable image, its label, subject, group, digest and size.

A ``labels.csv`` is read in the same way: it has the first three columns alone.
"""

import csv
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, get_args

from lambda_fn.labels import Queue
from training.data.labelled_cell import LABEL_OF_WORD, WORD_OF_LABEL, LabelledCell, Use
from training.data.locations import S3
from training.data.tables import read_rows
from training.errors import DatasetError
from training.files import appearing

REQUIRED = ("path", "label", "subject")
COLUMNS = (*REQUIRED, "group", "sha256", "width", "height", "bytes", "data_set", "labelled_at")
# Of cells that people reviewed.
REVIEW_COLUMNS = ("queue", "blind", "answers", "use", "weight")


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

    cell: LabelledCell
    group: int
    sha256: str
    width: int
    height: int
    byte_count: int


def write_index(path: Path, entries: Iterable[Entry]) -> None:
    """Write an index. Its paths are relative to its folder, so that index and images can be moved together.

    Raises:
        FileExistsError: there is such a file.
    """
    folder = path.parent.resolve()
    with appearing(path, new=True) as arriving, arriving.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, (*COLUMNS, *REVIEW_COLUMNS), lineterminator="\n")
        table.writeheader()
        for entry in entries:
            cell, location = entry.cell, entry.cell.location
            if not location.startswith(S3):
                location = os.path.relpath(Path(location).resolve(), folder).replace(os.sep, "/")
            table.writerow(
                {
                    "path": location,
                    "label": WORD_OF_LABEL[cell.label],
                    "subject": cell.subject,
                    "group": entry.group,
                    "sha256": entry.sha256,
                    "width": entry.width,
                    "height": entry.height,
                    "bytes": entry.byte_count,
                    "data_set": cell.data_set,
                    "labelled_at": cell.labelled_at,
                    **_review_of(cell),
                }
            )


def _review_of(cell: LabelledCell) -> dict[str, str | int]:
    """What an index holds of a review; all columns are empty for a cell that nobody reviewed."""
    if not cell.labelled_at:
        return dict.fromkeys(REVIEW_COLUMNS, "")
    return {
        "queue": cell.queue,
        "blind": "yes" if cell.blind else "no",
        "answers": cell.answers,
        "use": cell.use,
        "weight": f"{cell.weight:g}",
    }


def read_index(path: Path) -> list[LabelledCell]:
    """Read the cells of an index, or of a table of ``path,label,subject``.

    Raises:
        DatasetError: not such a table.
    """
    folder, title = path.parent, path.resolve().parent.name
    cells = []
    for line, row in read_rows(path, REQUIRED)[1]:
        name, label, subject = row["path"], LABEL_OF_WORD.get(row["label"].lower()), row["subject"]
        if label is None or not name or not subject:
            raise DatasetError(f"{path}, line {line}: needs a path, a subject, and a label that is all or hem.")
        group = row.get("group", "")
        cells.append(
            LabelledCell(
                name=name,
                location=name if name.startswith(S3) else str(folder / name),
                label=label,
                spelling=subject,
                data_set=row.get("data_set") or title,
                group=group and f"{path}: {group}",
                sha256=row.get("sha256", ""),
                **_read_review(row, f"{path}, line {line}"),
            )
        )
    return cells


def _read_review(row: Mapping[str, str], place: str) -> dict[str, Any]:
    """Read what ``_review_of`` wrote. A reviewed cell of an older index is used for fitting alone.

    Raises:
        DatasetError: the columns hold anything else.
    """
    if not row.get("labelled_at"):
        return {}
    values = {name: row.get(name, "") for name in REVIEW_COLUMNS}
    try:
        weight = float(values["weight"] or 1)
        answers = int(values["answers"] or 1)
    except ValueError:
        weight, answers = 0.0, 0
    use = values["use"] or "fitting"
    if use not in get_args(Use) or values["queue"] not in ("", *get_args(Queue)) or not 1 <= weight < inf:
        raise DatasetError(
            f"{place}: a reviewed cell needs a queue (flag or audit), a use ({', '.join(get_args(Use))}), and a weight "
            "of 1 or more; index it again."
        )
    return {
        "labelled_at": row["labelled_at"],
        "queue": values["queue"],
        "blind": values["blind"] == "yes",
        "answers": answers,
        "use": use,
        "weight": weight,
    }
