"""Asks before ``cdk deploy`` changes buckets or keys of a deployed stack."""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from infra import names
from infra.deployed_stack import stack_outputs
from infra.errors import InfraError
from infra.settings.configuration import Configuration
from infra.settings.fields import ConfigurationError
from infra.tools.cdk_arguments import CdkArguments
from infra.tools.changes import Change, changes

if TYPE_CHECKING:
    from boto3 import Session

_CHANGING: Final = ("deploy", "watch", "import")
_SHOWING: Final = ("diff",)
# The context value that confirms changes: names of settings, separated by commas.
CONFIRM: Final = "confirm_change"
_QUALIFIER: Final = "@aws-cdk/core:bootstrapQualifier"


class UnconfirmedChangeError(InfraError):
    """A change of buckets or keys was not confirmed."""


def confirm_changes(arguments: CdkArguments, environment: Mapping[str, str]) -> None:
    """Ask about changes that the command would make; if nobody can be asked, refuse those that are not confirmed.

    ``cdk diff`` only lists them. Nothing is asked for the local cloud, or if AWS cannot be asked: then the CDK command
    line fails by itself.

    Raises:
        UnconfirmedChangeError: the answer was no, or nobody could be asked.
        ForbiddenChangeError: the command must not run.
    """
    if arguments.command not in (*_CHANGING, *_SHOWING):
        return
    context = arguments.context(environment, Path(environment.get("HOME", "/nonexistent")))
    try:
        wanted = _of_assembly(arguments.value("app", environment)) or Configuration.from_context(context)
    except ConfigurationError:
        return  # the app reports it
    if wanted.target == "local":
        return
    outputs = _deployed_outputs(arguments, environment, wanted, str(context.get(_QUALIFIER, "hnb659fds")))
    if outputs is None:
        return
    confirmed = str(dict(pair.partition("=")[::2] for pair in arguments.values("context")).get(CONFIRM, "")).split(",")
    open_changes = [change for change in changes(outputs, wanted) if change.setting not in confirmed]
    _ask(open_changes, names.stack_name(wanted.stage), asking=arguments.command in _CHANGING)


def _ask(open_changes: Iterable[Change], stack: str, *, asking: bool) -> None:
    open_changes = list(open_changes)
    if not open_changes:
        return
    for change in open_changes:
        click.echo(f"cellflag: {change.setting} of {stack} changes: {change.consequence}.", err=True)
    if not asking:
        return
    settings = ",".join(change.setting for change in open_changes)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UnconfirmedChangeError(f"nothing was deployed; if this is meant, add -c {CONFIRM}={settings}")
    if not click.confirm("Go on?", err=True):
        raise UnconfirmedChangeError("nothing was deployed.")


def _of_assembly(app: str | None) -> Configuration | None:
    """The settings in the template of this project below a folder that ``--app`` names; None for a command."""
    if app is None or not Path(app).is_dir():
        return None
    for template in sorted(Path(app).glob("cellflag-*.template.json")):
        output = json.loads(template.read_text("utf-8")).get("Outputs", {}).get(names.SETTINGS_OUTPUT, {})
        if "Value" in output:
            return Configuration.from_context(json.loads(output["Value"]))
    return None


def _deployed_outputs(
    arguments: CdkArguments, environment: Mapping[str, str], wanted: Configuration, qualifier: str
) -> dict[str, str] | None:
    """The outputs of the deployed stack; None if there is none yet, or if AWS cannot be asked."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    profile, stack = arguments.value("profile", environment), names.stack_name(wanted.stage)
    given = (arguments.value("region", environment), environment.get("AWS_REGION"))
    try:
        region = next(filter(None, given), None) or boto3.Session(profile_name=profile).region_name
        # The CDK command line takes this region if none is named.
        session = boto3.Session(profile_name=profile, region_name=region or "us-east-1")
        try:
            return stack_outputs(session, stack)
        except ClientError:  # who may assume the roles of ``cdk bootstrap`` may deploy, and need no other right
            return stack_outputs(_as_deployer(session, qualifier), stack)
    except (BotoCoreError, ClientError) as error:
        click.echo(f"cellflag: the settings in force cannot be compared: {error}", err=True)
        return None


def _as_deployer(session: "Session", qualifier: str) -> "Session":
    """A session in the role with which the CDK command line deploys."""
    import boto3

    sts = session.client("sts")
    account, partition = sts.get_caller_identity()["Account"], session.get_partition_for_region(session.region_name)
    role = f"arn:{partition}:iam::{account}:role/cdk-{qualifier}-deploy-role-{account}-{session.region_name}"
    credentials = sts.assume_role(RoleArn=role, RoleSessionName=f"cellflag-{os.getpid()}")["Credentials"]
    return boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=session.region_name,
    )
