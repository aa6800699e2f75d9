"""The door for a shell: train a model, or draw cells to try it on."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from lambda_fn.cells import Preprocessing
from lambda_fn.model import MODEL_FOLDER

RUNS = Path("runs")
ARCHITECTURE = "2x2C1D"
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)
FOLDS = click.option("--folds", default=5, show_default=True, type=click.IntRange(2), help="Subject-disjoint folds.")
SEED = click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Repeats a run.")
SERVED_FROM = click.option(
    "--model-folder", default=MODEL_FOLDER, type=NEW_FOLDER, help="Gets the model.  [default: the one served]"
)


def _new_run_folder(out: Path | None, name: str) -> Path:
    out = out or RUNS / f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    if out.exists() and any(out.iterdir()):
        raise click.UsageError(f"{out} is not empty: name a new folder for the run.")
    return out


def _load_tensorflow(console: Console) -> None:
    from training import backend

    with console.status("Loading TensorFlow"):
        try:
            backend.import_quietly()
        except ImportError as error:
            raise click.ClickException(f"Training needs {error.name}: run it without --no-dev.") from error


@contextmanager
def _one_line_errors() -> Iterator[None]:
    from training.calibrate import CalibrationError
    from training.dataset import DatasetError
    from training.export import ParityError
    from training.pooled_features import PretrainedWeightsError

    try:
        yield
    except (DatasetError, CalibrationError, ParityError, PretrainedWeightsError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}.") from error


@click.group()
def train() -> None:
    """Train a model of your own."""


@train.command()
@click.argument("folder", type=FOLDER)
@FOLDS
@click.option("--epochs", default=30, show_default=True, type=click.IntRange(1), help="Most epochs of each training.")
@SEED
@click.option("--crop", default=288, show_default=True, type=click.IntRange(32), help="Side of the cut-out, pixels.")
@click.option("--size", default=96, show_default=True, type=click.IntRange(32), help="Side of the input, pixels.")
@click.option("--out", type=NEW_FOLDER, help="New folder for the run.  [default: runs/<architecture>-<time>]")
@SERVED_FROM
def run(
    folder: Path, folds: int, epochs: int, seed: int, crop: int, size: int, out: Path | None, model_folder: Path
) -> None:
    """Train, measure and ship a model from the labelled cells in FOLDER.

    FOLDER holds images named as in C-NMC 2019 at any depth, or a table labels.csv (path,label,subject). The run's
    folder gets checkpoints, logs, out-of-fold predictions and the model; a model that is replaced is kept there too.
    """
    out = _new_run_folder(out, ARCHITECTURE)
    if size > crop or size % 4:
        raise click.UsageError(f"--size {size}: must be a multiple of 4 and not above --crop {crop}.")
    console = Console(stderr=True)
    _load_tensorflow(console)

    from training.fit import Recipe
    from training.progress import RunProgress
    from training.run import Plan
    from training.run import run as run_plan

    plan = Plan(folder, Preprocessing(crop, size), Recipe(ARCHITECTURE, epochs, seed), folds, out, model_folder)
    try:
        with _one_line_errors():
            manifest = run_plan(plan, RunProgress(console))
    except KeyboardInterrupt:
        kept = len(list(out.glob("*/best.keras")))
        console.print(f"Stopped. Networks kept in {out}: {kept}, each the best of its training so far.", soft_wrap=True)
        raise
    click.echo(f"{manifest['version']} is in {model_folder}; the run is in {out}.")


@train.command()
@click.argument("folder", type=FOLDER)
@click.option(
    "--backbone-weights",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="MobileNet v1's weights of ImageNet as an .npz of <layer>__<weight>.  [default: Keras downloads them]",
)
@FOLDS
@SEED
@click.option("--out", type=NEW_FOLDER, help="New folder for the run.  [default: runs/recipe-<time>]")
@SERVED_FROM
def recipe(
    folder: Path, backbone_weights: Path | None, folds: int, seed: int, out: Path | None, model_folder: Path
) -> None:
    """Make the shipped model from the labelled cells in FOLDER.

    A network pretrained on photographs stays frozen; a small kernel machine learns from what it sees within each cell.
    Takes some minutes, and FOLDER as `run` does.
    """
    out = _new_run_folder(out, "recipe")
    console = Console(stderr=True)
    _load_tensorflow(console)

    from training.progress import RunProgress
    from training.recipe import cook

    with _one_line_errors():
        manifest = cook(folder, backbone_weights, folds, seed, out, model_folder, RunProgress(console))
    click.echo(f"{manifest['version']} is in {model_folder}; the run is in {out}.")


@click.command()
@click.argument("out", type=NEW_FOLDER)
@click.option("--count", required=True, type=click.IntRange(1), help="How many cells.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Repeats the cells.")
def samples(out: Path, count: int, seed: int) -> None:
    """Draw COUNT cells into OUT, with their labels.csv.

    They are drawn, not real: good to try every command on, useless to judge a model by.
    """
    from training.synthetic import write_samples

    with Progress(console=Console(stderr=True)) as bars:
        task = bars.add_task("Drawing cells", total=count)
        try:
            write_samples(out, count, seed, on_drawn=lambda _: bars.advance(task))
        except FileExistsError as error:
            raise click.UsageError(f"{error}.") from error
        except OSError as error:
            raise click.ClickException(f"{error.filename}: {error.strerror}.") from error
    click.echo(f"{count} drawn cells, not real ones, are in {out}.")


@click.group()
def main() -> None:
    """Run the commands of this package."""


main.add_command(train)
main.add_command(samples)

if __name__ == "__main__":
    main()
