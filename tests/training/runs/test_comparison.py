import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from training.__main__ import main
from training.fitting.network import fit
from training.runs.comparison_rows import measure
from training.runs.comparison_table import markdown, on_terminal

SMALL = ("--crop", "64", "--size", "32", "--folds", "2", "--epochs", "1")


def compare(cells: Path, out: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["train", "compare", str(cells), "--out", str(out), *SMALL, *arguments])


def test_an_interrupted_comparison_keeps_its_rows_and_goes_on(
    cells: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, trained = tmp_path_factory.mktemp("place") / "zoo", []

    def fit_unless_killed(*arguments: object) -> object:
        trained.append(arguments[3].name)  # type: ignore[attr-defined]
        if trained == ["1C1D", "2C1D"]:
            raise SystemExit(9)
        return fit(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("training.runs.comparison_rows.fit", fit_unless_killed)
    names = ("majority", "1C1D", "2C1D")
    assert compare(cells, out, *names).exit_code == 9
    result = compare(cells, out, *names)
    assert result.exit_code == 0, result.output
    assert trained == ["1C1D", "2C1D", "2C1D"]

    rows = {row["name"]: row for row in json.loads((out / "rows.json").read_text("utf-8"))}
    assert rows["majority"]["sensitivity"] == 1
    assert rows["majority"]["roc_auc"] == 0.5
    assert rows["1C1D"]["parity"] <= 1e-4
    assert rows["1C1D"]["milliseconds"] > 0
    assert rows["1C1D"]["parameters"] < rows["2C1D"]["parameters"]
    with (out / "comparison.csv").open(encoding="utf-8", newline="") as file:
        table = {row["name"]: row for row in csv.DictReader(file)}
    assert [table[name]["published_recall"] for name in names] == ["", "0.3272", "0.4676"]
    with (out / "split.csv").open(encoding="utf-8", newline="") as file:
        parts = {(row["subject"], row["split"]) for row in csv.DictReader(file)}
    assert len(parts) == 8, "a subject stands in two parts"


def test_what_cannot_be_had_is_left_out_and_the_rest_compared(
    cells: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("place") / "other.npz"
    np.savez(other, conv1__kernel=np.zeros(3))
    result = compare(cells, other.with_name("zoo"), "MobileNet", "majority", "--weights", str(other))
    assert result.exit_code == 0, result.output
    assert "other.npz does not hold the weights of MobileNet" in result.output.replace("\n", "")
    assert "majority" in result.output


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (("majority",), ("9C9D",), "9C9D is no architecture; there are 1C1D,"),
        (("majority",), ("majority", "--seed", "1"), "compares with another seed"),
        (("majority",), ("majority", "--size", "64"), "compares with another size"),
        (("majority",), ("majority", "--balance", "none"), "compares with another balance"),
        (("majority",), ("majority", "--most-cells", "3"), "was trained otherwise"),
    ],
)
def test_rows_that_are_not_comparable_are_refused(
    first: tuple[str, ...], second: tuple[str, ...], message: str, cells: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    out = tmp_path_factory.mktemp("place")
    assert compare(cells, out, *first).exit_code == 0
    result = compare(cells, out, *second)
    assert result.exit_code == 1
    assert message in result.output
    assert "Traceback" not in result.output


def test_the_figures_are_those_of_their_definitions() -> None:
    figures = measure(np.array([0.9, 0.4, 0.6, 0.2]), np.array([True, True, False, False]))
    assert {name: figures[name] for name in ("accuracy", "sensitivity", "specificity", "roc_auc")} == {
        "accuracy": 0.5,
        "sensitivity": 0.5,
        "specificity": 0.5,
        "roc_auc": 0.75,
    }
    assert figures["loss"] == pytest.approx(-np.log([0.9, 0.4, 0.4, 0.8]).mean())


def test_the_table_shows_the_published_figures_beside_the_measured() -> None:
    figures = dict.fromkeys(("accuracy", "sensitivity", "specificity", "weighted_f1", "roc_auc", "loss"), 0.75)
    row = {"name": "2x2C1D", "epochs": 3, "training_cells": 2000, "parameters": 12345, "milliseconds": None, **figures}
    heading, rule, line = markdown([row]).splitlines()
    assert heading.count("|") == rule.count("|") == line.count("|")
    assert line.startswith("| 2x2C1D | 3 | 2,000 | 0.750 |")
    assert line.endswith("| 12,345 | - | 0.5767 | 0.9592 | 0.7373 |")


def test_a_terminal_of_80_columns_shows_every_figure_whole() -> None:
    figures = dict.fromkeys(("accuracy", "sensitivity", "specificity", "weighted_f1", "roc_auc", "loss"), 0.75)
    row = {"name": "2x2x1x1C1D", "epochs": 3, "training_cells": 2000, "parameters": 23456789, "milliseconds": 12.34}
    with (console := Console(width=80)).capture() as captured:
        console.print(on_terminal([row | figures]))
    assert "…" not in captured.get()
    assert all(text in captured.get() for text in ("2x2x1x1C1D", "23,456,789", "12.34", "0.5248", "0.8501"))
