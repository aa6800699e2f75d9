"""Exports result documents as one file: CSV or Parquet with a column for each field, or JSON lines."""

import csv
import json
import re
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

import click

from infra.errors import InfraError
from lambda_fn.results import ResultDocument

# Columns of a row, with the SQL type of each in Parquet. ``reasons`` are separated by spaces; ``morphology`` and
# ``explanation`` are JSON.
COLUMNS = {
    "key": "VARCHAR",
    "status": "VARCHAR",
    "decision": "VARCHAR",
    "label": "VARCHAR",
    "probability_all": "DOUBLE",
    "review": "BOOLEAN",
    "reasons": "VARCHAR",
    "error_code": "VARCHAR",
    "error_message": "VARCHAR",
    "model_version": "VARCHAR",
    "model_sha256": "VARCHAR",
    "scored_at": "TIMESTAMP",
    "bucket": "VARCHAR",
    "version_id": "VARCHAR",
    "etag": "VARCHAR",
    "sha256": "VARCHAR",
    "bytes": "BIGINT",
    "format": "VARCHAR",
    "width": "INTEGER",
    "height": "INTEGER",
    "morphology": "VARCHAR",
    "explanation": "VARCHAR",
}

# The beginning of a cell that a spreadsheet takes for a formula, with quotes or spaces before it. Some spreadsheets
# take full-width signs for the usual ones. A cell may also begin after a semicolon, a tab or the end of a line:
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = re.compile('(^|[;\t\r\n])(?=[" ]*[=+@\uff1d\uff0b\uff0d\uff20-])')
# A text that begins with one of these hides a formula behind it.
_SEPARATORS = ("\t", "\r", "\n")


class ExportError(InfraError, click.UsageError):
    """The file cannot be made, or the library for its format is missing."""


def row(document: ResultDocument) -> dict[str, Any]:
    """The fields of a document by column; None for a field that it lacks."""
    image, prediction, error = document["image"], document["prediction"], document.get("error")
    morphology, explanation = document["morphology"], document["explanation"]
    return {
        "key": image["key"],
        "status": document["status"],
        "decision": document["decision"],
        "label": prediction["label"] if prediction else None,
        "probability_all": prediction["probability_all"] if prediction else None,
        "review": document["review"]["required"],
        "reasons": " ".join(document["review"]["reasons"]),
        "error_code": error["code"] if error else None,
        "error_message": error["message"] if error else None,
        "model_version": document["model"]["version"],
        "model_sha256": document["model"]["sha256"],
        "scored_at": document["scored_at"],
        "bucket": image["bucket"],
        "version_id": image["version_id"],
        "etag": image["etag"],
        "sha256": image["sha256"],
        "bytes": image["bytes"],
        "format": image["format"],
        "width": image["width"],
        "height": image["height"],
        "morphology": json.dumps(morphology) if morphology is not None else None,
        "explanation": json.dumps(explanation) if explanation is not None else None,
    }


def write_csv(documents: Iterable[ResultDocument], out: IO[str]) -> None:
    """Write a header, and a row for each document.

    Anybody who may upload images chooses their keys. A text that a spreadsheet would run as a formula therefore gets an
    apostrophe in front of the formula, as OWASP advises under "CSV Injection". JSON lines and Parquet hold the texts as
    they are.
    """
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows({name: _harmless(value) for name, value in row(document).items()} for document in documents)


def _harmless(value: object) -> object:
    if not isinstance(value, str):
        return value
    defused = _FORMULA.sub(r"\1'", value)
    return f"'{defused}" if defused.startswith(_SEPARATORS) else defused


def write_jsonl(documents: Iterable[ResultDocument], out: IO[str]) -> None:
    """Write each document as one line of JSON."""
    for document in documents:
        out.write(json.dumps(document, ensure_ascii=False) + "\n")


def write_parquet(documents: Iterable[ResultDocument], path: Path) -> None:
    """Write the documents as Parquet, compressed with zstd. Memory stays bounded for any number of them.

    Raises:
        ExportError: DuckDB is not installed.
    """
    duckdb = duckdb_module()
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as rows:
        for document in documents:
            rows.write(json.dumps(row(document)) + "\n")
        rows.flush()
        source = f"read_json({_quoted(rows.name)}, format='newline_delimited', columns={{{columns}}})"
        with duckdb.connect() as connection:
            connection.execute("SET enable_progress_bar = false")
            connection.execute(
                f"COPY (SELECT * FROM {source}) TO {_quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)"
            )


def duckdb_module() -> Any:  # noqa: ANN401 - a module
    """The module DuckDB, which is not installed by default.

    Raises:
        ExportError: DuckDB is not installed.
    """
    try:
        import duckdb
    except ImportError as error:
        raise ExportError(
            "Parquet needs DuckDB: run `uv run --no-dev --group parquet cellflag results ...`, or choose csv or jsonl"
        ) from error
    return duckdb


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def write_new(path: Path, write: Callable[[Path], None]) -> None:
    """Make a new file at ``path`` and let ``write`` fill it; if that fails, remove the file.

    Raises:
        ExportError: ``path`` exists already, or cannot be written.
    """
    try:
        path.open("x").close()
    except FileExistsError as error:
        raise ExportError(f"{path} is there already: name another file with --out") from error
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror}") from error
    try:
        write(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
