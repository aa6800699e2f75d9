"""What several commands need: TensorFlow, errors in one line, and text that is safe on a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console

from lambda_fn.terminal import printable


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

    A ``TrainingError`` is such a line already, and passes. A function that writes through ``files.appearing`` names its
    file in errors that come without one.

    Raises:
        click.ClickException: the line.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise _without_libraries(error) from error
    except OSError as error:
        reason = str(error.strerror or error).strip().rstrip(".") or type(error).__name__
        place = f"{printable(str(error.filename))}: " if error.filename is not None else ""
        raise click.ClickException(f"{place}{reason}.") from error
