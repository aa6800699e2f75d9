"""Predictions to judge a model by: of a run on held-out cells, or of a served model on labelled cells."""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lambda_fn.decisions import Thresholds
from lambda_fn.manifest import MANIFEST_FILE, Manifest
from lambda_fn.model import Model
from lambda_fn.preprocessing import Preprocessing
from training.data.dataset import MEASURED_DIGEST, digest_of
from training.data.labelled_cell import LABEL_OF_WORD, LabelledCell, require_both_classes
from training.data.reading import ReadCell, UnusableImageError, read_all
from training.data.sources import JOINED, find_cells
from training.data.subjects import groups_of, linked_groups
from training.data.tables import read_rows
from training.errors import DatasetError
from training.evaluation.evidence import OutOfFold
from training.files import appearing

OUT_OF_FOLD = "out-of-fold.csv"
FOLD, CONTENT, GROUP = "fold", "sha256", "group"
_ADVICE = "If these cells are among those, the figures flatter it: judge a model by subjects that it never saw."
_RUN_INSTEAD = "Evaluate the run instead, whose predictions are out of fold."
SUBJECT = "subject"
COLUMNS = ("path", "label", SUBJECT, "probability_all")


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
        contents: sha256 of each cell's decoded pixels; None if the table of predictions does not state them.
        warning: one line if the model learned, or may have learned, from these cells; else empty.
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
    contents: tuple[str, ...] | None = None
    warning: str = ""


def write_predictions(table: Path, predictions: OutOfFold) -> None:
    """Write the fold of every cell, from 1, the probability by the model of the other folds, digest and group."""
    cells = predictions.dataset
    labels = np.where(cells.is_all, "all", "hem")
    probabilities = predictions.probabilities.round(6)
    columns = (cells.names, labels, cells.subjects, predictions.fold_of, probabilities, cells.contents, cells.groups)
    with appearing(table) as arriving, arriving.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow((*COLUMNS[:-1], FOLD, COLUMNS[-1], CONTENT, GROUP))
        writer.writerows(zip(*columns, strict=True))


def read_predictions(table: Path, model_folder: Path | None) -> Predictions:
    """Read predictions that a run wrote.

    Args:
        table: ``out-of-fold.csv``.
        model_folder: holds the manifest of the run's model, if there is one.

    Raises:
        DatasetError: the file is no such table, names no subjects, has one class only, or is of other cells than the
            run's model.
    """
    names, is_all, subjects, probabilities = [], [], [], []
    columns, rows = read_rows(table, tuple(name for name in COLUMNS if name != SUBJECT))
    if SUBJECT not in columns:
        raise DatasetError(
            f"{table} lacks the column {SUBJECT}. Without it cells of one patient count as many patients, and no error "
            "rate can be promised for another patient: add who each cell is of."
        )
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
    contents = tuple(row[CONTENT] for _, row in rows) if CONTENT in columns else None
    if contents and model_folder and manifest:
        _require_same_cells(table, digest_of_predictions(is_all, subjects, contents), model_folder)
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
        groups=linked_groups(np.array(subjects), [row.get(GROUP) or row[SUBJECT] for _, row in rows]),
        probabilities=np.array(probabilities),
        thresholds=manifest.thresholds if manifest else None,
        contents=contents,
    )


def _manifest(folder: Path | None) -> Manifest | None:
    """The manifest in a folder, if there is one."""
    return Manifest.read(folder) if folder and (folder / MANIFEST_FILE).is_file() else None


def digest_of_predictions(is_all: Sequence[bool], subjects: Sequence[str], contents: Sequence[str]) -> str:
    """Digest of predicted cells, as ``Dataset.digest`` is of a data set's."""
    labels = ("ALL" if of_all else "normal" for of_all in is_all)
    return digest_of(zip(labels, subjects, contents, strict=True))


def _measured_on(folder: Path) -> str:
    """Digest of the cells that the figures of the model in a folder rest on; empty if its manifest states none.

    The model learned from these cells, and perhaps from reviewed ones besides.
    """
    training = json.loads((folder / MANIFEST_FILE).read_text("utf-8")).get("training", {})
    return str(training.get(MEASURED_DIGEST, training.get("data_digest", "")))


