"""Predictions to judge a model by: of a run on held-out cells, or of a served model on labelled cells."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lambda_fn.cells import to_model_input
from lambda_fn.decisions import Thresholds
from lambda_fn.manifest import MANIFEST_FILE, Manifest
from lambda_fn.model import Model
from training.data.labelled_cell import LABEL_OF_WORD, LabelledCell, require_both_classes
from training.data.reading import ReadCell, UnusableImageError, read_all
from training.data.sources import find_cells
from training.data.subjects import groups_of
from training.data.tables import read_rows
from training.errors import DatasetError
from training.evaluation.evidence import OutOfFold

OUT_OF_FOLD = "out-of-fold.csv"
FOLD = "fold"
COLUMNS = ("path", "label", "subject", "probability_all")


@dataclass(frozen=True)
class Predictions:
    """Predicted cells; entry i of every array belongs to ``names[i]``.

    Attributes:
        model: name of the model, for people.
        data_set: name of the cells' data set, for people.
        origin: how the cells relate to the training data, one sentence.
        names: the cells' names.
        is_all: boolean array of shape (n,): labels.
        subjects: string array of shape (n,).
        groups: integer array of shape (n,).
        probabilities: float array of shape (n,), 0 to 1: of ALL.
        thresholds: the model's own; None if there is no model beside the predictions.
    """

    model: str
    data_set: str
    origin: str
    names: tuple[str, ...]
    is_all: NDArray[np.bool_]
    subjects: NDArray[np.str_]
    groups: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    thresholds: Thresholds | None


def write_predictions(table: Path, predictions: OutOfFold) -> None:
    """Write the fold of every cell, from 1, and the probability that the model of the other folds gave it."""
    cells = predictions.dataset
    labels = np.where(cells.is_all, "all", "hem")
    columns = (cells.names, labels, cells.subjects, predictions.fold_of, predictions.probabilities.round(6))
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow((*COLUMNS[:-1], FOLD, COLUMNS[-1]))
        writer.writerows(zip(*columns, strict=True))


def read_predictions(table: Path, model_folder: Path | None) -> Predictions:
    """Read predictions that a run wrote.

    Args:
        table: ``out-of-fold.csv``.
        model_folder: holds the manifest of the run's model, if there is one.

    Raises:
        DatasetError: the file is no such table, or has one class only.
    """
    names, is_all, subjects, probabilities = [], [], [], []
    columns, rows = read_rows(table, COLUMNS)
    for line, row in rows:
        label = LABEL_OF_WORD.get(row["label"].lower())
        try:
            probability = float(row["probability_all"])
        except ValueError:
            probability = -1.0
        if label is None or not row["subject"] or not 0 <= probability <= 1:
            raise DatasetError(f"{table}, line {line}: needs a label, a subject, and a probability_all from 0 to 1.")
        names.append(row["path"])
        is_all.append(label == "ALL")
        subjects.append(row["subject"])
        probabilities.append(probability)
    require_both_classes({"ALL" if of_all else "normal" for of_all in is_all}, str(table))
    if not names:
        raise DatasetError(f"{table} holds no predictions.")
    manifest = _manifest(model_folder)
    folds = len({row[FOLD] for _, row in rows}) if FOLD in columns else 0
    return Predictions(
        model=manifest.version if manifest else table.resolve().parent.name,
        data_set=(manifest and manifest.data_set) or "cells of an unnamed data set",
        origin=f"Each cell was predicted by a model of {folds} that never saw its subject."
        if folds > 1
        else "The model never saw these subjects.",
        names=tuple(names),
        is_all=np.array(is_all),
        subjects=np.array(subjects),
        groups=np.unique(subjects, return_inverse=True)[1].astype(np.int64),
        probabilities=np.array(probabilities),
        thresholds=manifest.thresholds if manifest else None,
    )


def _manifest(folder: Path | None) -> Manifest | None:
    """The manifest in a folder, if there is one."""
    return Manifest.read(folder) if folder and (folder / MANIFEST_FILE).is_file() else None


def with_groups_of(predictions: Predictions, cells: Sequence[LabelledCell]) -> Predictions:
    """Take the groups of subjects from an index; without an index, each subject stays a group of its own."""
    by_name = {cell.name: cell for cell in cells if cell.sha256}
    if not set(predictions.names) <= by_name.keys():
        return predictions
    members = [by_name[name] for name in predictions.names]
    return replace(predictions, groups=groups_of(members, [cell.sha256 for cell in members]))


def predict_cells(
    folder: Path, cells: Path, on_read: Callable[[int, int], None] = lambda done, total: None
) -> Predictions:
    """Let a served model predict labelled cells.

    Args:
        folder: of the model.
        cells: a source that ``find_cells`` reads.
        on_read: called after each cell with the number of cells predicted and their total.

    Raises:
        DatasetError: the source lacks a class, or no image can be used.
        ModelError: the model cannot be served.
    """
    model = Model(folder)
    title, labelled = find_cells(cells)
    preprocessing = model.manifest.preprocessing

    def predict(read: ReadCell) -> tuple[float, str]:
        return model.predict(to_model_input(read.cell, preprocessing)).probability_all, read.sha256

    usable, outcomes = [], []
    for cell, outcome in read_all(labelled, predict, on_read):
        if not isinstance(outcome, UnusableImageError):
            usable.append(cell)
            outcomes.append(outcome)
    require_both_classes({cell.label for cell in usable}, str(cells))
    if not usable:
        raise DatasetError(f"{cells}: no image could be used.")
    return Predictions(
        model=model.manifest.version,
        data_set=title,
        origin=f"Predicted by the served model, which learned from {model.manifest.data_set}. If these cells are among "
        "those, the figures flatter it: judge a model by subjects that it never saw.",
        names=tuple(cell.name for cell in usable),
        is_all=np.array([cell.label == "ALL" for cell in usable]),
        subjects=np.array([cell.subject for cell in usable]),
        groups=groups_of(usable, [sha256 for _, sha256 in outcomes]),
        probabilities=np.array([probability for probability, _ in outcomes]),
        thresholds=model.manifest.thresholds,
    )
