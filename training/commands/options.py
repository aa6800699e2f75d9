"""Arguments and options that several commands share."""

from pathlib import Path

import click

from lambda_fn.model import MODEL_FOLDER

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)
FOLDS = click.option("--folds", default=5, show_default=True, type=click.IntRange(2), help="Subject-disjoint folds.")
SEED = click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Repeats a run.")
SERVED_FROM = click.option(
    "--model-folder", default=MODEL_FOLDER, type=NEW_FOLDER, help="Gets the model.  [default: the one served]"
)
