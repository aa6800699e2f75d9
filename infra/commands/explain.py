"""``cellflag explain``: draws how the probability of one image comes about."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from infra.deployed_stack import DeployedStack
from infra.operate.access import on_a_stack_if_needed
from infra.operate.exports import write_new
from lambda_fn.terminal import printable


@click.command()
@click.argument("image", metavar="IMAGE|KEY")
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="New PNG file for the picture.",
)
@click.option(
    "--thresholds",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="For a file: decide by the thresholds in this file of `cellflag recalibrate`.",
)
@on_a_stack_if_needed
def explain(find_stack: Callable[[], DeployedStack], image: str, out: Path, thresholds: Path | None) -> None:
    """Draw how the probability of one image comes about.

    IMAGE is a file, which is scored here. KEY is an image of a deployment, whose result is drawn, with the decision of
    the thresholds that were in force. The picture shows the
    cell, a map of the parts that speak for ALL (orange) or for normal (blue), and how a typical normal cell, the map,
    and bars for colour and detail add up to the probability.
    """
    from infra.operate.explained import explain_file, explain_object  # here, so that `--help` does not wait for them
    from infra.pictures.explanation import draw_explanation

    path = Path(image)
    if thresholds and not path.is_file():
        raise click.UsageError("--thresholds goes with a file: the deployment's own ones decided the result of a KEY")
    explained = explain_file(path, thresholds=thresholds) if path.is_file() else explain_object(find_stack(), image)
    picture = draw_explanation(explained.pixels, explained.mask, explained.document)
    write_new(out, partial(picture.save, format="PNG"))
    click.echo(f"{printable(str(out))} is written.")
