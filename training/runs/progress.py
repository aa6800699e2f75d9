"""Shows a run on a terminal or in a log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from lambda_fn.preprocessing import Preprocessing
from training.data.dataset import Dataset, load
from training.evaluation.evidence import Evidence
from training.evaluation.metrics import Metrics

# Files that were left out, by name; the others are counted.
MOST_NAMED = 5


class RunProgress:
    """Shows the steps of a run, one bar each, and its figures."""

    def __init__(self, console: Console) -> None:
        """Show on ``console``."""
        self._console = console

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[..., None]]:
        """Show a bar while a step runs.

        Yields:
            A function that takes the share of the step that is done, 0 to 1, and optionally the current loss.
        """
        columns = (
            TextColumn("{task.description:<18}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        if not self._console.is_terminal:
            yield self._in_lines(title)
            return
        with Progress(*columns, console=self._console) as bars:
            task = bars.add_task(title, total=None, note="")

            def advance(share: float, loss: float | None = None) -> None:
                bars.update(task, total=1.0, completed=share, note="" if loss is None else f"loss {loss:.3f}")

            yield advance
            bars.update(task, total=1.0, completed=1.0)

    def _in_lines(self, title: str) -> Callable[..., None]:
        """Progress for a log file: a line for each tenth that is done."""
        last_tenth = 0

        def advance(share: float, loss: float | None = None) -> None:
            nonlocal last_tenth
            if (tenths := int(share * 10 + 1e-9)) > last_tenth:
                last_tenth = tenths
                note = "" if loss is None else f", loss {loss:.3f}"
                self._console.print(f"{title}: {tenths * 10} %{note}", soft_wrap=True, highlight=False)

        self._console.print(title, highlight=False)
        return advance

    def load(self, source: Path, preprocessing: Preprocessing) -> Dataset:
        """Load the cells of a source, and show how many of how many subjects there are and which files were left out.

        Raises:
            DatasetError: the source cannot be trained from.
        """
        with self.step("Reading cells") as advance:
            dataset = load(source, preprocessing, lambda done, total: advance(done / total))
        for is_all, label in ((True, "ALL"), (False, "normal")):
            of_class = dataset.is_all == is_all
            subjects = len(np.unique(dataset.subjects[of_class]))
            self._console.print(f"{label}: {of_class.sum():,} cells of {subjects} subjects")
        if dataset.preprocessing:
            scale = dataset.preprocessing.um_per_px
            stated = f"{scale:.4g} micrometres a pixel" if scale else "unknown scale, so nothing is resampled"
            self._console.print(f"background: {dataset.preprocessing.background}, {stated}", highlight=False)
        for line in dataset.left_out[:MOST_NAMED]:
            self._console.print(f"left out: {line}", markup=False)
        if len(dataset.left_out) > MOST_NAMED:
            self._console.print(f"left out: {len(dataset.left_out) - MOST_NAMED} more")
        return dataset

    def show(self, evidence: Evidence) -> None:
        """Show the out-of-fold figures with their intervals."""
        folds = f"{evidence.predictions.folds} folds"
        self._console.print(_table(folds, evidence.metrics))
        if evidence.metrics_by_subject_alone:
            self._console.print(_table("by subject alone", evidence.metrics_by_subject_alone))


def _table(title: str, metrics: Metrics) -> Table:
    table = Table(title, "figure", "value", "95 % interval")
    for part, figures in metrics.items():
        for name, estimate in figures.items():
            interval = f"{estimate.low:.3f} to {estimate.high:.3f}"
            table.add_row(part.replace("_", " "), name.replace("_", " "), f"{estimate.value:.3f}", interval)
    return table
