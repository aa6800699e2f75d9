"""The demonstration: the whole system on this machine, without an account at AWS."""

import tempfile
from pathlib import Path

import click

# What a command needs is imported when it runs: `cellflag --help` waits for none of it.


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--count", default=24, show_default=True, type=click.IntRange(1, 1000), help="How many cells to draw.")
@click.option("--seed", default=0, show_default=True, help="Another seed draws other cells.")
@click.option("--out", type=click.Path(path_type=Path), help="Where results go; cellflag-demo if not given.")
@click.option("--keep", is_flag=True, help="Leave the local cloud up; `cellflag local down` ends it.")
def demo(folder: Path | None, count: int, seed: int, out: Path | None, keep: bool) -> None:
    """Deploy cellflag to a local cloud and score cells there.

    Scores every image below FOLDER, or, without one, cells that a program draws. It needs no account at AWS and no
    Docker, and leaves nothing behind but the results.
    """
    from infra.demo.demonstration import cells_of, demonstrate, drawn_cells, free_folder
    from infra.local_cloud.homes import home_for, print_access

    out = free_folder(out)
    with tempfile.TemporaryDirectory(prefix="cellflag-cells-") as drawn, home_for(keep=keep) as home:
        cells = cells_of(folder) if folder else drawn_cells(Path(drawn), count, seed)
        deployment = demonstrate(cells, home, out)
    if keep:
        print_access(deployment)
