"""The demonstration: images are scored by a stack on a local cloud."""

from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from infra.demo import summary
from infra.demo.round_trip import PATIENCE_SECONDS, NoResultError, fetch_written, score_images
from infra.demo.uploads import TimedResult, Upload, uploads_of, without_faults
from infra.deployed_stack import DeployedStack
from infra.errors import InfraError
from infra.local_cloud import emulator
from infra.local_cloud.deployment import put_up
from infra.tools.steps import Steps
from lambda_fn.folders import IMAGE_SUFFIXES, list_images
from lambda_fn.keys import RESULTS, REVIEW
from lambda_fn.terminal import printable


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
    click.echo(f"{len(listing.images)} images below {printable(str(folder))}.{passed_over}")
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


@dataclass(frozen=True)
class Demonstrated:
    """A finished demonstration.

    Attributes:
        stack: the stack on the local cloud.
        failures: one line for each image without a result, and for each document that could not be written.
    """

    stack: DeployedStack
    failures: list[str]


def demonstrate(images: list[Upload], cloud: Path, out: Path) -> Demonstrated:
    """Deploy the stack to a local cloud, score images there, print the results, and copy them.

    One image that cannot be uploaded, or whose result cannot be written here, keeps no other from its result.

    Args:
        images: at least one image.
        cloud: the local cloud's folder.
        out: the folder for results and review flags.

    Raises:
        InfraError: the stack could not be deployed, no image can be uploaded, or an uploaded one has no result.
    """
    images, failures = without_faults(images)
    if failures and not images:
        raise InfraError(f"no image can be uploaded. {failures[0]}.")
    with Steps(Console(stderr=True)) as steps:
        stack = put_up(cloud, steps)
        try:
            results = score_images(stack, images, steps, PATIENCE_SECONDS, failures.append)
        except NoResultError as error:
            raise InfraError(f"{error} The last error of the local cloud: {emulator.last_error(cloud)}.") from error
    failures += fetch_written(stack, out)
    if results:
        _print(results, out)
    return Demonstrated(stack, failures)


def _print(results: dict[str, TimedResult], out: Path) -> None:
    console = Console(highlight=False)
    console.print()
    console.print(summary.table(results, wide=console.width >= summary.WIDE))
    if len(results) > summary.MOST_ROWS:
        console.print(f"... and {len(results) - summary.MOST_ROWS} more")
    console.print()
    for line in summary.summary(results):
        click.echo(line)
    results_folder, review_folder = printable(str(out / RESULTS)), printable(str(out / REVIEW))
    click.echo(f"Results: {results_folder}. What a person should look at: {review_folder}.")
