from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from tests.drawn_smears import Smear, overlap
from training.__main__ import main


@pytest.fixture
def smears(tmp_path: Path) -> Path:
    folder = tmp_path / "smears"
    (folder / "ward 3").mkdir(parents=True)
    Image.fromarray(Smear().red_cells((0.2, 0.2)).white_cell().pixels()).save(folder / "ward 3" / "cell.png")
    Image.fromarray(Smear().red_cells((0.2, 0.2)).pixels()).save(folder / "red.webp", lossless=True)
    (folder / "broken.bmp").write_bytes(b"BM")
    (folder / "notes.txt").write_text("none")
    return folder


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["masks", *map(str, arguments)])
    return result.exit_code, result.stdout + result.stderr


def test_each_cell_gets_a_mask_and_every_image_is_on_the_contact_sheet(smears: Path, tmp_path: Path) -> None:
    code, output = run(smears, "--out", tmp_path / "out")
    assert code == 0
    assert "3 images: a cell on 1, 1 of them on a smear and 1 with visible cytoplasm." in output
    assert "1 other file was passed over: 1 .txt." in output
    assert "1 without a mask: There is no white cell on the image." in output
    levels = np.asarray(Image.open(tmp_path / "out" / "ward 3" / "cell.png.png"))
    smear = Smear().white_cell()
    assert set(np.unique(levels)) == {0, 128, 255}
    assert overlap(levels > 0, smear.cell) > 0.9
    assert overlap(levels == 255, smear.nucleus) > 0.85
    assert Image.open(tmp_path / "out" / "contact-sheet.png").size == (1280, 174)
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.png")) == ["cell.png.png", "contact-sheet.png"]


def test_a_cell_on_black_is_255_as_a_whole(tmp_path: Path) -> None:
    smear = Smear().white_cell()
    (tmp_path / "cells").mkdir()
    Image.fromarray(np.where(smear.cell[..., None], smear.pixels(), np.uint8(0))).save(tmp_path / "cells" / "a.png")
    assert run(tmp_path / "cells", "--out", tmp_path / "out")[0] == 0
    assert (np.asarray(Image.open(tmp_path / "out" / "a.png.png")) == np.where(smear.cell, 255, 0)).all()


def test_nothing_is_overwritten_silently(smears: Path, tmp_path: Path) -> None:
    assert run(smears, "--out", tmp_path / "out")[0] == 0
    code, output = run(smears, "--out", tmp_path / "out")
    assert code == 2
    assert "add --overwrite" in output
    assert run(smears, "--out", tmp_path / "out", "--overwrite")[0] == 0
    assert run(smears, "--out", smears, "--overwrite")[0] == 2


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty", "--out", tmp_path / "out")[0] == 2
