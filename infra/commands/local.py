"""Keep cellflag up on this machine."""

import click

# What a command needs is imported when it runs: `cellflag --help` waits for none of it.


@click.group()
def local() -> None:
    """Keep cellflag up on this machine, for `aws s3 cp` and for programs."""


@local.command()
def up() -> None:
    """Deploy cellflag to a local cloud and leave it up."""
    from rich.console import Console

    from infra.local_cloud.deployment import deployed, put_up
    from infra.local_cloud.homes import KEPT, home_for, print_access
    from infra.tools.steps import Steps

    deployment = deployed(KEPT)
    if deployment:
        click.echo("The local cloud is up already.")
    else:
        with home_for(keep=True) as home, Steps(Console(stderr=True)) as steps:
            deployment = put_up(home, steps)
    print_access(deployment)


@local.command()
def down() -> None:
    """End the local cloud, with all images and results in it."""
    from infra.local_cloud.emulator import stop
    from infra.local_cloud.homes import KEPT

    click.echo("The local cloud is down." if stop(KEPT) else "The local cloud was not up.")


@local.command()
@click.pass_context
def status(context: click.Context) -> None:
    """Tell whether the local cloud is up, and how to reach it; exit code 1 if it is not."""
    from infra.local_cloud.deployment import deployed
    from infra.local_cloud.emulator import running
    from infra.local_cloud.homes import KEPT, print_access

    cloud, deployment = running(KEPT), deployed(KEPT)
    if cloud is None:
        click.echo("The local cloud is not up.")
        context.exit(1)
    click.echo(f"The local cloud is up: process {cloud.pid}, port {cloud.port}, logs in {KEPT}.")
    if deployment is None:
        click.echo("Nothing is deployed there yet.")
        context.exit(1)
    print_access(deployment)
