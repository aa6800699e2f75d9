"""How a command finds the deployment that it is to look after: by stage on AWS, or on this machine's local cloud."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import boto3
import click
from botocore.exceptions import ClientError

from infra import names
from infra.deployed_stack import DeployedStack
from infra.errors import InfraError
from infra.local_cloud import lifetime
from infra.local_cloud.deployment import deployed


def find_stack(stage: str, profile: str | None, region: str | None) -> DeployedStack:
    """The deployment of a stage, through the user's own settings for AWS.

    Raises:
        InfraError: there is none in this account and region.
        BotoCoreError, ClientError: AWS cannot be asked.
    """
    session = boto3.Session(profile_name=profile, region_name=region)
    name = names.stack_name(stage)
    try:
        (description,) = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" not in error.response["Error"].get("Message", ""):
            raise
        raise InfraError(
            f"there is no stack {name} in this account in {session.region_name}: deploy it with `cdk deploy`, "
            "or choose with --stage, --region and --profile; for the local cloud add --local."
        ) from error
    return DeployedStack(
        name, {one["OutputKey"]: one["OutputValue"] for one in description.get("Outputs", [])}, session
    )


def find_local_stack() -> DeployedStack:
    """The deployment on the local cloud that is kept up.

    Raises:
        click.UsageError: there is none.
    """
    stack = deployed(lifetime.LASTING_FOLDER)
    if stack is None:
        raise click.UsageError("the local cloud is not up: start it with `cellflag local up`")
    return stack


def on_a_stack(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that choose a deployment, and hand it over as ``stack``."""

    @click.option(
        "--stage", default=names.DEFAULT_STAGE, show_default=True, help="Which deployment: stack cellflag-STAGE."
    )
    @click.option("--local", is_flag=True, help="The local cloud that `cellflag local up` started.")
    @click.option("--profile", help="Profile of your AWS settings.")
    @click.option("--region", help="AWS region.")
    @wraps(command)
    def with_stack(stage: str, local: bool, profile: str | None, region: str | None, **options: Any) -> Any:  # noqa: ANN401 - whatever the command takes
        context = click.get_current_context()
        source = context.get_parameter_source("stage")
        if local and (profile or region or source is click.core.ParameterSource.COMMANDLINE):
            raise click.UsageError("--local goes without --stage, --profile and --region")
        stack = find_local_stack() if local else find_stack(stage, profile, region)
        return command(stack=stack, **options)

    return with_stack
