"""The door for a shell: the whole system on this machine, without an account at AWS."""

import tempfile
from pathlib import Path

import click

# What a command needs is imported when it runs: `cellflag --help` waits for none of it.


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--count", default=24, show_default=True, type=click.IntRange(1, 1000), help="How many cells to draw.")
@click.option("--seed", default=0, show_default=True, help="Another seed draws other cells.")
@click.option("--out", type=click.Path(path_type=Path), help="Where results go; cellflag-demo if not given.")
@click.option("--keep", is_flag=True, help="Leave the local cloud up; `cellflag local down` ends it.")
def demo(folder: Path | None, count: int, seed: int, out: Path | None, keep: bool) -> None:
    """Deploy cellflag to a local cloud and score cells there.

    Scores every image below FOLDER, or, without one, cells that a program draws. It needs no account at AWS and no
    Docker, and leaves nothing behind but the results.
    """
    from infra.demo import cells_of, demonstrate, drawn_cells, free_folder
    from infra.homes import home_for, print_access

    out = free_folder(out)
    with tempfile.TemporaryDirectory(prefix="cellflag-cells-") as drawn, home_for(keep=keep) as home:
        cells = cells_of(folder) if folder else drawn_cells(Path(drawn), count, seed)
        deployment = demonstrate(cells, home, out)
    if keep:
        print_access(deployment)


@click.group()
def local() -> None:
    """Keep cellflag up on this machine, for `aws s3 cp` and for programs."""


@local.command()
def up() -> None:
    """Deploy cellflag to a local cloud and leave it up."""
    from rich.console import Console

    from infra.deployment import deployed, put_up
    from infra.homes import KEPT, home_for, print_access
    from infra.steps import Steps

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
    from infra.homes import KEPT
    from infra.local import stop

    click.echo("The local cloud is down." if stop(KEPT) else "The local cloud was not up.")


@local.command()
@click.pass_context
def status(context: click.Context) -> None:
    """Tell whether the local cloud is up, and how to reach it; exit code 1 if it is not."""
    from infra.deployment import deployed
    from infra.homes import KEPT, print_access
    from infra.local import running

    cloud, deployment = running(KEPT), deployed(KEPT)
    if cloud is None:
        click.echo("The local cloud is not up.")
        context.exit(1)
    click.echo(f"The local cloud is up: process {cloud.pid}, port {cloud.port}, logs in {KEPT}.")
    if deployment is None:
        click.echo("Nothing is deployed there yet.")
        context.exit(1)
    print_access(deployment)


if __name__ == "__main__":
    click.Group("infra", commands=[demo, local])()
