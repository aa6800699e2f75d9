"""Tables as CSV in UTF-8, whose first line names the columns."""

import csv
import io
from pathlib import Path

from training.errors import DatasetError


def read_rows(table: Path, required: tuple[str, ...]) -> tuple[tuple[str, ...], list[tuple[int, dict[str, str]]]]:
    """Read a table.

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
    """The names on a table's first line; none if the file is no table or cannot be read."""
    try:
        return read_rows(table, ())[0] if table.is_file() else ()
    except (DatasetError, OSError):
        return ()
