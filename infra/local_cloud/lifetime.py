"""How long a local cloud lives: as long as its command, or until it is ended; and what a failed command leaves."""

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
    """A folder for a local cloud, which is ended when the ``with`` block is left, unless ``keep`` and all went well.

    SIGTERM and SIGHUP count as Ctrl-C. After a failure the logs stay, and the error names them.

    Raises:
        InfraError: the work failed; the message is one line.
        click.UsageError: ``keep``, and a local cloud is up already.
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
