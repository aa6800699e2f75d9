"""Finds the deployment that a command operates on: by its stage on AWS, or on the local cloud of this machine."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import boto3
import click

from infra import names
from infra.deployed_stack import DeployedStack, stack_outputs
from infra.errors import InfraError
from infra.local_cloud import lifetime
from infra.local_cloud.deployment import deployed


def find_stack(stage: str, profile: str | None, region: str | None) -> DeployedStack:
    """Find the stack of a stage.

    Args:
        stage: the deployment's stage.
        profile: profile of the user's AWS settings; None for the default one.
        region: AWS region; None for the profile's.

    Raises:
        InfraError: there is no such stack in this account and region.
        BotoCoreError, ClientError: AWS refuses or fails.
    """
    session = boto3.Session(profile_name=profile, region_name=region)
    name = names.stack_name(stage)
    outputs = stack_outputs(session, name)
    if outputs is None:
        raise InfraError(
            f"there is no stack {name} in this account in {session.region_name}: deploy it with `cdk deploy`, "
            "or choose with --stage, --region and --profile; for the local cloud add --local."
        )
    return DeployedStack(name, outputs, session)


def find_local_stack() -> DeployedStack:
    """Find the stack on the local cloud that ``cellflag local up`` started.

    Raises:
        click.UsageError: it is not up.
    """
    stack = deployed(lifetime.LASTING_FOLDER)
    if stack is None:
        raise click.UsageError("the local cloud is not up: start it with `cellflag local up`")
    return stack


def on_a_stack(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose a deployment to a command, and pass the deployment to it as ``stack``.

    A command may have an option ``--folder`` for what lies on this machine. If it is given, ``stack`` is None.
    """

    @wraps(command)
    def with_stack(find_stack: Callable[[], DeployedStack | None], **options: Any) -> Any:  # noqa: ANN401 - the command's own options
        return command(stack=find_stack(), **options)

    return on_a_stack_if_needed(with_stack)


def on_a_stack_if_needed(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose a deployment to a command, and pass a function that finds it as ``find_stack``."""

    @click.option(
        "--stage",
        default=names.DEFAULT_STAGE,
        show_default=True,
        help="Stage of the deployment: its stack is cellflag-STAGE.",
    )
    @click.option("--local", is_flag=True, help="Use the local cloud that `cellflag local up` started.")
    @click.option("--profile", help="Profile of your AWS settings.")
    @click.option("--region", help="AWS region.")
    @wraps(command)
    def with_options(stage: str, local: bool, profile: str | None, region: str | None, **options: Any) -> Any:  # noqa: ANN401 - the command's own options
        context = click.get_current_context()
        source = context.get_parameter_source("stage")
        if local and (profile or region or source is click.core.ParameterSource.COMMANDLINE):
            raise click.UsageError("--local goes without --stage, --profile and --region")
        if options.get("folder"):
            if local or profile or region or source is click.core.ParameterSource.COMMANDLINE:
                raise click.UsageError("--folder goes without --stage, --local, --profile and --region")
            return command(find_stack=lambda: None, **options)
        find = find_local_stack if local else partial(find_stack, stage, profile, region)
        return command(find_stack=find, **options)

    return with_options
