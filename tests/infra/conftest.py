"""Fixtures: the stack as a template, a fake deployment for each test, and commands on it."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template
from click.testing import CliRunner, Result

from infra.deployed_stack import DeployedStack
from infra.operate import access
from infra.packaging.bundle import Target
from infra.tools.cdk import node_folder
from tests.infra.fakes import deployed_stack
from tests.infra.templates import Synthesize, stack_in

# The CDK runs on the Node that the project brings.
os.environ["JSII_NODE"] = str(node_folder() / "node")


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    folder = tmp_path_factory.mktemp("code")

    def to_template(runs_on: Target | None = None, **choices: Any) -> Template:
        app = App(outdir=str(tmp_path_factory.mktemp("cdk")))
        return Template.from_stack(stack_in(folder, app, runs_on, **choices))

    return to_template


@pytest.fixture(scope="session")
def template(synthesize: Synthesize) -> Template:
    return synthesize()


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeployedStack]:
    with deployed_stack(monkeypatch) as fake_stack:
        yield fake_stack


@pytest.fixture
def run(stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """A function that runs a command with ``--local`` on the fake deployment."""
    monkeypatch.setattr(access, "find_local_stack", lambda: stack)
    monkeypatch.setenv("COLUMNS", "160")

    def run_command(command: object, *arguments: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(command, ["--local", *arguments], input=answer)  # type: ignore[arg-type] # a command

    return run_command
