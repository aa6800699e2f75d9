"""``cellflag train explore``."""

from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from lambda_fn.manifest import GRAPH_FILE, MODEL_FOLDER
from training.commands.options import CELLS, SEED
from training.commands.shell import one_line_errors


@click.command()
@click.argument("cells", type=CELLS)
@click.option(
    "--out", default="exploration.html", show_default=True, type=click.Path(dir_okay=False, path_type=Path),
    help="New file for the report.",
)  # fmt: skip
@click.option(
    "--model-folder", default=MODEL_FOLDER, type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Model whose network is drawn.  [default: the one served]",
)  # fmt: skip
@SEED
def explore(cells: Path, out: Path, model_folder: Path, seed: int) -> None:
    """Look at labelled CELLS before training on them.

    Writes one HTML file: sample cells and the mean cell of each class, the balance of classes and subjects, size and
    colour with statistics over subjects, and the network that reads them. CELLS is an index or a folder.
    """
    if out.exists():
        raise click.UsageError(f"{out} exists already: name a new file.")
    console = Console(stderr=True)
    with one_line_errors():
        from training.data import exploration
        from training.data.sources import find_cells
        from training.report.exploration import write_report

        title, labelled_cells = find_cells(cells)
        with Progress(console=console) as bars:
            task = bars.add_task("Measuring cells", total=len(labelled_cells))
            result = exploration.explore(labelled_cells, seed, lambda done, total: bars.update(task, completed=done))
        with console.status("Drawing"):
            write_report(out, title, result, model_folder if (model_folder / GRAPH_FILE).is_file() else None)
    click.echo(f"{out}: {len(result.is_all):,} cells of {len(set(result.subjects))} subjects.")
