"""``cellflag train compare``."""

from pathlib import Path

import click
from rich.console import Console

from training.commands.options import CELLS, NEW_FOLDER, TrainingOptions, training_options
from training.commands.shell import load_tensorflow, one_line_errors
from training.networks.architectures import ARCHITECTURES
from training.runs.run_folder import hold

OUT = Path("runs/compare")


@click.command(
    epilog=f"Architectures: {', '.join(ARCHITECTURES)}; majority, which gives every cell the same probability: the "
    "share of the class ALL in training; and recipe, which makes the shipped model."
)
@click.argument("cells", type=CELLS)
@click.argument("names", nargs=-1)
@training_options
@click.option("--most-cells", type=click.IntRange(1), help="Most cells to train on.  [default: no limit]")
@click.option("--out", default=OUT, show_default=True, type=NEW_FOLDER, help="Folder of the comparison.")
def compare(cells: Path, names: tuple[str, ...], options: TrainingOptions, most_cells: int | None, out: Path) -> None:
    """Train every architecture, or those that NAMES names, on CELLS, and measure all on the same unseen subjects.

    CELLS are as in `run`. A file of `train split` names the cells to train on, the cells that stop each training
    (validation), and the cells to measure (test). Without --split, the first of the subject-disjoint folds is measured.

    After an interruption, the same command goes on with the comparison. Other NAMES add rows to it, and so do other
    --weights, --epochs and --most-cells. The table is printed and written to the folder, as comparison.csv,
    comparison.md and rows.json, beside the figures that the original work published. Intervals cover 95 % of a
    bootstrap over the measured subjects.
    """
    console = Console(stderr=True)
    load_tensorflow(console)

    from training.runs.comparison import MAJORITY, ComparisonPlan, compare_networks
    from training.runs.comparison_recipe import RECIPE
    from training.runs.comparison_table import intervals_on_terminal, on_terminal, write_tables
    from training.runs.progress import RunProgress

    plan = ComparisonPlan(
        cells,
        options.preprocessing,
        tuple(dict.fromkeys(names)) or (MAJORITY, RECIPE, *ARCHITECTURES),
        options.epochs,
        options.seed,
        options.folds,
        out,
        options.weights,
        most_cells,
        options.balance,
    )
    with one_line_errors(), hold(out):
        rows, missing = compare_networks(plan, RunProgress(console))
        write_tables(out, rows)
    Console().print(on_terminal(rows), "", "95 % intervals over subjects", "", intervals_on_terminal(rows), sep="\n")
    for line in missing:
        console.print(f"left out: {line}", markup=False, soft_wrap=True)
    click.echo(f"The tables are in {out}.")
