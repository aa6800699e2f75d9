import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score

from lambda_fn.preprocessing import Preprocessing
from training.__main__ import main
from training.evaluation.predictions import read_predictions
from training.fitting.network import fit
from training.runs.comparison_rows import intervals, measure
from training.runs.comparison_table import intervals_on_terminal, markdown, on_terminal, write_tables

SMALL = ("--crop", "64", "--size", "32", "--folds", "2", "--epochs", "1")


def compare(cells: Path, out: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["train", "compare", str(cells), "--out", str(out), *SMALL, *arguments])


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.runs.comparison_rows.REPLICATES", 40)


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


def test_the_recipe_is_a_row_that_learns_from_the_same_cells_and_the_others_are_compared_with_it(
    cells: Path, backbone_weights: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.runs.comparison.PREPROCESSING", Preprocessing(64, 64))
    out = tmp_path_factory.mktemp("place") / "zoo"
    result = compare(cells, out, "recipe", "majority", "1C1D", "--weights", str(backbone_weights))
    assert result.exit_code == 0, result.output
    rows = {row["name"]: row for row in json.loads((out / "rows.json").read_text("utf-8"))}
    assert rows["recipe"]["epochs"] is None
    assert rows["recipe"]["parity"] <= 1e-4
    assert rows["recipe"]["milliseconds"] > 0
    assert rows["recipe"]["roc_auc"] > 0.9, "blasts are redder"
    assert "auc_minus_recipe" not in rows["recipe"]
    predictions = {
        name: read_predictions(out / name / "predictions.csv", None) for name in ("recipe", "majority", "1C1D")
    }
    assert len({each.names for each in predictions.values()}) == 1
    for name in ("majority", "1C1D"):
        areas = [roc_auc_score(each.is_all, each.probabilities) for each in (predictions[name], predictions["recipe"])]
        difference = rows[name]["auc_minus_recipe"]
        assert difference["value"] == pytest.approx(areas[0] - areas[1])
        assert difference["low"] <= difference["value"] <= difference["high"]


def test_the_recipe_is_left_out_if_weights_are_to_be_random(
    cells: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    result = compare(cells, tmp_path_factory.mktemp("place"), "recipe", "majority", "--weights", "none")
    assert result.exit_code == 0, result.output
    assert "left out: The recipe does not start from random weights" in result.output
    assert "majority" in result.output


def test_the_parts_of_a_split_file_train_stop_and_measure(
    cells: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("place")
    for command in (
        ("index", str(cells), "--out", str(place / "index.csv")),
        ("split", str(place / "index.csv"), "--out", str(place / "split.csv"), "--test", "0.5", "--validation", "0.25"),
    ):
        assert CliRunner().invoke(main, ["train", *command]).exit_code == 0
    result = compare(place / "index.csv", place / "zoo", "majority", "--split", str(place / "split.csv"))
    assert result.exit_code == 0, result.output
    parts = [
        {(row["subject"], row["split"]) for row in csv.DictReader(path.open(encoding="utf-8", newline=""))}
        for path in (place / "split.csv", place / "zoo/split.csv")
    ]
    assert parts[0] == parts[1]
    predicted = read_predictions(place / "zoo/majority/predictions.csv", None).subjects
    assert set(predicted) == {subject for subject, part in parts[0] if part == "test"}


def test_an_interval_draws_subjects_and_not_cells() -> None:
    is_all, groups = np.repeat([True, False], 100), np.repeat(np.arange(8), 25)
    right = np.repeat([1, 1, 1, 0, 1, 1, 1, 0], 25) == 1
    probabilities = np.where(right == is_all, 0.9, 0.1)
    low, high = intervals(probabilities, is_all, groups, seed=0)["accuracy"]
    assert low < 0.6, "two subjects of eight are all wrong: cells drawn one by one would give 0.69 to 0.81"
    assert high > 0.85
    assert intervals(probabilities, is_all, np.arange(200), seed=0)["accuracy"][0] > 0.65


FIGURES: dict[str, Any] = dict.fromkeys(
    ("accuracy", "sensitivity", "specificity", "weighted_f1", "roc_auc", "loss"), 0.75
)
RECIPE_ROW: dict[str, Any] = {
    "name": "recipe",
    "epochs": None,
    "training_cells": 2000,
    "parameters": 4512345,
    "milliseconds": 12.5,
}
LITE_ROW: dict[str, Any] = RECIPE_ROW | {
    "name": "EfficientNetLite0",
    "epochs": 9,
    "recipe": {"pretrained_on": "ImageNet (a package)"},
    "intervals": dict.fromkeys(FIGURES, (0.5, 0.875)),
    "auc_minus_recipe": {"value": -0.02, "low": -0.05, "high": 0.01},
}


def test_intervals_stand_in_brackets_and_first_weights_are_named() -> None:
    rows = [RECIPE_ROW | FIGURES, LITE_ROW | FIGURES, LITE_ROW | FIGURES | {"recipe": {"pretrained_on": ""}}]
    heading, _, recipe, lite, scratch = (line.strip("| ").split(" | ") for line in markdown(rows).splitlines())
    cells = [dict(zip(heading[:-3], line, strict=False)) for line in (recipe, lite, scratch)]
    assert cells[0]["AUC"] == "0.750"
    assert cells[0]["epochs"] == "-"
    assert cells[1]["AUC"] == "0.750 (0.50 to 0.88)"
    assert [row["AUC minus recipe's"] for row in cells[:2]] == ["-", "-0.020 (-0.05 to 0.01)"]
    assert [row["first weights"] for row in cells] == ["-", "ImageNet", "random"]


def test_the_csv_holds_both_ends_of_every_interval(tmp_path: Path) -> None:
    write_tables(tmp_path, [LITE_ROW | FIGURES])
    with (tmp_path / "comparison.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["roc_auc"], row["roc_auc_low"], row["roc_auc_high"]) == ("0.75", "0.5", "0.875")
    assert (row["auc_minus_recipe"], row["auc_minus_recipe_low"]) == ("-0.02", "-0.05")
    assert row["epochs_low"] == ""


@pytest.mark.parametrize("table", [on_terminal, intervals_on_terminal])
def test_a_terminal_of_80_columns_shows_the_longest_name_whole(table: Callable[..., Table]) -> None:
    row = LITE_ROW | FIGURES | {"parameters": 23456789}
    with (console := Console(width=80)).capture() as captured:
        console.print(table([row]))
    assert "…" not in captured.get()
    assert "EfficientNetLite0" in captured.get()
