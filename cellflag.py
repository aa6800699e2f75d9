"""The ``cellflag`` command: one name for the shell doors of the three packages."""

import sys
from importlib import import_module

import click

from lambda_fn.errors import ScoringError

# A command's module is imported when the command is called: `cellflag score` must not wait for a training library.
DOORS = {
    "demo": "infra.commands.demo",
    "local": "infra.commands.local",
    "score": "lambda_fn.__main__",
    "status": "infra.commands.status",
    "results": "infra.commands.results",
    "redrive": "infra.commands.redrive",
    "backfill": "infra.commands.backfill",
    "samples": "training.commands.samples",
    "train": "training.__main__",
}


class Doors(click.Group):
    """A group whose commands live in the packages' doors."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, in the order in which a newcomer meets them."""
        return list(DOORS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command's door; None for an unknown name."""
        if cmd_name not in DOORS:
            return None
        command: click.Command = getattr(import_module(DOORS[cmd_name]), cmd_name)
        return command


@click.command(cls=Doors)
@click.version_option(package_name="cellflag")
def cellflag() -> None:
    """Score images of single white blood cells for acute lymphoblastic leukaemia."""


def main() -> None:
    """Run the command line; what a user got wrong becomes one line and exit code 2."""
    try:
        sys.exit(cellflag.main(standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        sys.exit(2)
    except click.ClickException as error:
        click.echo(f"cellflag: {' '.join(error.format_message().split())}", err=True)
        sys.exit(error.exit_code)
    except ScoringError as error:
        click.echo(f"cellflag: {' '.join(str(error).split())}", err=True)
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        click.echo("cellflag: stopped.", err=True)
        sys.exit(130)
