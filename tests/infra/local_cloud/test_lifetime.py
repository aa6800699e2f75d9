"""A local cloud ends with its command, even if the command is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local_cloud import emulator, lifetime
from infra.local_cloud.emulator import LocalCloud, running, start, stop
from infra.local_cloud.lifetime import cloud_folder, end_abandoned
from infra.tools.paths import PROJECT
from tests.infra.local_cloud.stand_in import ANSWERS, alive, stand_in

# Starts a cloud as the demonstration does, prints its folder, and then waits for a line.
COMMAND = """
import sys
from pathlib import Path
from infra.local_cloud import emulator, lifetime
lifetime.CACHE, script = Path(sys.argv[1]), Path(sys.argv[2])
emulator.install = lambda: script
with lifetime.cloud_folder(keep=False) as folder:
    emulator.start(folder)
    print(folder, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(lifetime, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(lifetime, "LASTING_FOLDER", tmp_path / "cache" / "local")
    script = stand_in(tmp_path, ANSWERS)
    monkeypatch.setattr(emulator, "install", lambda: script)
    return tmp_path / "cache"


def begin(cache: Path) -> tuple[subprocess.Popen[str], LocalCloud]:
    """A command with a cloud."""
    words = [sys.executable, "-c", COMMAND, str(cache), str(cache.parent / "python")]
    command = subprocess.Popen(words, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert command.stdout
    cloud = running(Path(command.stdout.readline().strip()))
    assert cloud
    return command, cloud


def end(command: subprocess.Popen[str], how: signal.Signals) -> None:
    command.send_signal(how)
    command.communicate()


def test_the_cloud_of_a_killed_command_is_ended_by_the_next_and_by_no_name(cache: Path) -> None:
    command, cloud = begin(cache)
    end(command, signal.SIGKILL)
    assert alive(cloud.pid)
    with cloud_folder(keep=False):
        assert not alive(cloud.pid)
        assert not Path(cloud.data).exists()
    assert end_abandoned() == 0


def test_the_cloud_of_a_command_that_lives_is_left_alone(cache: Path) -> None:
    command, cloud = begin(cache)
    try:
        with cloud_folder(keep=False) as folder:
            start(folder)
            assert end_abandoned() == 0
            assert alive(cloud.pid)
    finally:
        end(command, signal.SIGTERM)
    assert not alive(cloud.pid)
    assert list(cache.iterdir()) == []


def test_down_ends_a_cloud_that_a_killed_command_left(cache: Path) -> None:
    command, cloud = begin(cache)
    end(command, signal.SIGKILL)
    assert end_abandoned() == 1
    assert not alive(cloud.pid)


def test_the_lasting_cloud_outlives_every_command_but_down(cache: Path) -> None:
    with cloud_folder(keep=True) as folder:
        cloud = start(folder)
    try:
        assert end_abandoned() == 0
        assert alive(cloud.pid)
    finally:
        assert stop(folder)


def test_a_process_of_another_that_has_the_recorded_number_is_never_ended(cache: Path) -> None:
    folder = cache / "demo-crashed"
    folder.mkdir(parents=True)
    (folder / "lock").touch()
    (folder / "process.json").write_text(f'{{"pid": {os.getpid()}, "port": 1, "data": "/none"}}')
    assert end_abandoned() == 0
