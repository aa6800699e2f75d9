"""The folder of a run: taken before any work, and kept from other processes until the run is over."""

import fcntl
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO

from training.errors import TrainingError

RUNS = Path("runs")
LOCK = ".lock"


class RunFolderError(TrainingError):
    """A folder that a run cannot have."""


@contextmanager
def take_new(out: Path | None, name: str) -> Iterator[Path]:
    """Take a folder for a new run; if the run leaves nothing in it, a new folder is removed again.

    Args:
        out: the folder, new or empty; None for one below ``runs/`` with the name, the time, and a number if several
            runs begin in one second.
        name: of the run.

    Yields:
        The folder.

    Raises:
        RunFolderError: it holds something, or another process works in it.
    """
    made = out is None
    if out is None:
        out = _make_default(name)
    elif out.is_dir():
        _require_empty(out)
    with hold(out, made):
        _require_empty(out)
        yield out


@contextmanager
def hold(folder: Path, made: bool = False) -> Iterator[None]:
    """Keep other processes out of a folder; the operating system lets go of it if this process is killed.

    Args:
        folder: is made if it is not there.
        made: whether it was made for this run; an empty folder that was made is removed at the end.

    Raises:
        RunFolderError: another process works in it.
    """
    with suppress(FileExistsError):
        folder.mkdir(parents=True)
        made = True
    lock = _lock(folder)
    try:
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)
        lock.close()
        if made:
            with suppress(OSError):  # it is not empty
                folder.rmdir()


def _make_default(name: str) -> Path:
    first = RUNS / f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    for number in itertools.count(1):
        folder = first if number == 1 else first.with_name(f"{first.name}-{number}")
        with suppress(FileExistsError):
            folder.mkdir(parents=True)
            return folder
    raise AssertionError


def _require_empty(folder: Path) -> None:
    if any(path.name != LOCK for path in folder.iterdir()):
        raise RunFolderError(f"{folder} is not empty: name a new folder for the run.")


def _lock(folder: Path) -> IO[str]:
    """Lock a folder's lock file, and keep it open.

    Raises:
        RunFolderError: another process has locked it.
    """
    path = folder / LOCK
    while True:
        file = path.open("a", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise RunFolderError(f"{folder}: another process works in it: wait, or name another.") from error
        except OSError:
            return file  # A file system without locks: a new folder is still taken by one run alone.
        # A process that ended between opening and locking has removed the file: whoever comes next makes another.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()
