"""The commands that deploy to a local cloud see none of the user's settings."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console

from infra.local_cloud import deployment, emulator
from infra.local_cloud.emulator import LocalCloud
from infra.packaging import bundle
from infra.tools import cdk
from infra.tools.processes import Commands
from infra.tools.steps import Steps


class RecordedCommands(Commands):
    """Commands that are recorded and not run."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.environments: dict[str, Mapping[str, str]] = {}

    def run(self, name: str, arguments: Sequence[str], environment: Mapping[str, str], cwd: Path) -> None:
        self.environments[name] = environment


def test_the_cdk_reads_no_settings_from_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".cdk.json").write_text('{"app": "theirs"}')
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(deployment, "_HOME", tmp_path / "cache" / "home")
    monkeypatch.setattr(deployment, "cdk_script", lambda: tmp_path / "cdk")
    monkeypatch.setattr(cdk, "cdk_script", lambda: tmp_path / "cdk")
    monkeypatch.setattr(bundle, "build", lambda _: "code")
    monkeypatch.setattr(emulator, "start", lambda _: LocalCloud(1, 4566, "/data"))
    commands = RecordedCommands(tmp_path)
    with ThreadPoolExecutor(3) as pool, Steps(Console(quiet=True)) as steps:
        deployment._put_up(tmp_path, steps, pool, commands)
    assert set(commands.environments) == {"bootstrap", "synth", "deploy"}
    for environment in commands.environments.values():
        home = Path(environment["HOME"])
        assert home == tmp_path / "cache" / "home"
        assert not (home / ".cdk.json").exists()
