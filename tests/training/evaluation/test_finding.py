from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from tests.drawn_smears import Smear
from training.__main__ import main
from training.data.drawn_masks import read_drawn_cells
from training.errors import DatasetError
from training.evaluation.finding import HEADINGS, dice, intersection_over_union, judge, summarise

FULL, EMPTY = np.ones((4, 4), np.bool_), np.zeros((4, 4), np.bool_)
HALF = FULL & (np.arange(4) < 2)


def save(smear: Smear, folder: Path, stem: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(smear.pixels()).save(folder / f"{stem}.webp", lossless=True)
    levels = np.where(smear.nucleus, 255, np.where(smear.cell, 128, 0)).astype(np.uint8)
    Image.fromarray(levels).save(folder / f"{stem}.mask.png")


@pytest.mark.parametrize(
    ("one", "other", "iou", "of_both"),
    [(FULL, FULL, 1, 1), (FULL, HALF, 0.5, 2 / 3), (FULL, EMPTY, 0, 0), (EMPTY, EMPTY, 1, 1)],
)
def test_overlaps_of_masks(one: np.ndarray, other: np.ndarray, iou: float, of_both: float) -> None:
    assert intersection_over_union(one, other) == pytest.approx(iou)
    assert dice(one, other) == pytest.approx(of_both)


def test_each_set_and_kind_of_cell_has_a_row(tmp_path: Path) -> None:
    save(Smear().white_cell(), tmp_path / "a", "1")
    save(Smear(seed=1).white_cell(lobes=2), tmp_path / "a", "2")
    save(Smear().red_cells((0.2, 0.3)).white_cell(), tmp_path / "b", "1")
    (tmp_path / "a" / "labels.csv").write_text("image,kind\n1,lymphocyte\n2,neutrophil\n")
    result = CliRunner().invoke(main, ["train", "judge-masks", str(tmp_path), "--worst", "1"])
    assert result.exit_code == 0
    rows = [line.split(" | ") for line in result.stdout.splitlines() if line.startswith("| ")][2:]
    assert [(row[0], row[1], row[2]) for row in rows] == [
        ("| a", "all", "2"),
        ("| a", "lymphocyte", "1"),
        ("| a", "neutrophil", "1"),
        ("| b", "all", "1"),
        ("| b", "unknown", "1"),
    ]
    assert all(row[3] == "100.0%" and float(row[4]) > 0.92 and float(row[7]) > 0.9 for row in rows)
    assert result.stdout.count("IoU 0.9") == 1


def test_a_cell_that_is_missed_counts_as_no_overlap(tmp_path: Path) -> None:
    smear = Smear().red_cells((0.2, 0.2))
    smear.cell[100:200, 100:200] = True
    save(smear, tmp_path, "1")
    judgement = judge(next(read_drawn_cells(tmp_path)))
    assert (judgement.iou, judgement.dice, judgement.doubts) == (0, 0, ("There is no white cell on the image.",))
    row = dict(zip(HEADINGS, summarise([judgement])[0], strict=True))
    assert (row["right cell"], row["N:C error, mean"]) == ("0.0%", "-")


def test_a_folder_without_masks_or_with_a_lonely_mask_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no mask below"):
        list(read_drawn_cells(tmp_path))
    save(Smear().white_cell(), tmp_path, "1")
    (tmp_path / "1.webp").unlink()
    with pytest.raises(DatasetError, match="has no image beside it"):
        list(read_drawn_cells(tmp_path))
    Image.new("RGB", (20, 30)).save(tmp_path / "1.png")
    with pytest.raises(DatasetError, match="another size"):
        list(read_drawn_cells(tmp_path))
