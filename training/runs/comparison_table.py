"""The table of a comparison: on a terminal, as CSV, as JSON and as Markdown."""

import csv
import json
from pathlib import Path
from typing import Any, Literal

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
    ("AUC minus recipe's", "auc_minus_recipe", "+.3f"),
    ("loss", "loss", ".3f"),
    ("first weights", "first_weights", "s"),
    ("parameters", "parameters", ",d"),
    ("ms", "milliseconds", ".2f"),
)
_PUBLISHED_COLUMNS = ("published accuracy", "recall", "loss")
NONE = "-"


# Columns of the terminal's tables: the measured figures, and where the intervals stand.
_ON_TERMINAL = (
    "name",
    "accuracy",
    "sensitivity",
    "specificity",
    "weighted_f1",
    "roc_auc",
    "loss",
    "parameters",
    "milliseconds",
)
_INTERVALS_ON_TERMINAL = ("name", "accuracy", "weighted_f1", "roc_auc", "auc_minus_recipe")


def write_tables(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Write ``comparison.csv``, ``rows.json`` and ``comparison.md`` into a folder."""
    (folder / "rows.json").write_text(json.dumps(rows, indent=2) + "\n", "utf-8")
    (folder / "comparison.md").write_text(markdown(rows), "utf-8")
    fields = [field for _, key, _ in _COLUMNS for field in ((key, f"{key}_low", f"{key}_high"))]
    with (folder / "comparison.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow([*fields, "published_accuracy", "published_recall", "published_loss"])
        for row in rows:
            values = [
                value for _, key, _ in _COLUMNS for value in (_value(row, key), *(_interval(row, key) or ("", "")))
            ]
            table.writerow(values + list(PUBLISHED.get(row["name"], ("", "", ""))))


def markdown(rows: list[dict[str, Any]]) -> str:
    """The table as Markdown; an interval stands in brackets."""
    headings = _headings()
    lines = [headings, ["---"] + ["---:"] * (len(headings) - 1), *(_cells(row) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def on_terminal(rows: list[dict[str, Any]]) -> Table:
    """The table for a terminal of 80 columns: published figures stand below measured ones, and F1 is weighted."""
    table, columns = _table(_ON_TERMINAL)
    for row in rows:
        table.add_row(*(_cell(row, key, form) for _, key, form in columns))
        if row["name"] in PUBLISHED:
            figures = dict(zip(("accuracy", "sensitivity", "loss"), _published(row), strict=True))
            table.add_row(*(figures.get(key, "") if key != "name" else " published" for _, key, _ in columns))
    return table


def intervals_on_terminal(rows: list[dict[str, Any]]) -> Table:
    """The 95 % intervals for a terminal of 80 columns, and the difference of the AUC from the recipe's."""
    table, columns = _table(_INTERVALS_ON_TERMINAL)
    for row in rows:
        table.add_row(*(row["name"] if key == "name" else _ends(row, key) or NONE for _, key, _ in columns))
    return table


def _table(keys: tuple[str, ...]) -> tuple[Table, list[tuple[str, str, str]]]:
    """An empty table, and its columns."""
    columns = [column for column in _COLUMNS if column[1] in keys]
    table = Table(box=SIMPLE, pad_edge=False, padding=0, show_edge=False)
    for heading, key, _ in columns:
        justify: Literal["left", "right"] = "left" if key == "name" else "right"
        table.add_column(heading.replace("weighted F1", "F1"), justify=justify, no_wrap=True)
    return table, columns


def _headings() -> list[str]:
    return [heading for heading, _, _ in _COLUMNS] + list(_PUBLISHED_COLUMNS)


def _cells(row: dict[str, Any]) -> list[str]:
    return [_cell_with_interval(row, key, form) for _, key, form in _COLUMNS] + _published(row)


def _cell(row: dict[str, Any], key: str, form: str) -> str:
    value = _value(row, key)
    return NONE if value is None else format(value, form)


def _cell_with_interval(row: dict[str, Any], key: str, form: str) -> str:
    ends = _ends(row, key)
    return f"{_cell(row, key, form)} ({ends})" if ends else _cell(row, key, form)


def _value(row: dict[str, Any], key: str) -> Any:  # noqa: ANN401 - of any column
    if key == "auc_minus_recipe":
        return row[key]["value"] if key in row else None
    if key == "first_weights":
        return _first_weights(row.get("recipe"))
    return row[key]


def _first_weights(recipe: dict[str, Any] | None) -> str | None:
    if recipe is None:
        return None
    return "ImageNet" if recipe["pretrained_on"] else "random"


def _interval(row: dict[str, Any], key: str) -> tuple[float, float] | None:
    if key == "auc_minus_recipe":
        return (row[key]["low"], row[key]["high"]) if key in row else None
    low, high = row.get("intervals", {}).get(key, (None, None))
    return None if low is None else (low, high)


def _ends(row: dict[str, Any], key: str) -> str:
    interval = _interval(row, key)
    return "" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"


def _published(row: dict[str, Any]) -> list[str]:
    return [f"{value:.4f}" for value in PUBLISHED.get(row["name"], ())] or [NONE] * len(_PUBLISHED_COLUMNS)
