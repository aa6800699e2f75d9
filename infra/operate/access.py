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
    """Add the options that choose a deployment to a command, and pass the deployment to it as ``stack``."""
    return on_a_stack_unless()(command)


def on_a_stack_unless(*elsewhere: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options of ``on_a_stack``. A command that works elsewhere gets None as ``stack``.

    Args:
        elsewhere: names of parameters of the command. If one of them is given, no deployment is looked for.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def with_stack(find_stack: Callable[[], DeployedStack], **options: Any) -> Any:  # noqa: ANN401 - the command's own options
            is_elsewhere = any(options.get(name) is not None for name in elsewhere)
            return command(stack=None if is_elsewhere else find_stack(), **options)

        return on_a_stack_if_needed(with_stack, elsewhere)

    return decorate


def on_a_stack_if_needed(command: Callable[..., Any], elsewhere: tuple[str, ...] = ()) -> Callable[..., Any]:
    """Add the options that choose a deployment to a command, and pass a function that finds it as ``find_stack``.

    Args:
        command: gets ``find_stack``, and no options that choose a deployment.
        elsewhere: names of its parameters that go without such options.
    """

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
        source = click.get_current_context().get_parameter_source("stage")
        names_stage = source is click.core.ParameterSource.COMMANDLINE
        for name in elsewhere:
            if options.get(name) is not None and (local or profile or region or names_stage):
                raise click.UsageError(f"--{name} goes without --stage, --local, --profile and --region")
        if local and (profile or region or names_stage):
            raise click.UsageError("--local goes without --stage, --profile and --region")
        find = find_local_stack if local else partial(find_stack, stage, profile, region)
        return command(find_stack=find, **options)

    return with_options
