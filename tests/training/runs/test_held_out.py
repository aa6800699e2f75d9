from pathlib import Path

import numpy as np
import pytest

from training.fitting.checkpoints import CheckpointError
from training.runs.held_out import read_held_out, write_held_out

CELLS = ("a1", "b2", "c3")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    write_held_out(tmp_path / "fold-1/predictions.csv", CELLS, np.array([0.25, 1 / 3, 1.0]))
    return tmp_path / "fold-1/predictions.csv"


def test_predictions_of_a_fold_are_read_as_they_were_written(table: Path) -> None:
    assert read_held_out(table, CELLS) == pytest.approx([0.25, 1 / 3, 1.0], abs=1e-9)


@pytest.mark.parametrize("cells", [("b2", "a1", "c3"), ("a1", "b2"), ("a1", "b2", "d4"), ("a1", "b2", "c3", "d4")])
def test_predictions_of_other_cells_are_refused(cells: tuple[str, ...], table: Path) -> None:
    with pytest.raises(CheckpointError, match=r"predictions of other cells than its fold: remove the folder .*fold-1"):
        read_held_out(table, cells)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"probability_all\n0.5\n",
        b"sha256,probability_all\na1,half\n",
        b"sha256,probability_all\na1,nan\n",
        b"sha256,probability_all\na1,1.5\n",
        b"\xff\xfe\xff",
    ],
)
def test_a_damaged_table_is_named_with_the_way_out(content: bytes, table: Path) -> None:
    table.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"predictions\.csv is damaged: remove the folder .*fold-1 and --resume"):
        read_held_out(table, ("a1",))
