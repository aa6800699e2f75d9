"""The lifetime of a local cloud: as long as its command, or until ``cellflag local down``."""

import fcntl
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Never

import click
from botocore.exceptions import BotoCoreError, ClientError

from infra.errors import InfraError
from infra.local_cloud import emulator
from infra.tools.cache import forget_old
from infra.tools.paths import CACHE

# The folder of the one local cloud that stays up after its command has ended.
LASTING_FOLDER = CACHE / "local"
# The beginning of the names of all other folders of local clouds.
_TEMPORARY = "demo-"


@contextmanager
def cloud_folder(*, keep: bool) -> Iterator[Path]:
    """A folder for a local cloud, which is ended at the end of the ``with`` block.

    SIGTERM and SIGHUP have the effect of Ctrl-C. The folder is removed, unless the block ends with an error that a user
    can put right: then the folder stays for its logs, and the error names it.

    Clouds of commands that were killed are ended first.

    Args:
        keep: use the lasting folder, and leave folder and cloud as they are if the block ends without an error.

    Raises:
        InfraError: the error of the block, with the place of the logs.
        click.UsageError: a local cloud is in the lasting folder already.
    """
    if keep and emulator.running(LASTING_FOLDER):
        raise click.UsageError("the local cloud is up already; end it with `cellflag local down` first")
    end_abandoned()
    folder, owner = (LASTING_FOLDER, None) if keep else _temporary_folder()
    before = {number: signal.signal(number, _like_ctrl_c) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield folder
        if not keep:
            _remove(folder)
    except (InfraError, BotoCoreError, ClientError) as error:
        emulator.stop(folder)
        raise InfraError(f"{error} The logs are in {folder}.") from error
    except BaseException:
        _remove(folder)
        raise
    finally:
        if owner:
            owner.close()
        for number, handler in before.items():
            signal.signal(number, handler)


def end_abandoned() -> int:
    """End the local clouds whose command was killed, as by ``kill -9``, and so could not end them.

    A command holds a lock on a file in the folder of its cloud as long as it lives. The folders with their logs stay
    for a week.

    Returns:
        The number of clouds that were ended.
    """
    return sum(emulator.stop(folder) for folder in CACHE.glob(f"{_TEMPORARY}*") if not _owned(folder))


def _owned(folder: Path) -> bool:
    try:
        owner = _own(folder)
    except OSError:  # its command lives, or has just removed the folder
        return True
    owner.close()
    return False


def _own(folder: Path) -> IO[bytes]:
    """Take the lock of a cloud's folder until the file is closed, or this process ends.

    Raises:
        BlockingIOError: another command holds it.
    """
    owner = (folder / "owner").open("ab")
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        owner.close()
        raise
    return owner


def _remove(folder: Path) -> None:
    emulator.stop(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _temporary_folder() -> tuple[Path, IO[bytes]]:
    """A new folder, and its lock."""
    CACHE.mkdir(exist_ok=True, parents=True)
    folder = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=CACHE))
    owner = _own(folder)
    forget_old(CACHE, _TEMPORARY, keep=folder)
    return folder, owner


def _like_ctrl_c(*_: object) -> Never:
    raise KeyboardInterrupt
