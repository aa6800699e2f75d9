"""The local cloud: an emulator of AWS (ministack) that listens on 127.0.0.1, in a Python environment of its own.

Its process holds a lock on a file as long as it lives. While the lock is held, the process id in the file beside it
belongs to the emulator, so no other process can be ended by mistake.
"""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from infra.errors import InfraError
from infra.local_cloud.isolation import ACCESS_KEY, REGION, SECRET_KEY
from infra.tools.cache import built_once, digest
from infra.tools.paths import CACHE
from infra.tools.processes import last_words
from infra.tools.uv import run_uv

# The pinned packages of the emulator's environment.
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_READY_SECONDS = 60.0
_ENDED_SECONDS = 5.0
_DATA_PREFIX = "cellflag-cloud-"
# Files in the folder of a local cloud.
_LOCK, _STATE, LOG = "lock", "process.json", "cloud.log"


class LocalCloudError(InfraError):
    """The local cloud cannot be started. The message gives the reason."""


@dataclass(frozen=True)
class LocalCloud:
    """A running local cloud.

    Attributes:
        pid: process id. The process leads a session of its own.
        port: port on 127.0.0.1.
        data: the temporary folder for everything that the emulator writes. It is removed with the cloud.
    """

    pid: int
    port: int
    data: str

    @property
    def endpoint(self) -> str:
        """The URL of all of its services."""
        return f"http://127.0.0.1:{self.port}"


def install() -> Path:
    """Path to the Python of the emulator's environment. uv makes the environment on the first call.

    Raises:
        LocalCloudError: uv failed.
    """
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    name = f"local-cloud-{digest([REQUIREMENTS.read_bytes(), sys.executable.encode(), sys.version.encode()])}"
    return built_once(CACHE / name, _install) / "bin" / f"python{python}"


def _install(folder: Path) -> None:
    for result in (
        run_uv("venv", "--clear", "--relocatable", "--python", sys.executable, folder),
        run_uv(
            *("pip", "install", "--python", folder, "--require-hashes", "--requirements", REQUIREMENTS),
            UV_COMPILE_BYTECODE="1",
        ),
    ):
        if result.returncode:
            raise LocalCloudError("uv could not install the local cloud: " + result.stderr.strip()[-1000:])


def start(folder: Path) -> LocalCloud:
    """Start a local cloud and wait until it answers.

    Args:
        folder: the cloud's folder, for its lock, its log and its process id.

    Raises:
        LocalCloudError: a local cloud of this folder is running, or the new one does not answer within a minute.
    """
    folder.mkdir(parents=True, exist_ok=True)
    python = install()
    data = tempfile.mkdtemp(prefix=_DATA_PREFIX)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / _LOCK).open("ab") as lock, (folder / LOG).open("wb") as log:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            shutil.rmtree(data)
            raise LocalCloudError("the local cloud is up already") from None
        process = subprocess.Popen(
            [python, "-m", "ministack"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=data,
            env=_environment(port, data),
            pass_fds=[lock.fileno()],
            start_new_session=True,
        )
    _remove_data(folder)  # the data of an earlier cloud that crashed
    cloud = LocalCloud(process.pid, port, data)
    (folder / _STATE).write_text(json.dumps(asdict(cloud)))
    try:
        _wait(cloud, process)
    except BaseException as error:
        stop(folder)
        process.wait()
        if isinstance(error, TimeoutError):
            reason = last_words(folder / LOG)
            raise LocalCloudError(f"the local cloud did not start: {reason}") from None
        raise
    return cloud


def _environment(port: int, data: str) -> dict[str, str]:
    """The environment of the emulator and its functions. It takes only the path to programs from the user's own."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": data,
        "TMPDIR": data,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_EC2_METADATA_DISABLED": "true",
        "DOCKER_HOST": f"unix://{data}/no-docker",  # else it would remove containers of others
    }


def _wait(cloud: LocalCloud, process: subprocess.Popen[bytes]) -> None:
    opener = build_opener(ProxyHandler({}))
    end = time.monotonic() + _READY_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with suppress(URLError, OSError), opener.open(f"{cloud.endpoint}/_ministack/health", timeout=5):
            return
        time.sleep(0.1)
    raise TimeoutError


def running(folder: Path) -> LocalCloud | None:
    """The running local cloud of a folder; None if it does not run."""
    cloud = _recorded(folder)
    if cloud is None or not (folder / _LOCK).is_file():
        return None
    with (folder / _LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return cloud
    return None


def stop(folder: Path) -> bool:
    """End the local cloud of a folder with all of its functions, and remove its data.

    Returns:
        Whether a cloud was running.
    """
    cloud = running(folder)
    if cloud:
        with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of ended processes
            os.killpg(cloud.pid, signal.SIGKILL)  # it holds nothing that an orderly end would save
        end = time.monotonic() + _ENDED_SECONDS
        while running(folder) and time.monotonic() < end:
            time.sleep(0.02)
    _remove_data(folder)
    return cloud is not None


def last_error(folder: Path) -> str:
    """The last line of the cloud's log with an error, such as an exception in a function; ``none`` without errors."""
    log = (folder / LOG).read_text("utf-8", "replace") if (folder / LOG).is_file() else ""
    errors = [line for line in log.splitlines() if " ERROR " in line or "errorMessage=" in line]
    return errors[-1] if errors else "none"


def _recorded(folder: Path) -> LocalCloud | None:
    try:
        return LocalCloud(**json.loads((folder / _STATE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _remove_data(folder: Path) -> None:
    cloud = _recorded(folder)
    if cloud and Path(cloud.data).name.startswith(_DATA_PREFIX):
        shutil.rmtree(cloud.data, ignore_errors=True)
    (folder / _STATE).unlink(missing_ok=True)
