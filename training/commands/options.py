"""Arguments and options that several commands share."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from lambda_fn.preprocessing import Preprocessing
from training.fitting.balance import BALANCES
from training.networks.architectures import OPTIMIZERS
from training.networks.pretrained import IMAGENET, NO_WEIGHTS

# An index, a table, or a folder of labelled cells.
CELLS = click.Path(exists=True, path_type=Path)
# The folder of a run.
RUN = click.Path(exists=True, file_okay=False, path_type=Path)
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)

EPOCHS = click.option(
    "--epochs", default=30, show_default=True, type=click.IntRange(1), help="Most epochs of each training."
)
FOLDS = click.option(
    "--folds", default=5, show_default=True, type=click.IntRange(2), help="Number of subject-disjoint folds."
)
SPLIT = click.option(
    "--split",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of folds from `train split`, instead of new ones.",
)
SEED = click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0), help="The same seed repeats a run exactly."
)
CROP = click.option(
    "--crop",
    default=288,
    show_default=True,
    type=click.IntRange(32),
    help="Side of the square around a cell, in pixels of its image.",
)
SIZE = click.option(
    "--size",
    default=96,
    show_default=True,
    type=click.IntRange(32),
    help="Side of the network's input, in pixels: the square is scaled down to it.",
)
OPTIMIZER = click.option(
    "--optimizer", type=click.Choice(list(OPTIMIZERS)), help="Optimizer.  [default: the architecture's own]"
)
LEARNING_RATE = click.option(
    "--learning-rate",
    default=1e-3,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Initial learning rate.",
)
BALANCE = click.option(
    "--balance",
    default=BALANCES[0],
    show_default=True,
    type=click.Choice(BALANCES),
    help="How training evens out the two classes: it gives cells weights, or leaves out cells of the class ALL above "
    "55 %, or does nothing.",
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
    help=f"Initial weights of a pretrained architecture: {IMAGENET} downloads them, {NO_WEIGHTS} draws them at random. "
    "A FILE is Keras' .h5 without the classifier, or an .npz with arrays named <layer>__<weight>. EfficientNetLite0 "
    f"reads {IMAGENET} from an installed package, and takes a .pth as a FILE.",
)


@dataclass(frozen=True)
class TrainingOptions:
    """The options that all commands share that train networks.

    Attributes:
        epochs: most epochs of each training.
        folds: number of subject-disjoint folds, or the file that holds them.
        seed: repeats a run.
        preprocessing: how pixels become model input.
        weights: of a pretrained architecture: ``"imagenet"``, ``"none"`` or a file.
        balance: a name in ``BALANCES``.
    """

    epochs: int
    folds: int | Path
    seed: int
    preprocessing: Preprocessing
    weights: str
    balance: str


def training_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of ``TrainingOptions``, which it gets as its argument ``options``."""

    @wraps(command)
    def with_options(
        *arguments: Any,  # noqa: ANN401 - whatever click passes to the command
        epochs: int,
        folds: int,
        split: Path | None,
        seed: int,
        crop: int,
        size: int,
        weights: str,
        balance: str,
        **others: Any,  # noqa: ANN401 - as above
    ) -> None:
        check_sizes(crop, size)
        options = TrainingOptions(epochs, split or folds, seed, Preprocessing(crop, size), weights, balance)
        command(*arguments, options=options, **others)

    for option in (BALANCE, WEIGHTS, SIZE, CROP, SEED, SPLIT, FOLDS, EPOCHS):  # --help lists the last one first
        option(with_options)
    return with_options


def check_sizes(crop: int, size: int) -> None:
    """Refuse to enlarge an image.

    Raises:
        click.UsageError: the input's side exceeds the side of the square that it is made from.
    """
    if size > crop:
        raise click.UsageError(f"--size {size}: must not be above --crop {crop}.")


def options_on_command_line(context: click.Context, without: tuple[str, ...]) -> list[str]:
    """Options of the command line as a user writes them, without some parameters."""
    return [
        f"--{name.replace('_', '-')}"
        for name in context.params
        if name not in without and context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
