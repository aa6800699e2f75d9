"""The demonstration: images are scored by a stack on a local cloud."""

from pathlib import Path

import click
from rich.console import Console

from infra.demo import summary
from infra.demo.round_trip import NoResultError, fetch_written, score_images
from infra.demo.uploads import TimedResult, Upload, uploads_of
from infra.deployed_stack import DeployedStack
from infra.errors import InfraError
from infra.local_cloud import emulator
from infra.local_cloud.deployment import put_up
from infra.tools.steps import Steps
from lambda_fn.folders import IMAGE_SUFFIXES, list_images
from lambda_fn.keys import RESULTS, REVIEW


def images_in(folder: Path) -> list[Upload]:
    """List the images in a folder and below; print their number, and the number of other files by kind.

    Raises:
        click.UsageError: there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise click.UsageError(f"there is no folder {folder}")
    listing = list_images(folder)
    passed_over = listing.describe_passed_over()
    if not listing.images:
        suffixes = " ".join(IMAGE_SUFFIXES)
        raise click.UsageError(
            f"there is no image below {folder}: files that end in {suffixes} are scored.{passed_over}"
        )
    click.echo(f"{len(listing.images)} images below {folder}.{passed_over}")
    return uploads_of(folder, listing.images)


def drawn_images(folder: Path, count: int, seed: int) -> list[Upload]:
    """Draw ``count`` sample cells into ``folder``."""
    from training.synthetic.samples import write_samples

    write_samples(folder, count, seed)
    click.echo(f"{count} sample cells, drawn by a program: their scores mean nothing for real cells.")
    return uploads_of(folder, list_images(folder).images)


def free_folder(out: Path | None) -> Path:
    """The folder for results: ``out``, or the first of cellflag-demo, cellflag-demo-2 and so on that is empty.

    Raises:
        click.UsageError: ``out`` is not empty.
    """
    number = 1
    while True:
        folder = out or Path("cellflag-demo" if number == 1 else f"cellflag-demo-{number}")
        if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
            return folder
        if out:
            raise click.UsageError(f"{out} is there already and not empty: name another folder with --out")
        number += 1


def demonstrate(images: list[Upload], cloud: Path, out: Path) -> DeployedStack:
    """Deploy the stack to a local cloud, score images there, print the results, and copy them.

    Args:
        images: at least one image.
        cloud: the local cloud's folder.
        out: the folder for results and review flags.

    Raises:
        InfraError: the stack could not be deployed, or an image has no result.
    """
    with Steps(Console(stderr=True)) as steps:
        stack = put_up(cloud, steps)
        try:
            results = score_images(stack, images, steps)
        except NoResultError as error:
            raise InfraError(f"{error} The last error of the local cloud: {emulator.last_error(cloud)}.") from error
    fetch_written(stack, out)
    _print(results, out)
    return stack


def _print(results: dict[str, TimedResult], out: Path) -> None:
    console = Console(highlight=False)
    console.print()
    console.print(summary.table(results))
    if len(results) > summary.MOST_ROWS:
        console.print(f"... and {len(results) - summary.MOST_ROWS} more")
    console.print()
    for line in summary.summary(results):
        click.echo(line)
    click.echo(f"Results: {out / RESULTS}. What a person should look at: {out / REVIEW}.")
