"""Exports result documents as one file: CSV or Parquet with a column for each field, or JSON lines."""

import csv
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import IO, Any

import click

from infra.errors import InfraError
from lambda_fn.errors import ModelError
from lambda_fn.features_seen import features_seen
from lambda_fn.manifest import Manifest
from lambda_fn.morphology_facts import QUANTITIES, quantities
from lambda_fn.results import ResultDocument

Row = dict[str, Any]

# Columns of a row, with the SQL type of each in Parquet. ``reasons`` are separated by spaces. ``morphology`` and
# ``explanation`` are JSON. Before the first stand its numbers, in columns of their own, and its features in words,
# separated by semicolons.
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
    **dict.fromkeys(QUANTITIES, "DOUBLE"),
    "features_seen": "VARCHAR",
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


def row(document: ResultDocument) -> Row:
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
        **quantities(morphology),
        "features_seen": "; ".join(seen(document)) if morphology is not None else None,
        "morphology": json.dumps(morphology) if morphology is not None else None,
        "explanation": json.dumps(explanation) if explanation is not None else None,
    }


def seen(document: ResultDocument) -> tuple[str, ...]:
    """The features of a cell in words. Those against the classes are only for results of the model in this package."""
    morphology = document["morphology"]
    if morphology is None:
        return ()
    manifest = shipped_manifest()
    same = manifest is not None and manifest.sha256 == document["model"]["sha256"]
    return features_seen(morphology, manifest.morphology if manifest and same else None)


@cache
def shipped_manifest() -> Manifest | None:
    """The manifest of the model in this package; None if it cannot be read."""
    try:
        return Manifest.read()
    except ModelError:
        return None


def write_csv(documents: Iterable[ResultDocument], out: IO[str]) -> None:
    """Write a header, and a row for each document.

    Anybody who may upload images chooses their keys. A text that a spreadsheet would run as a formula therefore gets an
    apostrophe in front of the formula, as OWASP advises under "CSV Injection". JSON lines and Parquet hold the texts as
    they are.
    """
    write_csv_rows(map(row, documents), COLUMNS, out)


def write_csv_rows(rows: Iterable[Row], columns: Iterable[str], out: IO[str]) -> None:
    """Write a header of ``columns``, and rows that have all of them; texts are made harmless as in ``write_csv``."""
    writer = csv.DictWriter(out, [*columns])
    writer.writeheader()
    writer.writerows({name: _harmless(value) for name, value in each.items()} for each in rows)


def _harmless(value: object) -> object:
    if not isinstance(value, str):
        return value
    defused = _FORMULA.sub(r"\1'", value)
    return f"'{defused}" if defused.startswith(_SEPARATORS) else defused


def write_jsonl(documents: Iterable[Mapping[str, Any]], out: IO[str]) -> None:
    """Write each document, or each row, as one line of JSON."""
    for document in documents:
        out.write(json.dumps(document, ensure_ascii=False) + "\n")


def write_parquet(documents: Iterable[ResultDocument], path: Path) -> None:
    """Write the documents as Parquet, compressed with zstd. Memory stays bounded for any number of them.

    Raises:
        ExportError: DuckDB is not installed.
    """
    write_parquet_rows(map(row, documents), COLUMNS, path)


def write_parquet_rows(rows: Iterable[Row], columns: Mapping[str, str], path: Path) -> None:
    """Write rows as Parquet. ``columns`` maps the name of each column to its SQL type.

    Raises:
        ExportError: DuckDB is not installed.
    """
    duckdb = duckdb_module()
    types = ", ".join(f"{name}: '{kind}'" for name, kind in columns.items())
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        for each in rows:
            file.write(json.dumps(each) + "\n")
        file.flush()
        source = f"read_json({_quoted(file.name)}, format='newline_delimited', columns={{{types}}})"
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
