"""``cellflag train run``."""

from collections.abc import Iterator
from contextlib import contextmanager
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
from training.commands.shell import load_tensorflow, one_line_errors
from training.runs.run_folder import hold, take_new


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
    console = Console(stderr=True)
    with one_line_errors(), _take_folder(resume, out, architecture) as out:
        load_tensorflow(console)

        from training.fitting.recipes import new_network_recipe
        from training.runs.network import make_network_model
        from training.runs.plan import Plan, read_plan
        from training.runs.progress import RunProgress
        from training.shipping.model_folder import MODEL

        try:
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
            _show_what_is_left(out, console)
            raise
    click.echo(f"{manifest['version']} is in {out / MODEL}. Serve it with: cellflag train promote {out}")


@contextmanager
def _take_folder(resume: Path | None, out: Path | None, name: str) -> Iterator[Path]:
    """The folder of a run that goes on, or of a new one; no other process works in it meanwhile."""
    if resume:
        with hold(resume):
            yield resume
    else:
        with take_new(out, name) as folder:
            yield folder


def _show_what_is_left(out: Path, console: Console) -> None:
    """Print what a run that was stopped keeps, and how it goes on."""
    from training.runs.plan import PLAN

    if not (out / PLAN).exists():
        console.print("Stopped before the training began. Nothing is kept: start the run again.", soft_wrap=True)
        return
    networks = len(list(out.glob("*/best*.keras")))
    console.print(f"Stopped. Networks in {out}: {networks}, each the best of its training so far.", soft_wrap=True)
    console.print(f"Go on with: cellflag train run --resume {out}", soft_wrap=True)
