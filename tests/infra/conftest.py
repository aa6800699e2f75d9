"""The CDK runs on the Node that the project brings."""

import os
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from infra.bundling import Target
from infra.toolkit import node_folder
from tests.infra.templates import Synthesize, stack_in

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