def _require_same_cells(table: Path, digest: str, model_folder: Path) -> None:
    if _measured_on(model_folder) not in ("", digest):
        raise DatasetError(f"{table} holds predictions of other cells than {model_folder} was trained on: run it anew.")


def with_groups_of(predictions: Predictions, cells: Sequence[LabelledCell]) -> Predictions:
    """Take the groups of subjects from an index; without an index, they stay as the table states them.

    Raises:
        DatasetError: an image of the index is another one than the predicted image of its name.
    """
    by_name = {cell.name: cell for cell in cells if cell.sha256}
    for name, content in zip(predictions.names, predictions.contents or (), strict=False):
        if name in by_name and by_name[name].sha256 != content:
            raise DatasetError(f"{name} is another image in the index than the one that was predicted: index it again.")
    if not set(predictions.names) <= by_name.keys():
        return predictions
    members = [by_name[name] for name in predictions.names]
    return replace(predictions, groups=groups_of(members, [cell.sha256 for cell in members]))


def predict_cells(
    folder: Path, cells: Path, on_read: Callable[[int, int], None] = lambda done, total: None
) -> Predictions:
    """Let a served model predict labelled cells, but those for fitting alone.

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
    labelled = [cell for cell in labelled if cell.use != "fitting"]
    require_both_classes({cell.label for cell in labelled}, f"{cells}, without cells for fitting alone,")
    preprocessing = model.manifest.preprocessing

    def predict(read: ReadCell) -> tuple[float, str]:
        return model.predict(read.to_input(preprocessing)).probability_all, read.sha256

    usable, outcomes = [], []
    for cell, outcome in read_all(labelled, predict, on_read):
        if not isinstance(outcome, UnusableImageError):
            usable.append(cell)
            outcomes.append(outcome)
    require_both_classes({cell.label for cell in usable}, str(cells))
    if not usable:
        raise DatasetError(f"{cells}: no image could be used.")
    is_all = [cell.label == "ALL" for cell in usable]
    contents = tuple(sha256 for _, sha256 in outcomes)
    digest = digest_of_predictions(is_all, [cell.subject for cell in usable], contents)
    warning = _warning(model.manifest, same_cells=digest == _measured_on(folder), title=title)
    return Predictions(
        model=model.manifest.version,
        data_set=title,
        origin=f"Predicted by the served model, which learned from {model.manifest.data_set}. {warning or _ADVICE}",
        names=tuple(cell.name for cell in usable),
        is_all=np.array(is_all),
        subjects=np.array([cell.subject for cell in usable]),
        groups=groups_of(usable, contents),
        probabilities=np.array([probability for probability, _ in outcomes]),
        thresholds=model.manifest.thresholds,
        contents=contents,
        warning=warning,
    )


def read_input(names: Sequence[str], cells: Sequence[LabelledCell], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Model input of some labelled cells that were predicted before, in the order of their names.

    Args:
        names: of n cells.
        cells: among them, those of the names.
        preprocessing: how pixels become input.

    Returns:
        uint8 array of shape (n, size, size, 3).

    Raises:
        DatasetError: an image cannot be read any more.
    """
    by_name = {cell.name: cell for cell in cells}
    pixels = []
    for cell, outcome in read_all([by_name[name] for name in names], lambda read: read.to_input(preprocessing)):
        if isinstance(outcome, UnusableImageError):
            raise DatasetError(f"{cell.name} was predicted, but cannot be read any more: {outcome}")
        pixels.append(outcome)
    return np.stack(pixels)


def _warning(manifest: Manifest, same_cells: bool, title: str) -> str:
    """One line if the model learned from the cells of a title, or perhaps did; else empty."""
    if same_cells:
        return f"The model learned from these very cells, so the figures flatter it. {_RUN_INSTEAD}"
    common = set(title.split(JOINED)) & set(manifest.data_set.split(JOINED))
    if common:
        names = JOINED.join(sorted(common))
        return f"The model learned from {names}, too. Cells that it knows flatter the figures. {_RUN_INSTEAD}"
    return ""
