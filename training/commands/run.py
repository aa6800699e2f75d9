"""``cellflag train run``."""

from pathlib import Path

import click
from rich.console import Console

from training.commands.options import (
    CELLS,
    LEARNING_RATE,
    NEW_FOLDER,
    OPTIMIZER,
    RUN,
    TrainingOptions,
    options_on_command_line,
    training_options,
)
from training.commands.shell import load_tensorflow, new_run_folder, one_line_errors


@click.command()
@click.argument("cells", type=CELLS, required=False)
@click.option("--architecture", default="2x2C1D", show_default=True, help="A name that `compare --help` lists.")
@training_options
@OPTIMIZER
@LEARNING_RATE
@click.option("--int8", is_flag=True, help="Export 8-bit integers, unless they decide otherwise.")
@click.option("--out", type=NEW_FOLDER, help="New folder for the run.  [default: runs/<architecture>-<time>]")
@click.option(
    "--resume", metavar="RUN", type=RUN, help="Go on with an interrupted run, with the options it began with."
)
@click.pass_context
def run(
    context: click.Context,
    cells: Path | None,
    options: TrainingOptions,
    architecture: str,
    optimizer: str | None,
    learning_rate: float,
    int8: bool,
    out: Path | None,
    resume: Path | None,
) -> None:
    """Train and measure a network on the labelled CELLS.

    CELLS is an index, or a folder of images named as in C-NMC 2019, or one with a labels.csv (path,label,subject).
    The run's folder gets checkpoints, logs, out-of-fold predictions and the model; `promote` then puts the model into
    service.

    After an interruption, --resume RUN goes on with a run: finished folds stay, and the unfinished one continues after
    its last whole epoch. Name CELLS again only if they have moved.
    """
    if resume and (others := options_on_command_line(context, without=("cells", "resume"))):
        raise click.UsageError(f"--resume takes its options from {resume}; leave out {', '.join(others)}.")
    if not resume and not cells:
        raise click.UsageError("name the labelled CELLS, or a run to --resume.")
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
                    options.preprocessing.size,
                    epochs=options.epochs,
                    seed=options.seed,
                    weights=options.weights,
                    optimizer=optimizer,
                    learning_rate=learning_rate,
                    balance=options.balance,
                )
                plan = Plan(cells, options.preprocessing, recipe, options.folds, out, options.weights, int8)
            else:
                plan, _ = read_plan(out, cells)
            manifest = make_network_model(plan, RunProgress(console))
    except KeyboardInterrupt:
        networks = len(list(out.glob("*/best*.keras")))
        console.print(f"Stopped. Networks in {out}: {networks}, each the best of its training so far.", soft_wrap=True)
        console.print(f"Go on with: cellflag train run --resume {out}", soft_wrap=True)
        raise
    click.echo(f"{manifest['version']} is in {out / MODEL}. Serve it with: cellflag train promote {out}")
