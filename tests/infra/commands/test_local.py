"""What `cellflag local` writes to standard output, which a shell evaluates, and to standard error."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from infra.commands.local import local
from infra.deployed_stack import DeployedStack
from infra.local_cloud import deployment, emulator, lifetime
from infra.local_cloud.emulator import LocalCloud


@pytest.fixture
def up(stack: DeployedStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A local cloud that is up."""
    monkeypatch.setattr(lifetime, "CACHE", tmp_path)
    monkeypatch.setattr(lifetime, "LASTING_FOLDER", tmp_path / "local")
    monkeypatch.setattr(deployment, "deployed", lambda _: stack)
    monkeypatch.setattr(emulator, "running", lambda _: LocalCloud(1, 4566, "/data"))


@pytest.mark.parametrize("command", ["up", "status"])
@pytest.mark.usefixtures("up")
def test_a_shell_can_evaluate_the_standard_output_of_a_cloud_that_is_up(command: str) -> None:
    result = CliRunner().invoke(local, [command])
    assert result.exit_code == 0, result.output
    assert all(line.startswith(("export ", "unset ", "# ")) for line in result.stdout.splitlines())
    assert "export AWS_ENDPOINT_URL=" in result.stdout
    assert "The local cloud is up" in result.stderr


def test_a_shell_finds_nothing_to_evaluate_of_a_cloud_that_is_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifetime, "LASTING_FOLDER", tmp_path / "local")
    result = CliRunner().invoke(local, ["status"])
    assert (result.exit_code, result.stdout) == (1, "")


def test_down_counts_the_clouds_that_killed_commands_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifetime, "LASTING_FOLDER", tmp_path / "local")
    monkeypatch.setattr(lifetime, "end_abandoned", lambda: 2)
    assert "2 more that killed commands had left are down." in CliRunner().invoke(local, ["down"]).output
