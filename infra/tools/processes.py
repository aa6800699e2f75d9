"""Child processes that write to a log, and that end when their owner ends."""

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

# Time for a process to end after SIGTERM, before SIGKILL.
_GRACE_SECONDS = 5.0
# A line that begins like this reports an error.
_ERRORS = ("ERROR", "Error", "❌")


class CommandFailedError(InfraError):
    """A command ended with an exit code other than 0.

    Attributes:
        name: the command.
        code: its exit code; minus the number of the signal that ended it.
        reason: an excerpt of its output.
        log: the file with all of its output.
    """

    def __init__(self, name: str, code: int, reason: str, log: Path) -> None:
        """Make the message from the name, the exit code and the reason."""
        super().__init__(f"{name} failed with exit code {code}: {reason}.")
        self.name = name
        self.code = code
        self.reason = reason
        self.log = log


def end_process_group(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads its own session, and all processes that it started: SIGTERM first, then SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of ended processes
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)


class Commands:
    """Runs commands from any thread. Leaving the ``with`` block ends the running ones and refuses new ones."""

    def __init__(self, folder: Path) -> None:
        """Write logs to ``folder``."""
        self._folder = folder
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def __enter__(self) -> Self:
        """Accept commands from now on."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the commands that still run."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            end_process_group(process)

    def run(self, name: str, arguments: Sequence[str], environment: Mapping[str, str], cwd: Path) -> None:
        """Run a command to its end. Its output goes to ``<folder>/<name>.log``.

        Raises:
            CommandFailedError: its exit code is not 0, or the ``with`` block was left.
        """
        log = self._folder / f"{name}.log"
        with log.open("wb") as output:
            with self._lock:  # so that no command starts after the block was left
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
    """The lines of a log that explain a failure: those from its first error on, or else its last.

    Args:
        log: the file.
        lines: most lines to return. Empty lines and colours are left out.
    """
    text = click.unstyle(log.read_text("utf-8", "replace")) if log.is_file() else ""
    printed_lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [number for number, line in enumerate(printed_lines) if line.startswith(_ERRORS)]
    excerpt = printed_lines[errors[0] :][:lines] if errors else printed_lines[-lines:]
    return "\n".join(excerpt) or "it printed nothing"
