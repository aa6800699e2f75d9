"""``cellflag train judge-masks``."""

from collections import Counter
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from lambda_fn.terminal import printable
from training.commands.shell import one_line_errors


@click.command(name="judge-masks")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--worst", default=5, show_default=True, type=click.IntRange(min=0), help="Images that are named.")
def judge_masks(folder: Path, worst: int) -> None:
    """Judge the finder of cells by masks that people drew.

    FOLDER holds images with masks beside them at any depth: NAME.mask.png for NAME.png, NAME.webp or the like, with the
    levels 0 for background, 128 for cytoplasm, 255 for the nucleus. A labels.csv (image,kind) beside them may state the
    kind of each cell. Prints a table in Markdown, for each folder and kind of cell.
    """
    with one_line_errors():
        from training.data.drawn_masks import read_drawn_cells
        from training.evaluation.finding import HEADINGS, judge, summarise

        drawn = track(read_drawn_cells(folder), "Finding cells", console=Console(stderr=True), total=None)
        judgements = [judge(cell) for cell in drawn]
    for row in (HEADINGS, ("---",) * len(HEADINGS), *summarise(judgements)):
        click.echo(f"| {' | '.join(map(printable, row))} |")
    for judgement in sorted(judgements, key=lambda each: each.iou)[:worst]:
        click.echo(f"{printable(judgement.cell.name)}: IoU {judgement.iou:.3f}, Dice {judgement.dice:.3f}")
    for doubt, count in Counter(doubt for each in judgements for doubt in each.doubts).most_common():
        click.echo(f"{count} of {len(judgements)}: {doubt}")
