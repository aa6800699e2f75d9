"""Reads the stack's template for tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from aws_cdk import App
from aws_cdk.assertions import Template

from infra.packaging.bundle import Bundle, Target, aws_target
from infra.settings.configuration import Configuration
from infra.stack.stack import PYTHON, CellflagStack

Synthesize = Callable[..., Template]
KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def stack_in(folder: Path, app: App, runs_on: Target | None = None, **choices: Any) -> CellflagStack:
    """The stack with empty code, which is written to ``folder``."""
    code = folder / "code"
    code.mkdir(exist_ok=True)
    (code / "handler.py").write_text("")
    bundle = Bundle(code, runs_on or aws_target(PYTHON), zipped=1, unzipped=1, bytecode=True)
    return CellflagStack(app, "cellflag-test", configuration=Configuration(**choices), bundle=bundle)


def resources(template: Template, kind: str) -> dict[str, Any]:
    """All resources of a type, by logical id."""
    template_resources: dict[str, Any] = template.to_json()["Resources"]
    return {name: resource for name, resource in template_resources.items() if resource["Type"] == kind}


def only(template: Template, kind: str, part_of_name: str) -> tuple[str, dict[str, Any]]:
    """Logical id and properties of the one resource of a type whose logical id contains ``part_of_name``."""
    (match,) = [item for item in resources(template, kind).items() if part_of_name in item[0]]
    return match[0], match[1]["Properties"]


def statements(template: Template, policy: str = "ScoringRole", kind: str = "AWS::IAM::Policy") -> list[dict[str, Any]]:
    """The statements of the one policy whose logical id contains ``policy``."""
    document: dict[str, Any] = only(template, kind, policy)[1]["PolicyDocument"]
    return list(document["Statement"])


def actions(statement: dict[str, Any]) -> set[str]:
    """The actions of a statement."""
    action = statement["Action"]
    return {action} if isinstance(action, str) else set(action)
