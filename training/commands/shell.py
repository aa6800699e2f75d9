"""What several commands need: a folder for a run, TensorFlow, and errors in one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console

RUNS = Path("runs")


def new_run_folder(out: Path | None, name: str) -> Path:
    """The folder that a run writes to: ``out``, or one below ``runs/`` with the name and the time.

    Raises:
        click.UsageError: it holds something already.
    """
    out = out or RUNS / f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    if out.exists() and any(out.iterdir()):
        raise click.UsageError(f"{out} is not empty: name a new folder for the run.")
    return out


def printable(text: str) -> str:
    """Text with every character escaped that would act on a terminal or cannot be encoded, line feeds too."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def load_tensorflow(console: Console) -> None:
    """Import TensorFlow, and say so, since it takes seconds.

    Raises:
        click.ClickException: it is not installed.
    """
    from training.networks import tensorflow

    with console.status("Loading TensorFlow"):
        try:
            tensorflow.import_quietly()
        except ImportError as error:
            raise _without_libraries(error) from error


def _without_libraries(error: ImportError) -> click.ClickException:
    return click.ClickException(f"Training needs {error.name}: run it without --no-dev.")


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Say in one line that a library is not installed, or which file cannot be read or written.

    A ``TrainingError`` is such a line already, and passes.

    Raises:
        click.ClickException: the line.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise _without_libraries(error) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}.") from error
