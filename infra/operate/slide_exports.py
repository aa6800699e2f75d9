"""Exports summaries of slides as one file: CSV, Parquet or JSON lines with the same fields."""

import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from infra.operate.exports import Row, write_csv_rows, write_jsonl, write_new, write_parquet_rows
from lambda_fn.known_subjects import SubjectSpread
from lambda_fn.manifest import Manifest
from lambda_fn.slides import SlideSummary
from lambda_fn.terminal import use_utf_8

# Columns of ``SlideSummary`` with the SQL type of each in Parquet, and the known subjects of each class. These are
# empty if other models than the manifest's scored cells of the slide.
COLUMNS = {
    "slide": "VARCHAR",
    **dict.fromkeys(("images", "decided_all", "decided_normal", "for_review", "rejected"), "BIGINT"),
    **dict.fromkeys(("scored", "scored_all"), "BIGINT"),
    **dict.fromkeys(("share_all", "share_all_low", "share_all_high", "mean_probability_all"), "DOUBLE"),
    "models": "BIGINT",
    "model": "VARCHAR",
    "unstated": "VARCHAR",
    **{
        f"known_{of_class}_{name}": "BIGINT" if name == "subjects" else "DOUBLE"
        for of_class in ("all", "normal")
        for name in (
            "subjects",
            *(f"{figure}_{at}" for figure in ("share", "mean") for at in ("lowest", "median", "highest")),
        )
    },
}


def row(summary: SlideSummary, manifest: Manifest) -> Row:
    """The fields of a summary by column; None for a field that it lacks."""
    known = manifest.known_subjects if summary.model == manifest.version else None
    return {
        **asdict(summary),
        "unstated": summary.unstated,
        **_known("known_all", known.all if known else None),
        **_known("known_normal", known.normal if known else None),
    }


def _known(prefix: str, spread: SubjectSpread | None) -> dict[str, Any]:
    fields: dict[str, Any] = {f"{prefix}_subjects": spread and spread.subjects}
    for name in ("share", "mean"):
        quantiles = spread and (spread.share_all if name == "share" else spread.mean_probability_all)
        fields |= {
            f"{prefix}_{name}_{at}": quantiles and getattr(quantiles, at) for at in ("lowest", "median", "highest")
        }
    return fields


def write_slides(kind: str, summaries: Iterable[SlideSummary], manifest: Manifest, path: Path | None) -> None:
    """Write summaries to a new file, or to standard output in UTF-8.

    Args:
        kind: ``csv``, ``jsonl`` for a line of JSON a slide, or ``parquet``, which needs a file.
        summaries: what is written.
        manifest: of the model whose known subjects are written beside them.
        path: the file; None for standard output.

    Raises:
        ExportError: the file is there already or cannot be written, or DuckDB is not installed.
    """
    rows = (row(summary, manifest) for summary in summaries)

    def write_text(out: IO[str]) -> None:
        write_csv_rows(rows, COLUMNS, out) if kind == "csv" else write_jsonl(rows, out)

    def write_file(new: Path) -> None:
        if kind == "parquet":
            write_parquet_rows(rows, COLUMNS, new)
            return
        with new.open("w", encoding="utf-8", errors="backslashreplace", newline="") as out:
            write_text(out)

    if path:
        write_new(path, write_file)
    else:
        use_utf_8()
        write_text(sys.stdout)
