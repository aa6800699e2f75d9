"""The door for a shell: train a model, or draw cells to try it on."""

from importlib import import_module

import click

from training.commands.samples import samples

# Each lives in the module of its name below `training.commands`, in the order in which a researcher meets them. Modules
# are imported when a command is called; they import what is heavy inside their functions.
COMMANDS = (
    "index",
    "explore",
    "split",
    "run",
    "recipe",
    "evaluate",
    "compare",
    "promote",
    "sagemaker",
)


class Commands(click.Group):
    """A group whose commands are imported by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"training.commands.{cmd_name.replace('-', '_')}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command


@click.group(cls=Commands)
def train() -> None:
    """Train a model of your own, from labelled cells to the one that is served.

    The commands stand in the order of the work: list what there is, look at it, split it by subjects, train, judge by
    subjects that the model never saw, promote. Each tells the rest with --help.
    """


@click.group()
def main() -> None:
    """Run the commands of this package."""


main.add_command(train)
main.add_command(samples)

if __name__ == "__main__":
    main()
