"""``cellflag masks``: shows where the cell is found on each image of a folder."""

from collections import Counter
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from lambda_fn.folders import list_images
from lambda_fn.terminal import printable
from training.commands.shell import one_line_errors


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for the masks.")
@click.option("--overwrite", is_flag=True, help="Write into OUT even if it already holds files.")
def masks(folder: Path, out: Path, overwrite: bool) -> None:
    """Show where the cell is found on every image below FOLDER.

    Writes OUT/<path below FOLDER>.png for each image on which a cell is found: 0 background, 128 cytoplasm, 255
    nucleus. A cell without visible cytoplasm is 255 as a whole. OUT/contact-sheet.png shows the images with the
    outlines drawn in, those without a cell first.
    """
    if out.resolve() == folder.resolve():
        raise click.UsageError(f"{out} holds the images: name another folder for the masks.")
    if not overwrite and out.exists() and any(out.iterdir()):
        raise click.UsageError(f"{out} already holds files: name another folder, or add --overwrite.")
    listing = list_images(folder, outside=out)
    passed_over = listing.describe_passed_over()
    if not listing.images:
        raise click.UsageError(listing.describe_lack(folder, "count"))
    with one_line_errors():
        from training.data.found_masks import CONTACT_SHEET, contact_sheet, write_masks
        from training.files import appearing

        console = Console(stderr=True)
        found = list(
            track(write_masks(folder, listing.images, out), "Finding cells", len(listing.images), console=console)
        )
        with appearing(out / CONTACT_SHEET) as arriving:
            contact_sheet(found).save(arriving, format="PNG")
    written = [each for each in found if each.written]
    on_smears, with_nucleus = (sum(flags) for flags in zip(*((f.on_smear, f.has_nucleus) for f in found), strict=True))
    click.echo(
        f"{len(found)} images: a cell on {len(written)}, {on_smears} of them on a smear and {with_nucleus} with "
        f"visible cytoplasm. Masks and {CONTACT_SHEET} in {printable(str(out))}.{passed_over}"
    )
    for (problem, is_written), count in Counter((each.problem, each.written) for each in found).most_common():
        if problem is not None:
            click.echo(f"{count} {'doubtful' if is_written else 'without a mask'}: {printable(problem)}")
