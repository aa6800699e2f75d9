"""``cellflag train run``."""

from pathlib import Path

import click
from rich.console import Console

from lambda_fn.cells import Preprocessing
from training.commands.options import CELLS, FOLDS, NEW_FOLDER, SEED, SERVED_FROM, SPLIT
from training.commands.surroundings import load_tensorflow, new_run_folder, one_line_errors

ARCHITECTURE = "2x2C1D"


@click.command()
@click.argument("cells", type=CELLS)
@FOLDS
@SPLIT
@click.option("--epochs", default=30, show_default=True, type=click.IntRange(1), help="Most epochs of each training.")
@SEED
@click.option("--crop", default=288, show_default=True, type=click.IntRange(32), help="Side of the cut-out, pixels.")
@click.option("--size", default=96, show_default=True, type=click.IntRange(32), help="Side of the input, pixels.")
@click.option("--out", type=NEW_FOLDER, help="New folder for the run.  [default: runs/<architecture>-<time>]")
@SERVED_FROM
def run(
    cells: Path,
    folds: int,
    split: Path | None,
    epochs: int,
    seed: int,
    crop: int,
    size: int,
    out: Path | None,
    model_folder: Path,
) -> None:
    """Train, measure and ship a model from the labelled cells of CELLS.

    CELLS is an index, or a folder of images named as in C-NMC 2019, or one with a labels.csv (path,label,subject).
    The run's folder gets checkpoints, logs, out-of-fold predictions and the model; a model that is replaced is kept
    there too.
    """
    out = new_run_folder(out, ARCHITECTURE)
    if size > crop or size % 4:
        raise click.UsageError(f"--size {size}: must be a multiple of 4 and not above --crop {crop}.")
    console = Console(stderr=True)
    load_tensorflow(console)

    from training.fit import Recipe
    from training.progress import RunProgress
    from training.run import Plan
    from training.run import run as run_plan

    plan = Plan(cells, Preprocessing(crop, size), Recipe(ARCHITECTURE, epochs, seed), split or folds, out, model_folder)
    try:
        with one_line_errors():
            manifest = run_plan(plan, RunProgress(console))
    except KeyboardInterrupt:
        kept = len(list(out.glob("*/best.keras")))
        console.print(f"Stopped. Networks kept in {out}: {kept}, each the best of its training so far.", soft_wrap=True)
        raise
    click.echo(f"{manifest['version']} is in {model_folder}; the run is in {out}.")
