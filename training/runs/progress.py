"""What a training run shows on a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from training.data.dataset import Dataset
from training.evaluation.metrics import Metrics

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
        """Progress for a log file, where no bar can move: a line for each tenth that is done."""
        said = 0

        def advance(share: float, loss: float | None = None) -> None:
            nonlocal said
            if (tenths := int(share * 10 + 1e-9)) > said:
                said = tenths
                note = "" if loss is None else f", loss {loss:.3f}"
                self._console.print(f"{title}: {tenths * 10} %{note}", soft_wrap=True, highlight=False)

        self._console.print(title, highlight=False)
        return advance

    def say_what_was_read(self, dataset: Dataset) -> None:
        """Say how many cells of how many subjects there are, and which files were left out."""
        for is_all, label in ((True, "ALL"), (False, "normal")):
            chosen = dataset.is_all == is_all
            subjects = len(np.unique(dataset.subjects[chosen]))
            self._console.print(f"{label}: {chosen.sum():,} cells of {subjects} subjects")
        for line in dataset.left_out[:MOST_NAMED]:
            self._console.print(f"left out: {line}", markup=False)
        if len(dataset.left_out) > MOST_NAMED:
            self._console.print(f"left out: {len(dataset.left_out) - MOST_NAMED} more")

    def say_how_good(self, metrics: Metrics, title: str = "out of fold") -> None:
        """Show the out-of-fold figures with their intervals."""
        table = Table(title, "figure", "value", "95 % interval")
        for part, figures in metrics.items():
            for name, estimate in figures.items():
                interval = f"{estimate.low:.3f} to {estimate.high:.3f}"
                table.add_row(part.replace("_", " "), name.replace("_", " "), f"{estimate.value:.3f}", interval)
        self._console.print(table)
