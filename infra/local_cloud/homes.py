"""The folders in which local clouds live, and how a command leaves one: in good order, failed or stopped."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Never

import click
from botocore.exceptions import BotoCoreError, ClientError

from infra.demo.round_trip import NoResultError
from infra.local_cloud import emulator
from infra.local_cloud.isolation import exports
from infra.packaging.bundle import BundlingError
from infra.tools.cache import forget_old
from infra.tools.cdk import ToolkitError
from infra.tools.paths import CACHE
from infra.tools.processes import CommandFailedError

if TYPE_CHECKING:
    from infra.local_cloud.deployment import Deployment

KEPT = CACHE / "local"
"""The home of the one local cloud that stays up after its command has ended."""

_EXPECTED = (
    emulator.LocalCloudError,
    BundlingError,
    CommandFailedError,
    NoResultError,
    ToolkitError,
    BotoCoreError,
    ClientError,
)


@contextmanager
def home_for(*, keep: bool) -> Iterator[Path]:
    """A home for a local cloud, which is ended however the `with` block is left, unless `keep` and all went well.

    Being told to end (SIGTERM, SIGHUP) is the same as Ctrl-C. A failure leaves the logs, and the error names them.

    Raises:
        click.ClickException: what failed, in one line; also if `keep` and a local cloud is up already.
    """
    if keep and emulator.running(KEPT):
        raise click.UsageError("the local cloud is up already; end it with `cellflag local down` first")
    home = KEPT if keep else _temporary_home()
    before = {number: signal.signal(number, _like_ctrl_c) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield home
        if not keep:
            _leave(home)
    except _EXPECTED as error:
        emulator.stop(home)
        why = f" The local cloud says: {emulator.last_error(home)}." if isinstance(error, NoResultError) else ""
        raise click.ClickException(f"{error}{why} The logs are in {home}.") from error
    except BaseException:
        _leave(home)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(home: Path) -> None:
    emulator.stop(home)
    shutil.rmtree(home, ignore_errors=True)


def print_access(deployment: "Deployment") -> None:
    """How to reach a deployment: what to export, and the names of its buckets and queues."""
    for name, value in exports(deployment.endpoint).items():
        click.echo(f"export {name}={value}")
    for name, value in sorted(deployment.outputs.items()):
        click.echo(f"# {name}: {value}")
    click.echo(f"# aws s3 cp cell.bmp s3://{deployment.images}/ && aws s3 ls --recursive s3://{deployment.results}/")


def _temporary_home() -> Path:
    CACHE.mkdir(exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="demo-", dir=CACHE))
    forget_old(CACHE, "demo-", keep=home)
    return home


def _like_ctrl_c(*_: object) -> Never:
    raise KeyboardInterrupt
