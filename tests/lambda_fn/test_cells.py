from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lambda_fn.cells import find_cell, to_model_input
from lambda_fn.errors import RejectedImageError
from lambda_fn.preprocessing import Background, Preprocessing

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]
PURPLE = (90, 40, 120)


def discs(*boxes: Box, size: tuple[int, int] = (450, 450), background: tuple[int, int, int] = (0, 0, 0)) -> Pixels:
    image = Image.new("RGB", size, background)
    for box in boxes:
        ImageDraw.Draw(image).ellipse(box, fill=PURPLE)
    return np.asarray(image)


def test_a_cell_on_black_is_found_and_has_no_doubts(cell: Pixels) -> None:
    result = find_cell(cell)
    assert result.doubts == ()
    assert result.pixels is cell
    assert (result.mask == cell.any(axis=2)).all()


@pytest.mark.parametrize(
    ("boxes", "doubts"),
    [
        ([(60, 60, 200, 200), (240, 240, 400, 400)], ("no_single_cell",)),
        ([(60, 60, 200, 200), (240, 240, 270, 270)], ()),
        ([(-60, 60, 120, 240)], ("no_single_cell",)),
        ([(-8, 60, 180, 240)], ()),
        ([(135, 300, 315, 520)], ("no_single_cell",)),
    ],
    ids=["two cells", "a cell and a platelet", "half a cell", "a cell that touches the frame", "cut below"],
)
def test_several_cells_and_a_cut_cell_have_a_doubt(boxes: list[Box], doubts: tuple[str, ...]) -> None:
    assert find_cell(discs(*boxes)).doubts == doubts


