"""``cellflag train compare``."""

from pathlib import Path

import click
from rich.console import Console

from lambda_fn.manifest import Preprocessing
from training.commands.options import BALANCE, CELLS, CROP, FOLDS, NEW_FOLDER, SEED, SIZE, SPLIT, WEIGHTS, check_sizes
from training.commands.shell import load_tensorflow, one_line_errors
from training.networks.architectures import ARCHITECTURES

OUT = Path("runs/compare")


@click.command(
    epilog=f"Architectures: {', '.join(ARCHITECTURES)}; and majority, which says of every cell how common ALL is."
)
@click.argument("cells", type=CELLS)
@click.argument("names", nargs=-1)
@click.option("--epochs", default=30, show_default=True, type=click.IntRange(1), help="Most epochs of each training.")
@FOLDS
@SPLIT
@SEED
@CROP
@SIZE
@WEIGHTS
@BALANCE
@click.option("--most-cells", type=click.IntRange(1), help="Train on so many of the training cells.  [default: all]")
@click.option("--out", default=OUT, show_default=True, type=NEW_FOLDER, help="Folder of the comparison.")
def compare(
    cells: Path,
    names: tuple[str, ...],
    epochs: int,
    folds: int,
    split: Path | None,
    seed: int,
    crop: int,
    size: int,
    weights: str,
    balance: str,
    most_cells: int | None,
    out: Path,
) -> None:
    """Train the architectures NAMES, or all of them, on CELLS, and compare them on subjects that none has seen.

    CELLS are as in `run`. The first of the subject-disjoint folds is held out for measuring. A comparison that is
    interrupted goes on where it was when the same command is given again; other NAMES add rows to it. The table is
    printed and written to the folder, as comparison.csv, comparison.md and rows.json, beside the figures that the
    original work published.
    """
    check_sizes(crop, size)
    console = Console(stderr=True)
    load_tensorflow(console)

    from training.runs.comparison import MAJORITY, ComparisonPlan, compare_networks
    from training.runs.comparison_table import on_terminal, write_tables
    from training.runs.progress import RunProgress

    names = tuple(dict.fromkeys(names)) or (MAJORITY, *ARCHITECTURES)
    plan = ComparisonPlan(
        cells, Preprocessing(crop, size), names, epochs, seed, split or folds, out, weights, most_cells, balance
    )
    with one_line_errors():
        rows, missing = compare_networks(plan, RunProgress(console))
        write_tables(out, rows)
    Console().print(on_terminal(rows))
    for line in missing:
        console.print(f"left out: {line}", markup=False, soft_wrap=True)
    click.echo(f"The tables are in {out}.")
