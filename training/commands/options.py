"""Arguments and options that several commands share."""

from pathlib import Path

import click

from lambda_fn.model import MODEL_FOLDER

CELLS = click.Path(exists=True, path_type=Path)
"""An index, a table, or a folder of labelled cells."""
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)
FOLDS = click.option("--folds", default=5, show_default=True, type=click.IntRange(2), help="Subject-disjoint folds.")
SPLIT = click.option(
    "--split", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Folds from `train split`."
)
SEED = click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Repeats a run.")
SERVED_FROM = click.option(
    "--model-folder", default=MODEL_FOLDER, type=NEW_FOLDER, help="Gets the model.  [default: the one served]"
)
