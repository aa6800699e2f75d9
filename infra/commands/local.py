"""``cellflag local``."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from infra.deployed_stack import DeployedStack

# The commands import large libraries when they run, so that `cellflag --help` does not wait for them.


@click.group()
def local() -> None:
    """Run cellflag on a local cloud, for `aws s3 cp` and for programs."""


@local.command()
def up() -> None:
    """Deploy cellflag to a local cloud and leave it up."""
    from rich.console import Console

    from infra.local_cloud.deployment import deployed, put_up
    from infra.local_cloud.lifetime import LASTING_FOLDER, cloud_folder
    from infra.tools.steps import Steps

    stack = deployed(LASTING_FOLDER)
    if stack:
        click.echo("The local cloud is up already.")
    else:
        with cloud_folder(keep=True) as folder, Steps(Console(stderr=True)) as steps:
            stack = put_up(folder, steps)
    print_access(stack)


@local.command()
def down() -> None:
    """End the local cloud and delete all images and results in it."""
    from infra.local_cloud.emulator import stop
    from infra.local_cloud.lifetime import LASTING_FOLDER

    click.echo("The local cloud is down." if stop(LASTING_FOLDER) else "The local cloud was not up.")


@local.command()
@click.pass_context
def status(context: click.Context) -> None:
    """Show whether the local cloud is up and how to reach it.

    The exit code is 1 if the cloud is down or nothing is deployed there.
    """
    from infra.local_cloud.deployment import deployed
    from infra.local_cloud.emulator import running
    from infra.local_cloud.lifetime import LASTING_FOLDER

    cloud, stack = running(LASTING_FOLDER), deployed(LASTING_FOLDER)
    if cloud is None:
        click.echo("The local cloud is not up.")
        context.exit(1)
    click.echo(f"The local cloud is up: process {cloud.pid}, port {cloud.port}, logs in {LASTING_FOLDER}.")
    if stack is None:
        click.echo("Nothing is deployed there yet.")
        context.exit(1)
    print_access(stack)


def print_access(stack: "DeployedStack") -> None:
    """Print the environment variables with which AWS tools reach a local cloud, and the names of buckets and queues."""
    from infra.local_cloud.isolation import exports

    for name, value in exports(stack.s3.meta.endpoint_url).items():
        click.echo(f"export {name}={value}")
    for name, value in sorted(stack.outputs.items()):
        click.echo(f"# {name}: {value}")
    click.echo(f"# aws s3 cp cell.bmp s3://{stack.images}/ && aws s3 ls --recursive s3://{stack.results}/")
