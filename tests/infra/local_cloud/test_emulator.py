"""The start and the end of a local cloud, with a simple process in place of the emulator."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local_cloud import emulator
from infra.local_cloud.emulator import LocalCloudError, running, start, stop

ANSWERS = """
import http.server, os, subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer((os.environ["BIND_HOST"], int(os.environ["GATEWAY_PORT"])), Healthy).serve_forever()
"""
FAILS = "raise SystemExit('port is taken')"


def stand_in(folder: Path, program: str) -> Path:
    """An executable that runs ``program`` instead of the emulator, whatever its arguments."""
    (folder / "program.py").write_text(program)
    script = folder / "python"
    script.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{folder / 'program.py'}'\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(emulator, "install", lambda: stand_in(tmp_path, ANSWERS))
    return tmp_path / "folder"


def alive(group: int) -> bool:
    listed = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    return any(int(line.split()[0]) == group and not line.split()[1].startswith("Z") for line in listed.splitlines())


def test_a_cloud_is_found_again_and_ended_with_all_that_it_started(folder: Path) -> None:
    cloud = start(folder)
    try:
        assert running(folder) == cloud
        assert cloud.endpoint == f"http://127.0.0.1:{cloud.port}"
        assert Path(cloud.data).is_dir()
        assert alive(cloud.pid)
    finally:
        assert stop(folder)
    assert running(folder) is None
    assert not alive(cloud.pid)
    assert not Path(cloud.data).exists()
    assert not stop(folder)


def test_a_second_cloud_in_the_same_folder_is_refused_and_the_first_lives_on(folder: Path) -> None:
    cloud = start(folder)
    try:
        with pytest.raises(LocalCloudError, match="up already"):
            start(folder)
        assert running(folder) == cloud
    finally:
        stop(folder)


def test_a_cloud_that_died_is_not_running_and_can_be_started_again(folder: Path) -> None:
    cloud = start(folder)
    os.killpg(cloud.pid, signal.SIGKILL)
    os.waitpid(cloud.pid, 0)
    assert running(folder) is None
    try:
        assert start(folder).pid != cloud.pid
    finally:
        stop(folder)


def test_a_process_that_took_over_the_process_id_is_never_ended(folder: Path) -> None:
    folder.mkdir()
    (folder / "lock").touch()
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    try:
        (folder / "process.json").write_text(
            json.dumps({"pid": bystander.pid, "port": 4566, "data": str(folder / "data")})
        )
        assert not stop(folder)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_cloud_that_does_not_start_says_why_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator, "install", lambda: stand_in(tmp_path, FAILS))
    with pytest.raises(LocalCloudError, match="did not start: port is taken"):
        start(tmp_path / "folder")
    assert running(tmp_path / "folder") is None


@pytest.mark.parametrize("state", ["", "[]", "{}", '{"pid": 1}', "not json"])
def test_a_damaged_state_file_means_that_none_runs(tmp_path: Path, state: str) -> None:
    (tmp_path / "process.json").write_text(state)
    assert running(tmp_path) is None
