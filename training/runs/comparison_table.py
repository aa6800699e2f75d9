"""The table of a comparison: on a terminal, as CSV, as JSON and as Markdown."""

import csv
import json
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.table import Table

# Accuracy, recall of ALL and loss of the original work's networks, as published, on a test set of its own.
PUBLISHED = {
    "1C1D": (0.5164, 0.3272, 1.2477),
    "2C1D": (0.5744, 0.4676, 0.8072),
    "2x2x1C2D": (0.5259, 0.3688, 0.8977),
    "2x2x1x1C1D": (0.5248, 0.3981, 0.8501),
    "2C3D": (0.5438, 0.4738, 0.9085),
    "2x2C1D": (0.5767, 0.9592, 0.7373),
}
# Heading, key in a row, and format.
_COLUMNS = (
    ("network", "name", "s"),
    ("epochs", "epochs", "d"),
    ("cells", "training_cells", ",d"),
    ("accuracy", "accuracy", ".3f"),
    ("recall", "sensitivity", ".3f"),
    ("specificity", "specificity", ".3f"),
    ("weighted F1", "weighted_f1", ".3f"),
    ("AUC", "roc_auc", ".3f"),
    ("loss", "loss", ".3f"),
    ("parameters", "parameters", ",d"),
    ("ms", "milliseconds", ".2f"),
)
_PUBLISHED_COLUMNS = ("published accuracy", "recall", "loss")
NONE = "-"


def write_tables(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Write ``comparison.csv``, ``rows.json`` and ``comparison.md`` into a folder."""
    (folder / "rows.json").write_text(json.dumps(rows, indent=2) + "\n", "utf-8")
    (folder / "comparison.md").write_text(markdown(rows), "utf-8")
    with (folder / "comparison.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow([key for _, key, _ in _COLUMNS] + ["published_accuracy", "published_recall", "published_loss"])
        for row in rows:
            table.writerow([row[key] for _, key, _ in _COLUMNS] + list(PUBLISHED.get(row["name"], ("", "", ""))))


def markdown(rows: list[dict[str, Any]]) -> str:
    """The table as Markdown."""
    headings = _headings()
    lines = [headings, ["---"] + ["---:"] * (len(headings) - 1), *(_cells(row) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def on_terminal(rows: list[dict[str, Any]]) -> Table:
    """The table for a terminal of 80 columns: published figures stand below measured ones, and F1 is weighted."""
    columns = [column for column in _COLUMNS if column[1] not in ("epochs", "training_cells")]
    table = Table(box=SIMPLE, pad_edge=False, padding=0)
    for heading, key, _ in columns:
        table.add_column(
            heading.replace("weighted F1", "F1"), justify="left" if key == "name" else "right", no_wrap=True
        )
    for row in rows:
        table.add_row(*(_cell(row, key, form) for _, key, form in columns))
        if row["name"] in PUBLISHED:
            figures = dict(zip(("accuracy", "sensitivity", "loss"), _published(row), strict=True))
            table.add_row(*(figures.get(key, "") if key != "name" else " published" for _, key, _ in columns))
    return table


def _headings() -> list[str]:
    return [heading for heading, _, _ in _COLUMNS] + list(_PUBLISHED_COLUMNS)


def _cells(row: dict[str, Any]) -> list[str]:
    return [_cell(row, key, form) for _, key, form in _COLUMNS] + _published(row)


def _cell(row: dict[str, Any], key: str, form: str) -> str:
    return NONE if row[key] is None else format(row[key], form)


def _published(row: dict[str, Any]) -> list[str]:
    return [f"{value:.4f}" for value in PUBLISHED.get(row["name"], ())] or [NONE] * len(_PUBLISHED_COLUMNS)
