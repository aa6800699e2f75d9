"""``cellflag train split``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from training.commands.options import SEED
from training.commands.shell import one_line_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.data.folds import Split


@click.command()
@click.argument("index", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="New file for the split.")
@click.option("--folds", type=click.IntRange(2), help="Number of folds, instead of one split.")
@click.option(
    "--test", default=0.2, show_default=True, type=click.FloatRange(0.02, 0.5), help="Share of cells to measure on."
)
@click.option(
    "--validation",
    default=0.2,
    show_default=True,
    type=click.FloatRange(0.02, 0.4),
    help="Share of cells that decide when training stops.",
)
@SEED
def split(index: Path, out: Path, folds: int | None, test: float, validation: float, seed: int) -> None:
    """Split an INDEX into parts or folds, by subject.

    The parts are training, validation and test. Subjects that share an image stay in one part, and classes are as even
    as subjects allow. Reviewed cells for fitting alone are never in the test part. The same index and seed give the
    same file. Commands that take it with --split train and measure on the same cells.
    """
    if out.exists():
        raise click.UsageError(f"{out} exists already: name a new file.")
    with one_line_errors():
        from training.data.labelled_cell import WORD_OF_LABEL
        from training.data.sources import find_cells
        from training.data.splits import PARTS, write_splits
        from training.data.subjects import groups_of
        from training.data.teaching import with_cells_for_fitting
        from training.errors import DatasetError

        cells = find_cells(index)[1]
        if not all(cell.sha256 for cell in cells):
            raise DatasetError(f"{index} is no index; make one with `cellflag train index`.")
        is_all = np.array([cell.label == "ALL" for cell in cells])
        groups = groups_of(cells, [cell.sha256 for cell in cells])
        is_held_out = np.array([cell.use != "fitting" for cell in cells])
        dealt = _deal(is_all[is_held_out], groups[is_held_out], folds, test, validation, seed)
        splits = with_cells_for_fitting(dealt, is_held_out, groups)
        keys = [(cell.sha256, cell.name, WORD_OF_LABEL[cell.label], cell.subject) for cell in cells]
        write_splits(out, keys, splits)

    subjects = np.array([cell.subject for cell in cells])
    table = Table("split", "part", "cells", "share", "ALL", "normal", "subjects")
    for number, parts in enumerate(splits, start=1):
        for part, indices in zip(PARTS, (parts.training, parts.stopping, parts.held_out), strict=True):
            of_all = int(is_all[indices].sum())
            counts = (f"{of_all:,}", f"{len(indices) - of_all:,}", f"{len(np.unique(subjects[indices]))}")
            share = f"{len(indices) / len(cells):.0%}"
            table.add_row(f"fold {number}" if folds else "", part, f"{len(indices):,}", share, *counts)
    Console(stderr=True).print(table)
    click.echo(f"{out}: {len(cells):,} cells, {f'{folds} folds' if folds else 'one split'}, seed {seed}.")


def _deal(
    is_all: NDArray[np.bool_], groups: NDArray[np.int64], count: int | None, test: float, validation: float, seed: int
) -> list[Split]:
    """Folds, or one split if there is no count."""
    from training.data.folds import folds, three_way

    return list(folds(is_all, groups, count, seed)) if count else [three_way(is_all, groups, test, validation, seed)]
