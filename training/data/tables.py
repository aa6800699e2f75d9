"""Tables as CSV, whose first line names the columns.

Spreadsheets write them in several ways: with commas, semicolons or tabs, in UTF-8 or UTF-16. All of these are read.
"""

import codecs
import csv
import io
from pathlib import Path

from training.errors import DatasetError

TABLE_SUFFIXES = (".csv", ".tsv")
_DELIMITERS = ",;\t"
# A first line by which Excel learns the delimiter, as `sep=;`.
_DELIMITER_LINE = "sep="


def read_rows(table: Path, required: tuple[str, ...]) -> tuple[tuple[str, ...], list[tuple[int, dict[str, str]]]]:
    """Read a table.

    Returns:
        The columns, and for each row its line and its values without surrounding spaces.

    Raises:
        DatasetError: not a table, or a required column is missing.
    """
    try:
        text = _decode(table.read_bytes())
        first, _, rest = text.partition("\n")
        lines_before = 0
        if first.lower().startswith(_DELIMITER_LINE):
            text, lines_before = rest, 1
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=_delimiter(text))
        names = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = names
        columns = tuple(names)
        rows = [
            (reader.line_num + lines_before, {name: (row[name] or "").strip() for name in columns}) for row in reader
        ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{table} cannot be read as a table: {error}. Save it as CSV in UTF-8 or UTF-16.") from error
    if missing := [name for name in required if name not in columns]:
        raise DatasetError(
            f"{table} lacks the column {missing[0]}; its first line must name {','.join(required)}"
            + (f", and it names {','.join(columns)}." if columns else ".")
        )
    return columns, rows


def _decode(content: bytes) -> str:
    """Decode UTF-8 or UTF-16, with or without a byte order mark; Latin letters have a zero byte in UTF-16."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    if b"\0" in content[:2]:
        return content.decode("utf-16-be" if content[:1] == b"\0" else "utf-16-le")
    return content.decode("utf-8-sig")


def _delimiter(text: str) -> str:
    """The delimiter that the first line has most of; a comma if it has none."""
    first = text.partition("\n")[0]
    return max(_DELIMITERS, key=first.count)
