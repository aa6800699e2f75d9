"""Child processes that write to a log, and that all end when their owner ends."""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import click

from infra.errors import InfraError

_GRACE_SECONDS = 5.0
_ERRORS = ("ERROR", "Error", "❌")


class CommandFailedError(InfraError):
    """A command ended with an exit code other than 0. `reason` is the end of what it printed."""

    def __init__(self, name: str, code: int, reason: str, log: Path) -> None:
        """Name the command, its exit code, the end of what it printed, and the file with all of it."""
        super().__init__(f"{name} failed with exit code {code}: {reason}.")
        self.name = name
        self.code = code
        self.reason = reason
        self.log = log


def end_process_group(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads its own session, with all that it started: politely, then for good."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of ended processes
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)


class Commands:
    """Runs commands, from any thread; leaving the `with` block ends those that still run, and refuses new ones."""

    def __init__(self, folder: Path) -> None:
        """Keep logs in `folder`."""
        self._folder = folder
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def __enter__(self) -> Self:
        """Take commands from now on."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what still runs."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            end_process_group(process)

    def run(self, name: str, arguments: Sequence[str], environment: Mapping[str, str], cwd: Path) -> None:
        """Run a command to its end; what it prints goes to `<folder>/<name>.log`.

        Raises:
            CommandFailedError: its exit code is not 0, or the `with` block was left.
        """
        log = self._folder / f"{name}.log"
        with log.open("wb") as output:
            with self._lock:  # so that none starts after the block has been left
                if self._closed:
                    raise CommandFailedError(name, -signal.SIGTERM, "stopped", log)
                process = subprocess.Popen(
                    arguments,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=dict(environment),
                    cwd=cwd,
                    start_new_session=True,
                )
                self._running.add(process)
            code = process.wait()
            with self._lock:
                self._running.discard(process)
        if code:
            raise CommandFailedError(name, code, last_words(log), log)


def last_words(log: Path, lines: int = 4) -> str:
    """The first error of a log and what follows, or else its last lines: as few lines as that, without colours."""
    text = click.unstyle(log.read_text("utf-8", "replace")) if log.is_file() else ""
    printed_lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [number for number, line in enumerate(printed_lines) if line.startswith(_ERRORS)]
    excerpt = printed_lines[errors[0] :][:lines] if errors else printed_lines[-lines:]
    return "\n".join(excerpt) or "it printed nothing"
