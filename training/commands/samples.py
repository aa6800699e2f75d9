"""``cellflag samples``."""

from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from training.commands.options import NEW_FOLDER
from training.commands.shell import one_line_errors
from training.synthetic.smear_names import SCALES, STAINS, ScaleName, StainName


@click.command()
@click.argument("out", type=NEW_FOLDER)
@click.option("--count", required=True, type=click.IntRange(1), help="Number of cells.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Repeats the cells.")
@click.option(
    "--background",
    default="black",
    show_default=True,
    type=click.Choice(["black", "smear"]),
    help="Cells cut out onto black, or crops of smears with red cells and platelets around the cell.",
)
@click.option("--stain", type=click.Choice(STAINS), help="Of the smears. By default each subject has one of the two.")
@click.option("--scale", type=click.Choice(SCALES), help="Of the smears. By default each subject has one of the two.")
@click.option(
    "--masks",
    is_flag=True,
    help="Write cell-0001.mask.png beside each smear: 255 its true nucleus, 128 its cytoplasm. `score` takes them for "
    "images, too.",
)
def samples(
    out: Path, count: int, seed: int, background: str, stain: StainName | None, scale: ScaleName | None, masks: bool
) -> None:
    """Draw COUNT cells into OUT, with their labels.csv.

    They are drawn, not real: use them to try commands, never to judge a model.
    """
    from training.synthetic.samples import Smears, write_samples

    if background == "black" and (stain or scale or masks):
        raise click.UsageError("--stain, --scale and --masks are for --background smear.")
    smears = Smears(stain, scale, masks) if background == "smear" else None
    with one_line_errors(), Progress(console=Console(stderr=True)) as bars:
        task = bars.add_task("Drawing cells", total=count)
        try:
            write_samples(out, count, seed, on_drawn=lambda _: bars.advance(task), smears=smears)
        except FileExistsError as error:
            raise click.UsageError(f"{error}.") from error
    click.echo(f"{count} drawn cells, not real ones, are in {out}.")
