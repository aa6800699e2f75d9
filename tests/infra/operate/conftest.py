"""A deployment for each test, and the command line that finds it."""

from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from infra.operate import access
from infra.operate.access import DeployedStack
from tests.infra.operate.fakes import deployed_stack


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeployedStack]:
    with deployed_stack(monkeypatch) as found:
        yield found


@pytest.fixture
def run(stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command with `--local`, which finds the test's deployment."""
    monkeypatch.setattr(access, "find_local_stack", lambda: stack)
    monkeypatch.setenv("COLUMNS", "160")

    def run_command(command: object, *arguments: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(command, ["--local", *arguments], input=answer)  # type: ignore[arg-type] # a command

    return run_command
