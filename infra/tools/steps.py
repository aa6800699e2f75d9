"""Shows the steps of a longer command on the terminal: each with a spinner, its time, and a tick at its end."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text


class Step:
    """One running step. Its methods may be called from any thread."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        """Show the step as ``task`` of ``progress``."""
        self._progress = progress
        self._task = task

    def note(self, text: str) -> None:
        """Show ``text`` beside the step."""
        self._progress.update(self._task, note=text)

    def done(self, items: int, of: int) -> None:
        """Show how many items are done, ``of`` how many."""
        self._progress.update(self._task, description=f"{items} of {of}")


class Steps:
    """A list of steps that grows during the work. Several steps may run at the same time."""

    def __init__(self, console: Console) -> None:
        """Show the steps on ``console``."""
        self._progress = Progress(
            _Mark(),
            TextColumn("[bold]{task.fields[name]}", table_column=Column(min_width=9, no_wrap=True)),
            _Seconds(table_column=Column(min_width=7, no_wrap=True)),
            TextColumn("{task.description}", table_column=Column(min_width=15, no_wrap=True)),
            TextColumn("[dim]{task.fields[note]}", table_column=Column(ratio=1, no_wrap=True)),
            console=console,
            expand=True,
        )

    def __enter__(self) -> Self:
        """Begin to show steps."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the steps on the terminal as they are now."""
        self._progress.stop()

    @contextmanager
    def step(self, name: str, description: str) -> Iterator[Step]:
        """Show a step during the ``with`` block.

        Args:
            name: one word, such as ``deploy``.
            description: what is worked on, such as ``cdk deploy``.
        """
        task = self._progress.add_task(description, total=1, name=name, note="", failed=False)
        try:
            yield Step(self._progress, task)
        except BaseException:
            self._progress.update(task, failed=True)
            self._progress.stop_task(task)
            raise
        self._progress.update(task, completed=1)


class _Mark(SpinnerColumn):
    def __init__(self) -> None:
        super().__init__(finished_text="[green]✔")

    def render(self, task: Task) -> RenderableType:
        return Text("✘", "red") if task.fields["failed"] else super().render(task)


class _Seconds(ProgressColumn):
    def render(self, task: Task) -> Text:
        seconds = task.finished_time if task.finished else task.elapsed
        return Text(f"{seconds or 0:5.1f} s", "cyan")
