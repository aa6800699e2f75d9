"""``cellflag train recipe``."""

from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from lambda_fn.resolution import LARGEST_STATED, SMALLEST_STATED
from training.commands.options import CELLS, NEW_FOLDER, SEED, SPLIT
from training.commands.shell import load_tensorflow, one_line_errors
from training.networks.pretrained import IMAGENET
from training.runs.run_folder import take_new


@click.command()
@click.argument("cells", type=CELLS)
@click.option(
    "--backbone-weights",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="MobileNet v1's weights of ImageNet: an .npz with arrays named <layer>__<weight>.  "
    "[default: Keras downloads them]",
)
@click.option(
    "--folds",
    type=click.IntRange(2),
    help="Number of subject-disjoint folds.  [default: 12, or as many as the rarer class has groups of subjects]",
)
@SPLIT
@SEED
@click.option(
    "--leave-out",
    multiple=True,
    metavar="SUBJECT",
    help="Subject whose cells the model does not learn from; they choose thresholds all the same. Can be repeated.",
)
@click.option(
    "--um-per-px",
    type=click.FloatRange(SMALLEST_STATED, LARGEST_STATED),
    help="Scale to train at, in micrometres a pixel. Images that state another are resampled to it, others are taken "
    "to have it.  [default: the images' own, if all state the same]",
)
@click.option("--out", type=NEW_FOLDER, help="New folder for the run.  [default: runs/recipe-<time>]")
def recipe(
    cells: Path,
    backbone_weights: Path | None,
    folds: int | None,
    split: Path | None,
    seed: int,
    leave_out: tuple[str, ...],
    um_per_px: float | None,
    out: Path | None,
) -> None:
    """Make the shipped model from the labelled cells of CELLS.

    A network pretrained on photographs stays frozen, and a small kernel machine learns from its features of each cell.
    CELLS are as in `run`. This takes some minutes; `promote` then puts the model into service. A recipe that is stopped
    keeps nothing: start it again.
    """
    console = Console(stderr=True)
    weights = str(backbone_weights or IMAGENET)
    with one_line_errors(), take_new(out, "recipe") as out:
        load_tensorflow(console)

        from training.fitting.recipes import new_pooled_recipe
        from training.runs.plan import Plan
        from training.runs.pooled import MOST_FOLDS, PREPROCESSING, make_pooled_model, remove_unfinished
        from training.runs.progress import RunProgress
        from training.shipping.model_folder import MODEL

        pooled = new_pooled_recipe(weights, seed, left_out=tuple(dict.fromkeys(leave_out)))
        preprocessing = replace(PREPROCESSING, um_per_px=um_per_px)
        plan = Plan(cells, preprocessing, pooled, split or folds or MOST_FOLDS, out, weights)
        try:
            manifest = make_pooled_model(plan, RunProgress(console))
        except KeyboardInterrupt:
            remove_unfinished(out)
            console.print("Stopped. Nothing is kept: start the recipe again with the same command.", soft_wrap=True)
            raise
    click.echo(f"{manifest['version']} is in {out / MODEL}. Serve it with: cellflag train promote {out}")
