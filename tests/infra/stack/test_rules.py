"""The template keeps the rules of AWS Solutions (cdk-nag) and of CloudFormation (cfn-lint)."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Annotations, Match
from constructs import Construct

from infra.app import check
from infra.packaging.bundle import Bundle, aws_target
from infra.settings.configuration import Configuration
from infra.stack.stack import PYTHON, CellflagStack


def checked_app(folder: Path, **choices: Any) -> tuple[App, CellflagStack]:
    code = folder / "code"
    code.mkdir()
    (code / "handler.py").write_text("")
    app = App(outdir=str(folder / "cdk.out"))
    bundle = Bundle(code, aws_target(PYTHON), zipped=1, unzipped=1, bytecode=True)
    configuration = Configuration(**choices)
    stack = CellflagStack(app, "cellflag-test", configuration=configuration, bundle=bundle)
    check(app, configuration)
    return app, stack


KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"target": "local"},
        {"images_bucket": "our-slides", "images_kms_key": KEY, "images_prefix": "slides/"},
        {"kms_key": "own", "access_logs": True, "alarm_email": "lab@example.org", "canary_minutes": 0},
        {"kms_key": KEY, "review_everything": True, "snap_start": True},
        {"hipaa": True, "results_retention_days": 2192},
        {"hipaa": True, "images_bucket": "our-slides", "kms_key": KEY, "reserved_concurrency": 100},
    ],
)
def test_no_rule_is_broken_that_is_not_acknowledged(tmp_path: Path, choices: dict[str, Any]) -> None:
    app, _ = checked_app(tmp_path, **choices)
    assert app.synth().get_stack_by_name("cellflag-test").template["Resources"]


def test_the_synthesis_warns_of_nothing(tmp_path: Path) -> None:
    _, stack = checked_app(tmp_path)
    assert not Annotations.from_stack(stack).find_warning("*", Match.any_value())


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
