import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lambda_fn.cells import find_cell
from lambda_fn.errors import RejectedImageError
from lambda_fn.morphology import measure
from lambda_fn.smears import find_on_smear
from tests.drawn_smears import GREY, WHITE, YELLOW, Colour, Smear, overlap

Pixels = NDArray[np.uint8]

AROUND = [(0.12, 0.2), (0.15, 0.75), (0.8, 0.15), (0.85, 0.6), (0.5, 0.9)]
TOUCHING = [(0.5, 0.2), (0.23, 0.62), (0.72, 0.72)]


@pytest.mark.parametrize("background", [WHITE, YELLOW, GREY], ids=["white", "yellow", "grey"])
@pytest.mark.parametrize("uneven", [0.0, 0.25], ids=["even light", "uneven light"])
@pytest.mark.parametrize("lobes", [1, 2, 3])
@pytest.mark.parametrize("side", [120, 300])
def test_cell_and_nucleus_are_found_among_red_cells(background: Colour, uneven: float, lobes: int, side: int) -> None:
    smear = (
        Smear(side, background, uneven).red_cells(*AROUND).platelets((0.3, 0.1), (0.65, 0.95)).white_cell(lobes=lobes)
    )
    found = find_on_smear(smear.pixels())
    assert overlap(found.mask, smear.cell) > 0.92
    assert found.nucleus is not None
    assert overlap(found.nucleus, smear.nucleus) > 0.85
    assert not (found.nucleus & ~found.mask).any()
    assert not found.doubtful


@pytest.mark.parametrize("seed", range(3))
def test_red_cells_that_touch_the_cell_are_left_outside(seed: int) -> None:
    smear = Smear(seed=seed).red_cells(*AROUND, *TOUCHING).white_cell()
    assert overlap(find_on_smear(smear.pixels()).mask, smear.cell) > 0.9


def test_of_two_cells_the_one_in_the_middle_is_taken_if_the_frame_cuts_the_other() -> None:
    smear = Smear().red_cells(*AROUND[:3])
    smear.white_cell((1.0, 1.0))
    smear.cell[:] = False
    assert overlap(find_on_smear(smear.white_cell((0.45, 0.5)).pixels()).mask, smear.cell) > 0.92


@pytest.mark.parametrize(
    "smear",
    [
        Smear().white_cell((0.25, 0.25)).white_cell((0.72, 0.72)),
        Smear().white_cell((0.5, 0.33), 0.18, nucleus=0.85).white_cell((0.5, 0.67), 0.18, nucleus=0.85),
        Smear().white_cell((0.1, 0.5), 0.25),
    ],
    ids=["two cells", "two lymphocytes that touch", "a cell that the frame cuts"],
)
def test_several_cells_and_a_cut_cell_have_a_doubt(smear: Smear) -> None:
    assert "no_single_cell" in find_cell(smear.pixels(), "smear").doubts


def field_of_cells() -> Pixels:
    smear = Smear(600)
    for row in (0.15, 0.5, 0.85):
        for column in (0.15, 0.5, 0.85):
            smear.white_cell((row, column), 0.1)
    return smear.pixels()


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (Smear().pixels(), "no white cell"),
        (Smear().red_cells(*AROUND, *TOUCHING).pixels(), "no white cell"),
        (np.full((300, 300, 3), 255, np.uint8), "no white cell"),
        (np.random.default_rng(0).integers(250, 256, (300, 300, 3), dtype=np.uint8), "no white cell"),
        (Smear(6000 // 4).white_cell(radius=0.01).pixels(), "no white cell"),
        (Smear(40).white_cell().pixels()[:20], "no white cell"),
        (field_of_cells(), "many white cells"),
    ],
    ids=["empty", "red cells", "overexposed", "noise near white", "a tiny cell", "a strip", "a field of cells"],
)
def test_an_image_without_one_cell_is_rejected(pixels: Pixels, message: str) -> None:
    with pytest.raises(RejectedImageError, match=message) as rejection:
        find_cell(pixels)
    assert rejection.value.code == "no_single_cell"


@pytest.mark.parametrize(
    "pixels",
    [
        Smear()
        .platelets(*((0.45 + 0.03 * row, 0.45 + 0.03 * column) for row in range(4) for column in range(4)))
        .pixels(),
        Smear().smudge().pixels(),
        Smear().white_cell(lobes=2).pixels(),
        np.repeat(Smear().white_cell().pixels().mean(axis=2).astype(np.uint8)[..., None], 3, axis=2),
        255 - Smear().white_cell().pixels(),
        Smear(40).white_cell().pixels(),
        (Smear().white_cell().pixels().astype(np.int16) + 90).clip(0, 255).astype(np.uint8),
    ],
    ids=["platelet clump", "smudge", "two daughter nuclei", "greyscale", "inverted", "40 px", "overexposed cell"],
)
def test_any_other_image_is_rejected_or_doubted_by_a_model_of_cells_on_black(pixels: Pixels) -> None:
    try:
        assert find_cell(pixels).doubts
    except RejectedImageError as rejection:
        assert rejection.code == "no_single_cell"


def test_a_cell_of_40_px_is_found() -> None:
    smear = Smear(40).white_cell()
    assert overlap(find_on_smear(smear.pixels()).mask, smear.cell) > 0.85


def test_a_large_image_is_examined_on_a_grid() -> None:
    smear = Smear(300).red_cells(*AROUND).white_cell()
    large = np.asarray(Image.fromarray(smear.pixels()).resize((6001, 5903)))
    found = find_on_smear(large)
    true = np.asarray(Image.fromarray(smear.cell).resize((6001, 5903)))
    assert found.mask.shape == (5903, 6001)
    assert overlap(found.mask, true) > 0.9


def test_a_cell_without_visible_cytoplasm_has_no_nucleus_of_its_own() -> None:
    assert find_on_smear(Smear().red_cells(*AROUND).white_cell(nucleus=1.0).pixels()).nucleus is None


def test_a_cell_on_black_has_no_nucleus_of_its_own(cell: Pixels) -> None:
    assert find_cell(cell).nucleus is None


@pytest.mark.parametrize("share", [0.5, 0.7, 0.85])
def test_the_nucleus_to_cell_ratio_and_vacuoles_are_numbers_on_a_smear(share: float) -> None:
    smear = Smear().red_cells(*AROUND).white_cell(nucleus=share)
    cell = find_cell(smear.pixels())
    facts = measure(cell.pixels, cell.mask, nucleus=cell.nucleus)
    assert facts is not None
    assert facts["nc_ratio"] == pytest.approx(smear.nucleus.sum() / smear.cell.sum(), abs=0.05)
    assert facts["vacuoles"] == {"number": 0, "area_px": 0, "places": []}
    assert facts["not_measured"] == {}
