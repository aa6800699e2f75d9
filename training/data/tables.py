"""Tables of labelled cells, as CSV in UTF-8."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lambda_fn.decisions import Label
from training.errors import DatasetError

LABELS: dict[str, Label] = {"all": "ALL", "hem": "normal", "normal": "normal"}
REQUIRED = ("path", "label", "subject")
PRELIMINARY = ("Patient_ID", "new_names", "labels")
"""The columns of the table that comes with C-NMC 2019's preliminary test set."""


@dataclass(frozen=True)
class Row:
    """A cell as a table tells it; what the table does not tell is empty.

    Attributes:
        path: relative to the table, or ``s3://<bucket>/<key>``.
        label: class.
        subject: as spelled.
        group: number of its group of subjects.
        sha256: digest of its pixels.
        data_set: title of its data set.
        labelled_at: when a reviewer labelled it.
    """

    path: str
    label: Label
    subject: str
    group: str = ""
    sha256: str = ""
    data_set: str = ""
    labelled_at: str = ""


def read_rows(table: Path, required: tuple[str, ...]) -> tuple[tuple[str, ...], list[tuple[int, dict[str, str]]]]:
    """Read a table whose first line names its columns.

    Returns:
        The columns, and for each row its line and its values without surrounding spaces.

    Raises:
        DatasetError: not a table, or a required column is missing.
    """
    try:
        reader = csv.DictReader(io.StringIO(table.read_text("utf-8-sig")), strict=True)
        columns = tuple(reader.fieldnames or ())
        rows = [(reader.line_num, {name: (row[name] or "").strip() for name in columns}) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{table} cannot be read as a table in UTF-8: {error}.") from error
    if missing := [name for name in required if name not in columns]:
        raise DatasetError(
            f"{table} lacks the column {missing[0]}; its first line must name {','.join(required)}"
            + (f", and it names {','.join(columns)}." if columns else ".")
        )
    return columns, rows


def columns_of(table: Path) -> tuple[str, ...]:
    """The names on a table's first line; none where it is no table."""
    try:
        return read_rows(table, ())[0]
    except DatasetError:
        return ()


def read_cells(table: Path) -> Iterator[Row]:
    """Read a table of ``path,label,subject``, or an index.

    Raises:
        DatasetError: not such a table.
    """
    for line, row in read_rows(table, REQUIRED)[1]:
        label = LABELS.get(row["label"].lower())
        if label is None or not row["path"] or not row["subject"]:
            raise DatasetError(f"{table}, line {line}: needs a path, a subject, and a label that is all or hem.")
        optional = {name: row.get(name, "") for name in ("group", "sha256", "data_set", "labelled_at")}
        yield Row(row["path"], label, row["subject"], **optional)


def read_preliminary(table: Path) -> Iterator[tuple[int, str, str, str]]:
    """Read the table of C-NMC 2019's preliminary test set: line, former name, present name, label of each cell.

    Raises:
        DatasetError: not such a table.
    """
    for line, row in read_rows(table, PRELIMINARY)[1]:
        yield line, row["Patient_ID"], row["new_names"], row["labels"]
