import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from lambda_fn.cells import Cell, find_cell
from training.data.duplicates import pairs_of, photographs, same_texture, texture
from training.synthetic.cell import draw_cell
from training.synthetic.smear import draw_smear
from training.synthetic.smear_names import SCALES, ScaleName
from training.synthetic.smear_style import draw_smear_style

Change = Callable[[Image.Image], Image.Image]


@pytest.fixture(scope="module")
def drawn() -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [draw_cell(("all", "hem")[number % 2], generator) for number in range(12)]


def restained(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image).astype(float)
    return Image.fromarray(np.clip(pixels * (0.7, 1.1, 0.9) + (pixels > 0) * (30, 5, 12), 0, 255).astype(np.uint8))


def lossy(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "WEBP", quality=90)
    return Image.open(file).convert("RGB")


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image,
        lambda image: ImageEnhance.Brightness(image).enhance(1.02),
        lambda image: image.crop((7, 3, 450, 450)),
        restained,
        lossy,
    ],
    ids=["the same", "a little brighter", "cut out elsewhere", "in another stain", "saved with loss"],
)
def test_a_photograph_that_was_saved_twice_is_found_among_others(change: Change, drawn: list[np.ndarray]) -> None:
    again = np.asarray(change(Image.fromarray(drawn[3])))
    textures = np.stack([texture(find_cell(pixels)) for pixels in [*drawn, again]])
    assert list(same_texture(textures)) == [(3, 12)]


@pytest.mark.parametrize("scale", SCALES)
def test_a_cell_of_a_smear_that_was_cropped_twice_is_found_among_others(scale: ScaleName) -> None:
    cells = []
    for number in range(16):
        generator = np.random.default_rng(number)
        drawn = draw_smear(("all", "hem")[number % 2], generator, draw_smear_style(generator, None, scale))
        cells.append(Cell(np.where(drawn.cell[..., None], drawn.pixels, 0).astype(np.uint8), drawn.cell, ()))
    first = cells[5]
    lighter = np.minimum(first.pixels * 1.1, 255).astype(np.uint8)
    cells.append(Cell(np.roll(lighter, (7, -4), (0, 1)), np.roll(first.mask, (7, -4), (0, 1)), ()))
    assert list(same_texture(np.stack([texture(cell, "smear") for cell in cells]))) == [(5, 16)]


def test_cells_without_any_texture_are_not_taken_for_one() -> None:
    flat = np.zeros((300, 300, 3), np.uint8)
    flat[100:200, 100:200] = (120, 60, 140)
    assert list(same_texture(np.stack([texture(find_cell(flat))] * 2))) == []


def test_pairs_are_found_across_blocks_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.data.duplicates._ROWS", 3)
    textures = np.random.default_rng(0).normal(size=(10, 1024)).astype(np.float32)
    textures /= np.linalg.norm(textures, axis=1, keepdims=True)
    textures[8] = textures[1]
    textures[5] = textures[4]
    assert list(same_texture(textures)) == [(1, 8), (4, 5)]


def test_cells_of_one_content_or_look_are_one_photograph_along_any_chain() -> None:
    number = photographs(["a", "b", "a", "c", "d"], [(1, 2), (3, 1)])
    assert len(set(number[:4])) == 1
    assert number[4] != number[0]


def test_a_photograph_of_k_cells_makes_one_pair_less() -> None:
    pairs = pairs_of(np.array([5, 2, 5, 7, 5, 2]))
    assert pairs.tolist() == [[1, 5], [0, 2], [2, 4]]
    assert pairs_of(np.array([3, 1, 2])).shape == (0, 2)
