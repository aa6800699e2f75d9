"""The lifetime of a local cloud: as long as its command, or until ``cellflag local down``."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Never

import click
from botocore.exceptions import BotoCoreError, ClientError

from infra.errors import InfraError
from infra.local_cloud import emulator
from infra.tools.cache import forget_old
from infra.tools.paths import CACHE

# The folder of the one local cloud that stays up after its command has ended.
LASTING_FOLDER = CACHE / "local"


@contextmanager
def cloud_folder(*, keep: bool) -> Iterator[Path]:
    """A folder for a local cloud, which is ended at the end of the ``with`` block.

    SIGTERM and SIGHUP have the effect of Ctrl-C. The folder is removed, unless the block ends with an error that a user
    can put right: then the folder stays for its logs, and the error names it.

    Args:
        keep: use the lasting folder, and leave folder and cloud as they are if the block ends without an error.

    Raises:
        InfraError: the error of the block, with the place of the logs.
        click.UsageError: a local cloud is in the lasting folder already.
    """
    if keep and emulator.running(LASTING_FOLDER):
        raise click.UsageError("the local cloud is up already; end it with `cellflag local down` first")
    folder = LASTING_FOLDER if keep else _temporary_folder()
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
        for number, handler in before.items():
            signal.signal(number, handler)


def _remove(folder: Path) -> None:
    emulator.stop(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _temporary_folder() -> Path:
    CACHE.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="demo-", dir=CACHE))
    forget_old(CACHE, "demo-", keep=folder)
    return folder


def _like_ctrl_c(*_: object) -> Never:
    raise KeyboardInterrupt
