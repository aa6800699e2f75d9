"""Saves a training after each epoch, so that a kill at any moment loses the unfinished epoch alone."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING

from training.errors import TrainingError
from training.files import appearing

if TYPE_CHECKING:
    import keras

LOG = "log.csv"
COLUMNS = ("epoch", "phase", "AUC", "loss", "val_AUC", "val_loss")
BEST = "best.keras"


class CheckpointError(TrainingError):
    """A saved training that cannot be read."""


class Checkpoints:
    """The log, the best network and the latest one, with its optimizer, of one training.

    After epoch n, counted from 1, files are written in this order: the log with line n, ``best-<n>.keras`` if it is the
    best so far, ``last-<n>.keras``. Each file appears whole. An epoch counts as done if all its files are there. A copy
    of the folder that was made file by file, as by a job's checkpoint store, is therefore as good as the folder itself.
    """

    def __init__(self, folder: Path) -> None:
        """Continue with the epochs in ``folder``, which may be new.

        Raises:
            CheckpointError: its log is damaged.
        """
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        epochs = [int(path.stem.removeprefix("last-")) for path in folder.glob("last-*.keras")]
        try:
            rows = _read(folder / LOG) if epochs else []
            _best_epoch(rows)
        except (ValueError, TypeError, KeyError, csv.Error) as error:
            raise damaged(folder / LOG) from error
        whole = [n for n in epochs if n <= len(rows) and self._best(rows[:n]).exists()]
        self._rows = rows[: max(whole, default=0)]

    @property
    def epochs(self) -> int:
        """Number of epochs done."""
        return len(self._rows)

    @property
    def best(self) -> Path:
        """The network with the least loss on the stopping subjects."""
        return self._best(self._rows)

    @property
    def last(self) -> Path:
        """The network after the last epoch, with its optimizer."""
        return self.folder / f"last-{self.epochs:04}.keras"

    def load_best(self) -> keras.Model:
        """Read the network with the least loss, without its optimizer.

        Raises:
            CheckpointError: its file is damaged.
        """
        return _load(self.best, compiled=False)

    def load_last(self) -> keras.Model:
        """Read the network after the last epoch, with its optimizer.

        Raises:
            CheckpointError: its file is damaged.
        """
        return _load(self.last, compiled=True)

    def epochs_of(self, phase: str) -> int:
        """Number of epochs done in a phase."""
        return sum(row["phase"] == phase for row in self._rows)

    def epochs_since_best(self, phase: str) -> int:
        """Number of epochs of a phase since the best epoch of all phases."""
        return min(self.epochs_of(phase), self.epochs - _best_epoch(self._rows))

    def keep(self, model: keras.Model, phase: str, figures: dict[str, float]) -> None:
        """Save the epoch that ended.

        Args:
            model: the network after the epoch.
            phase: name of the epoch's phase.
            figures: by the names in ``COLUMNS``.
        """
        before = self.last
        row = {"epoch": str(self.epochs + 1), "phase": phase}
        self._rows.append(row | {name: repr(float(figures[name])) for name in COLUMNS[2:]})
        _write(self.folder / LOG, self._rows)
        for path in (self.best, self.last) if _best_epoch(self._rows) == self.epochs else (self.last,):
            _save(model, path)
        for path in self.folder.glob("best-*.keras"):
            if path != self.best:
                path.unlink()
        before.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Keep the best network only, as ``BEST``, once the training is over and its results are saved elsewhere."""
        if self.epochs:
            self.best.replace(self.folder / BEST)
        for path in (*self.folder.glob("last-*.keras"), *self.folder.glob("best-*.keras")):
            path.unlink()

    def _best(self, rows: list[dict[str, str]]) -> Path:
        return self.folder / f"best-{_best_epoch(rows):04}.keras"


def _best_epoch(rows: list[dict[str, str]]) -> int:
    losses = [float(row["val_loss"]) for row in rows]
    # A loss that is not a number is worse than any.
    return min(range(1, len(rows) + 1), key=lambda n: (math.isnan(losses[n - 1]), losses[n - 1]), default=0)


def damaged(file: Path) -> CheckpointError:
    """The error of a file of a training that cannot be read; the other trainings of the run are not lost."""
    return CheckpointError(f"{file} is damaged: remove the folder {file.parent} and --resume, to train it anew.")


def _load(path: Path, compiled: bool) -> keras.Model:
    import keras

    if not path.exists():
        raise damaged(path)
    # Keras raises errors of many kinds for a file that is no archive, or is cut off, or holds other weights.
    try:
        return keras.models.load_model(path, compile=compiled)
    except Exception as error:
        raise damaged(path) from error


def _save(model: keras.Model, path: Path) -> None:
    with appearing(path) as arriving:
        model.save(arriving)


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError("not the log of a training")
        return list(reader)


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with appearing(path) as arriving, arriving.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)
