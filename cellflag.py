"""The ``cellflag`` command: the commands of all three packages under one name."""

import sys

import click

from lambda_fn.errors import ScoringError
from lambda_fn.terminal import escape_what_cannot_be_encoded, printable
from training.commands.lazy_group import LazyGroup

# The module of each command, in the order in which a newcomer meets them.
MODULES = {
    "demo": "infra.commands.demo",
    "local": "infra.commands.local",
    "masks": "training.commands.masks",
    "score": "lambda_fn.__main__",
    "status": "infra.commands.status",
    "results": "infra.commands.results",
    "explain": "infra.commands.explain",
    "review": "infra.commands.review",
    "report": "infra.commands.report",
    "promise": "infra.commands.promise",
    "recalibrate": "infra.commands.recalibrate",
    "redrive": "infra.commands.redrive",
    "backfill": "infra.commands.backfill",
    "erase": "infra.commands.erase",
    "samples": "training.commands.samples",
    "train": "training.__main__",
}
# A module of these packages that is missing is a fault of the program, no library to install.
OWN_PACKAGES = ("infra", "lambda_fn", "training")
# The exit code after Ctrl-C.
INTERRUPTED = 130


def explain(error: Exception) -> str | None:
    """Say in one line what is wrong and what to do; None if no user can put the error right."""
    match error:
        case ScoringError():
            return str(error)
        case ModuleNotFoundError() if error.name and error.name.partition(".")[0] not in OWN_PACKAGES:
            return f"This command needs {error.name}: run it without --no-dev."
        case OSError() if error.filename:
            return f"{error.filename}: {error.strerror}."
    from botocore.exceptions import BotoCoreError, ClientError  # here, so that `cellflag --help` does not wait for it

    if isinstance(error, BotoCoreError | ClientError):
        from infra.operate import aws_errors

        return aws_errors.explain(error)
    return None


class CommandLine(LazyGroup):
    """The group of all commands. It alone turns errors that a user can put right into one line."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command.

        Raises:
            click.ClickException: an error that a user can put right.
        """
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            sentence = explain(error)
            if sentence is None:
                raise
            raise click.ClickException(sentence) from error


@click.command(cls=CommandLine, modules=MODULES)
@click.version_option(package_name="cellflag")
def cellflag() -> None:
    """Score images of single white blood cells for acute lymphoblastic leukaemia."""


def main() -> None:
    """Run the command line. An error that a user can put right is shown as one line, without a traceback."""
    escape_what_cannot_be_encoded()
    try:
        sys.exit(cellflag.main(standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"cellflag: {printable(' '.join(error.format_message().split()))}", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("cellflag: stopped.", err=True)
        sys.exit(INTERRUPTED)
