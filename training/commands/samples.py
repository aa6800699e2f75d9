"""``cellflag samples``."""

from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from training.commands.options import NEW_FOLDER
from training.commands.shell import one_line_errors


@click.command()
@click.argument("out", type=NEW_FOLDER)
@click.option("--count", required=True, type=click.IntRange(1), help="Number of cells.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Repeats the cells.")
def samples(out: Path, count: int, seed: int) -> None:
    """Draw COUNT cells into OUT, with their labels.csv.

    They are drawn, not real: use them to try commands, never to judge a model.
    """
    from training.synthetic.samples import write_samples

    with one_line_errors(), Progress(console=Console(stderr=True)) as bars:
        task = bars.add_task("Drawing cells", total=count)
        try:
            write_samples(out, count, seed, on_drawn=lambda _: bars.advance(task))
        except FileExistsError as error:
            raise click.UsageError(f"{error}.") from error
    click.echo(f"{count} drawn cells, not real ones, are in {out}.")
