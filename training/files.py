"""Writes files so that they appear whole or not at all."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def appearing(path: Path, new: bool = False) -> Iterator[Path]:
    """Let a file appear whole: what is written beside it takes its place at the end, or is removed after an error.

    Args:
        path: of the file; its folder is made.
        new: refuse to replace a file.

    Yields:
        The path to write to.

    Raises:
        FileExistsError: there is such a file, and it has to be new.
        OSError: the file cannot be written; names it, as the error of a full disk does not by itself.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if new and path.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    arriving = path.with_name(f".{path.name}")
    try:
        yield arriving
        arriving.replace(path)
    except OSError as error:
        if error.filename in (None, arriving, str(arriving)):
            error.filename = str(path)
        raise
    finally:
        arriving.unlink(missing_ok=True)
