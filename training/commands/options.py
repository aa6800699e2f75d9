"""Arguments and options that several commands share."""

from pathlib import Path

import click
from click.core import ParameterSource

from training.fitting.balance import BALANCES
from training.networks.architectures import OPTIMIZERS
from training.networks.pretrained import IMAGENET, NO_WEIGHTS

CELLS = click.Path(exists=True, path_type=Path)
"""An index, a table, or a folder of labelled cells."""
RUN = click.Path(exists=True, file_okay=False, path_type=Path)
"""The folder of a run."""
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)
FOLDS = click.option("--folds", default=5, show_default=True, type=click.IntRange(2), help="Subject-disjoint folds.")
SPLIT = click.option(
    "--split", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Folds from `train split`."
)
SEED = click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Repeats a run.")
CROP = click.option(
    "--crop", default=288, show_default=True, type=click.IntRange(32), help="Side of the cut-out, pixels."
)
SIZE = click.option("--size", default=96, show_default=True, type=click.IntRange(32), help="Side of the input, pixels.")
OPTIMIZER = click.option("--optimizer", type=click.Choice(list(OPTIMIZERS)), help="[default: the architecture's own]")
LEARNING_RATE = click.option(
    "--learning-rate", default=1e-3, show_default=True, type=click.FloatRange(0, min_open=True), help="At first."
)
BALANCE = click.option(
    "--balance",
    default=BALANCES[0],
    show_default=True,
    type=click.Choice(BALANCES),
    help="Of the classes in training: weigh cells, leave ALL cells out until they are 55 %, or nothing.",
)


def _weights(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if value in (IMAGENET, NO_WEIGHTS) or Path(value).is_file():
        return value
    raise click.BadParameter(f"{value} is neither {IMAGENET} nor {NO_WEIGHTS} nor a file.")


WEIGHTS = click.option(
    "--weights",
    metavar=f"{IMAGENET}|{NO_WEIGHTS}|FILE",
    default=IMAGENET,
    show_default=True,
    callback=_weights,
    help="First weights of a pretrained architecture: downloaded, random, or from Keras' .h5 without the classifier "
    "or an .npz of <layer>__<weight>.",
)


def check_sizes(crop: int, size: int) -> None:
    """Nothing is enlarged: the input's side must not exceed that of the cut-out."""
    if size > crop:
        raise click.UsageError(f"--size {size}: must not be above --crop {crop}.")


def given(context: click.Context, but: tuple[str, ...]) -> list[str]:
    """Options that were named on the command line, as a user writes them, but for some parameters."""
    named = (name for name in context.params if name not in but)
    said = [name for name in named if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    return [f"--{name.replace('_', '-')}" for name in said]
