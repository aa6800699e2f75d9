"""``cellflag train run``."""

from pathlib import Path

import click
from rich.console import Console

from lambda_fn.manifest import Preprocessing
from training.commands.options import (
    BALANCE,
    CELLS,
    CROP,
    FOLDS,
    LEARNING_RATE,
    NEW_FOLDER,
    OPTIMIZER,
    RUN,
    SEED,
    SIZE,
    SPLIT,
    WEIGHTS,
    check_sizes,
    given,
)
from training.commands.shell import load_tensorflow, new_run_folder, one_line_errors


@click.command()
@click.argument("cells", type=CELLS, required=False)
@click.option("--architecture", default="2x2C1D", show_default=True, help="Of those that `compare --help` lists.")
@FOLDS
@SPLIT
@click.option("--epochs", default=30, show_default=True, type=click.IntRange(1), help="Most epochs of each training.")
@SEED
@CROP
@SIZE
@WEIGHTS
@OPTIMIZER
@LEARNING_RATE
@BALANCE
@click.option("--int8", is_flag=True, help="Export 8-bit integers; refused if they decide otherwise.")
@click.option("--out", type=NEW_FOLDER, help="New folder for the run.  [default: runs/<architecture>-<time>]")
@click.option("--resume", metavar="RUN", type=RUN, help="Go on with an interrupted run; its options hold.")
@click.pass_context
def run(
    context: click.Context,
    cells: Path | None,
    architecture: str,
    folds: int,
    split: Path | None,
    epochs: int,
    seed: int,
    crop: int,
    size: int,
    weights: str,
    optimizer: str | None,
    learning_rate: float,
    balance: str,
    int8: bool,
    out: Path | None,
    resume: Path | None,
) -> None:
    """Train and measure a network on the labelled CELLS.

    CELLS is an index, or a folder of images named as in C-NMC 2019, or one with a labels.csv (path,label,subject).
    The run's folder gets checkpoints, logs, out-of-fold predictions and the model; `promote` then puts the model into
    service.

    A run that was stopped or killed goes on with --resume RUN: finished folds are kept, and the one at work continues
    after its last whole epoch. CELLS are named then only if they have moved.
    """
    if resume and (others := given(context, but=("cells", "resume"))):
        raise click.UsageError(f"--resume takes its options from {resume}; leave out {', '.join(others)}.")
    if not resume and not cells:
        raise click.UsageError("name the labelled CELLS, or a run to --resume.")
    check_sizes(crop, size)
    out = resume or new_run_folder(out, architecture)
    console = Console(stderr=True)
    load_tensorflow(console)

    from training.fitting.recipes import new_network_recipe
    from training.runs.network import make_network_model
    from training.runs.plan import Plan, read_plan
    from training.runs.progress import RunProgress
    from training.shipping.model_folder import MODEL

    try:
        with one_line_errors():
            if cells and not resume:
                recipe = new_network_recipe(
                    architecture,
                    size,
                    epochs=epochs,
                    seed=seed,
                    weights=weights,
                    optimizer=optimizer,
                    learning_rate=learning_rate,
                    balance=balance,
                )
                plan = Plan(cells, Preprocessing(crop, size), recipe, split or folds, out, weights, int8)
            else:
                plan, _ = read_plan(out, cells)
            manifest = make_network_model(plan, RunProgress(console))
    except KeyboardInterrupt:
        networks = len(list(out.glob("*/best*.keras")))
        console.print(f"Stopped. Networks in {out}: {networks}, each the best of its training so far.", soft_wrap=True)
        console.print(f"Go on with: cellflag train run --resume {out}", soft_wrap=True)
        raise
    click.echo(f"{manifest['version']} is in {out / MODEL}. Serve it with: cellflag train promote {out}")
