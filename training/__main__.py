"""The commands of this package: train a model, draw cells to try it on, or show where cells are found."""

import click

from training.commands.lazy_group import LazyGroup
from training.commands.masks import masks
from training.commands.samples import samples

# Commands of `train`, in the order of a researcher's work. Each is in the module of its name below `training.commands`,
# which imports large libraries inside its functions.
COMMANDS = (
    "index",
    "explore",
    "judge-masks",
    "split",
    "run",
    "recipe",
    "evaluate",
    "compare",
    "promote",
    "sagemaker",
)


@click.group(cls=LazyGroup, modules={name: f"training.commands.{name.replace('-', '_')}" for name in COMMANDS})
def train() -> None:
    """Train a model of your own, from labelled cells to the one that is served.

    The commands are listed in the order of the work: list the cells, look at them, split them by subjects, train, judge
    by subjects that the model never saw, promote. `--help` of each explains the rest.
    """


@click.group()
def main() -> None:
    """Run the commands of this package."""


main.add_command(train)
main.add_command(samples)
main.add_command(masks)

if __name__ == "__main__":
    main()
