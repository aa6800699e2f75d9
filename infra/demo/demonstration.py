"""The demonstration: cells go up to a local cloud, and each comes back with an answer."""

from pathlib import Path

import click
from rich.console import Console

from infra.demo import summary
from infra.demo.cells import Cell, find_cells
from infra.demo.round_trip import fetch_written, score_cells
from infra.local_cloud.deployment import Deployment, put_up
from infra.tools.steps import Steps


def cells_of(folder: Path) -> list[Cell]:
    """The images below `folder`; says how many other files were left out.

    Raises:
        click.UsageError: there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise click.UsageError(f"there is no folder {folder}")
    cells, others = find_cells(folder)
    if not cells:
        raise click.UsageError(
            f"there is no image below {folder}: name a folder of .bmp, .png, .jpg, .tif or .webp files"
        )
    left_out = f"; {others} other files are left out" if others else ""
    click.echo(f"{len(cells)} images below {folder}{left_out}.")
    return cells


def drawn_cells(folder: Path, count: int, seed: int) -> list[Cell]:
    """Draw `count` cells into `folder`."""
    from training.synthetic.samples import write_samples

    write_samples(folder, count, seed)
    click.echo(f"{count} sample cells, drawn by a program: their scores say nothing about real ones.")
    return find_cells(folder)[0]


def free_folder(wanted: Path | None) -> Path:
    """Where results go: `wanted`, or else cellflag-demo, cellflag-demo-2 and so on, the first that holds nothing yet.

    Raises:
        click.UsageError: `wanted` holds something already.
    """
    number = 1
    while True:
        folder = wanted or Path("cellflag-demo" if number == 1 else f"cellflag-demo-{number}")
        if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
            return folder
        if wanted:
            raise click.UsageError(f"{wanted} is there already and not empty: name another folder with --out")
        number += 1


def demonstrate(cells: list[Cell], home: Path, out: Path) -> Deployment:
    """Put the stack up in `home`, have `cells` scored, print what came of it, and copy it to `out`."""
    with Steps(Console(stderr=True)) as steps:
        deployment = put_up(home, steps)
        answers = score_cells(deployment, cells, steps)
    fetch_written(deployment, out)
    console = Console(highlight=False)
    console.print()
    console.print(summary.table(answers))
    if len(answers) > summary.MOST_ROWS:
        console.print(f"... and {len(answers) - summary.MOST_ROWS} more")
    console.print()
    for line in summary.summary(answers):
        click.echo(line)
    click.echo(f"Results: {out / 'results'}. What a person should look at: {out / 'review'}.")
    return deployment