@cache
def wavy_cell(seed: int) -> Pixels:
    """A cell of about 180 px whose outline is uneven, as a segmented one's is."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:450, :450] - 225.0
    angles = np.arctan2(rows, columns)
    waves = sum(generator.uniform(0, 3) * np.cos(number * angles + generator.uniform(0, 7)) for number in range(2, 9))
    inside = np.hypot(rows, columns) < 90 + waves
    return np.where(inside[..., None], generator.integers(60, 200, (450, 450, 3), dtype=np.uint8), np.uint8(0))


def without(cell: Pixels, side: str, share: float, step: float = 1) -> Pixels:
    """Blacken a share of the cell's extent from one side; ``step`` of the next line's width stays."""
    quarter_turns = ("top", "right", "bottom", "left").index(side)
    turned = np.rot90(cell, quarter_turns).copy()
    rows, columns = np.nonzero(turned.any(axis=2))
    first = int(rows.min() + share * (rows.max() - rows.min()))
    turned[:first] = 0
    turned[first, int(columns.min() + step * (columns.max() - columns.min())) :] = 0
    return np.rot90(turned, -quarter_turns)


@pytest.mark.parametrize("seed", range(12))
def test_a_whole_cell_has_no_straight_edge(seed: int) -> None:
    assert find_cell(wavy_cell(seed)).doubts == ()


@pytest.mark.parametrize("side", ["top", "bottom", "left", "right"])
@pytest.mark.parametrize("share", [0.2, 0.3, 0.5, 0.75])
@pytest.mark.parametrize("step", [0, 0.5, 1], ids=["none of the line", "half the line", "whole lines"])
def test_a_cell_that_ends_in_a_straight_edge_inside_the_frame_has_a_doubt(side: str, share: float, step: float) -> None:
    for seed in range(5):
        assert find_cell(without(wavy_cell(seed), side, share, step)).doubts == ("no_single_cell",)


@pytest.mark.parametrize("colour", [0, 1, 2])
def test_a_cell_that_lacks_the_end_of_one_colour_has_a_doubt(colour: int) -> None:
    pixels = wavy_cell(0).copy()
    pixels[250:, :, colour] = 0
    assert find_cell(pixels).doubts == ("no_single_cell",)


def test_a_cell_with_a_black_stripe_or_without_a_tile_has_a_doubt() -> None:
    for rows, columns in ((slice(200, 204), slice(0, 450)), (slice(230, 450), slice(230, 450))):
        pixels = wavy_cell(1).copy()
        pixels[rows, columns] = 0
        assert find_cell(pixels).doubts == ("no_single_cell",)


def test_of_several_cells_the_largest_is_centred() -> None:
    result = find_cell(discs((20, 20, 120, 120), (200, 200, 400, 400)))
    rows, columns = np.nonzero(result.mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (200, 400, 200, 400)


@pytest.mark.parametrize(
    "background", [(255, 255, 255), (128, 128, 128), (235, 225, 240)], ids=["white", "grey", "pale"]
)
def test_a_cell_on_another_even_background_is_cut_out_onto_black_and_has_a_doubt(
    background: tuple[int, int, int],
) -> None:
    generator = np.random.default_rng(0)
    noise = generator.integers(-4, 5, (450, 450, 1))
    pixels = np.clip(discs((50, 80, 230, 260), background=background) + noise, 0, 255).astype(np.uint8)
    result = find_cell(pixels)
    assert result.doubts == ("unlike_training_data",)
    expected = discs((50, 80, 230, 260)).any(axis=2)
    assert (result.mask != expected).mean() < 0.003
    assert not result.pixels[~result.mask].any()
    assert (result.pixels[result.mask] == pixels[result.mask]).all()


@pytest.mark.parametrize(("on_black", "background"), [(True, "black"), (True, "smear"), (False, "smear")])
def test_a_cell_on_another_background_than_the_training_cells_has_a_doubt(
    on_black: bool, background: Background
) -> None:
    pixels = discs((50, 80, 230, 260), background=(0, 0, 0) if on_black else (235, 225, 240))
    unlike = on_black != (background == "black")
    assert find_cell(pixels, background).doubts == (("unlike_training_data",) if unlike else ())


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((450, 450, 3), np.uint8), "no cell"),
        (np.full((450, 450, 3), 230, np.uint8), "no white cell"),
        (np.zeros((1, 1, 3), np.uint8), "no cell"),
        (discs((100, 100, 130, 130)), "no cell"),
        (np.random.default_rng(0).integers(0, 256, (450, 450, 3), dtype=np.uint8), "There is no white cell"),
    ],
    ids=["black", "white", "one pixel", "a speck", "noise"],
)
def test_an_image_without_a_cell_is_rejected(pixels: Pixels, message: str) -> None:
    with pytest.raises(RejectedImageError, match=message) as rejection:
        find_cell(pixels)
    assert rejection.value.code == "no_single_cell"


def test_the_crop_is_centred_on_the_cell_at_its_own_scale(cell: Pixels) -> None:
    crop = to_model_input(find_cell(cell), Preprocessing(crop=200, size=200))
    assert (crop[10:190, 10:190] == cell[90:270, 60:240]).all()
    assert crop.any(axis=2).sum() == cell.any(axis=2).sum()


def test_a_crop_that_leaves_the_image_is_filled_with_black(cell: Pixels) -> None:
    crop = to_model_input(find_cell(cell), Preprocessing(crop=600, size=600))
    assert crop.shape == (600, 600, 3)
    assert crop.sum() == cell.sum()


def test_a_crop_of_another_size_is_resampled(cell: Pixels) -> None:
    resampled = to_model_input(find_cell(cell), Preprocessing(crop=200, size=100))
    assert resampled.shape == (100, 100, 3)
    assert abs(resampled.mean() - cell.sum() / (200 * 200 * 3)) < 0.5


@given(top=st.integers(0, 150), left=st.integers(0, 150))
def test_the_model_sees_the_same_wherever_the_cell_lies(top: int, left: int) -> None:
    patch = np.random.default_rng(0).integers(60, 200, (80, 90, 3), dtype=np.uint8)
    image = np.zeros((300, 300, 3), np.uint8)
    image[top : top + 80, left : left + 90] = patch
    expected = np.zeros((100, 100, 3), np.uint8)
    expected[10:90, 5:95] = patch
    assert (to_model_input(find_cell(image), Preprocessing(crop=100, size=100)) == expected).all()
