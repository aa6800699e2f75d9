"""Which deployment a command finds, and its errors if there is none."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import click
import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)
from click.testing import CliRunner
from moto import mock_aws

from cellflag import CommandLine
from infra.deployed_stack import DeployedStack
from infra.local_cloud import lifetime
from infra.operate.access import find_stack, on_a_stack
from infra.operate.aws_errors import explain


def refusal(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "ListObjectsV2")


def failing(error: Exception) -> click.Command:
    """A command called ``failing``, which raises the error."""

    @click.command("failing")
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NoCredentialsError(), ["no credentials", "--profile", "--local"]),
        (NoRegionError(), ["no region", "--region"]),
        (ProfileNotFound(profile="lab"), ["lab", "could not be found"]),
        (UnauthorizedSSOTokenError(), ["aws sso login"]),
        (EndpointConnectionError(endpoint_url="https://x"), ["cannot be reached", "https://x"]),
        (refusal("ExpiredToken"), ["does not accept", "ExpiredToken", "--profile"]),
        (refusal("AccessDenied", "User x may not."), ["ListObjectsV2 is not allowed: User x may not.", "Ask"]),
        (refusal("SlowDown", "Slower."), ["ListObjectsV2 failed with SlowDown: Slower."]),
    ],
)
def test_an_error_of_aws_is_one_line_that_says_what_to_do(error: Exception, words: list[str]) -> None:
    line = explain(error)
    assert "\n" not in line
    assert all(word in line for word in words)
    with pytest.raises(click.ClickException) as raised:
        CommandLine(commands=[failing(error)], modules={}).main(["failing"], standalone_mode=False)
    assert raised.value.message == line


@pytest.fixture
def cloudformation(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account with one stack, cellflag-lab."""

    def describe_stacks(StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        if StackName != "cellflag-lab":
            raise refusal("ValidationError", f"Stack with id {StackName} does not exist")
        return {"Stacks": [{"Outputs": [{"OutputKey": "QueueUrl", "OutputValue": "https://queue"}]}]}

    client = SimpleNamespace(describe_stacks=describe_stacks)
    session = SimpleNamespace(client=lambda name: client, region_name="eu-west-1")
    monkeypatch.setattr(boto3, "Session", lambda **options: session)


@pytest.mark.usefixtures("cloudformation")
def test_a_stage_without_a_stack_is_an_error_that_names_the_stack() -> None:
    with pytest.raises(
        click.ClickException, match=r"no stack cellflag-clinic in this account in eu-west-1: .* --local"
    ):
        find_stack("clinic", None, "eu-west-1")


@pytest.mark.usefixtures("cloudformation")
def test_a_stack_is_found_by_its_stage_with_its_outputs() -> None:
    stack = find_stack("lab", None, None)
    assert (stack.name, stack.output("QueueUrl")) == ("cellflag-lab", "https://queue")
    with pytest.raises(click.ClickException, match="cellflag-lab has no output BackfillArn: deploy this version"):
        stack.output("BackfillArn")


@click.command()
@on_a_stack
def command(stack: DeployedStack) -> None:
    click.echo(stack.name)


@pytest.mark.parametrize("options", [["--stage", "lab"], ["--profile", "p"], ["--region", "r"]])
def test_the_local_cloud_goes_without_settings_for_aws(options: list[str]) -> None:
    result = CliRunner().invoke(command, ["--local", *options])
    assert (result.exit_code, "--local goes without" in result.output) == (2, True)


def test_a_local_cloud_that_is_down_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifetime, "LASTING_FOLDER", tmp_path)
    result = CliRunner().invoke(command, ["--local"])
    assert (result.exit_code, "cellflag local up" in result.output) == (2, True)


def test_a_missing_region_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with mock_aws():
        result = CliRunner().invoke(CommandLine(commands=[command], modules={}), ["command"])
    assert (result.exit_code, result.output) == (
        1,
        "Error: no region is chosen: name one with --region, or set AWS_REGION.\n",
    )
