"""The rules of others that hold for the template: AWS Solutions (cdk-nag) and CloudFormation's own (cfn-lint)."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Validations
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from cdk_nag import AwsSolutionsChecks
from constructs import Construct

from infra.bundling import Bundle, aws_target
from infra.configuration import Configuration
from infra.stack import PYTHON, CellflagStack


def checked_app(folder: Path, **choices: Any) -> tuple[App, CellflagStack]:
    code = folder / "code"
    code.mkdir()
    (code / "handler.py").write_text("")
    app = App(outdir=str(folder / "cdk.out"))
    bundle = Bundle(code, aws_target(PYTHON), zipped=1, unzipped=1, bytecode=True)
    stack = CellflagStack(app, "cellflag-test", configuration=Configuration(**choices), bundle=bundle)
    Validations.of(app).add_plugins(AwsSolutionsChecks())
    return app, stack


@pytest.mark.parametrize("images_bucket", [None, "our-slides"])
def test_no_rule_of_aws_solutions_is_broken(tmp_path: Path, images_bucket: str | None) -> None:
    app, _ = checked_app(tmp_path, images_bucket=images_bucket)
    assert app.synth().get_stack_by_name("cellflag-test").template["Resources"]


def bucket_without_tls(scope: Construct) -> None:
    s3.Bucket(scope, "Open")


def queue_without_tls(scope: Construct) -> None:
    sqs.Queue(scope, "Open")


@pytest.mark.parametrize(("addition", "rule"), [(bucket_without_tls, "S10"), (queue_without_tls, "SQS4")])
def test_a_broken_rule_fails_the_synthesis(tmp_path: Path, addition: Any, rule: str) -> None:
    app, stack = checked_app(tmp_path)
    addition(stack)
    with pytest.raises(RuntimeError, match=f"AwsSolutions-{rule}'"):
        app.synth()


def test_cfn_lint_finds_nothing(tmp_path: Path) -> None:
    app, stack = checked_app(tmp_path)
    app.synth()
    template = tmp_path / "cdk.out" / stack.template_file
    # W3005: the CDK writes dependencies that CloudFormation would find itself
    linted = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--ignore-checks", "W3005", "--", template],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (linted.stdout, linted.returncode) == ("", 0)
