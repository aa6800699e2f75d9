import numpy as np
import pytest
from PIL import Image, ImageEnhance

from lambda_fn.cells import find_cell
from training.data.duplicates import nearly_same, photographs, thumbnail
from training.synthetic.cell import draw_cell


@pytest.fixture(scope="module")
def drawn() -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [draw_cell(("all", "hem")[number % 2], generator) for number in range(12)]


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image,
        lambda image: ImageEnhance.Brightness(image).enhance(1.02),
        lambda image: image.crop((7, 3, 450, 450)),
    ],
    ids=["the same", "a little brighter", "cut out elsewhere"],
)
def test_a_photograph_that_was_saved_twice_is_found_among_others(change: object, drawn: list[np.ndarray]) -> None:
    again = np.asarray(change(Image.fromarray(drawn[3])))  # type: ignore[operator]
    thumbnails = np.stack([thumbnail(find_cell(pixels)) for pixels in [*drawn, again]])
    assert list(nearly_same(thumbnails)) == [(3, 12)]


def test_pairs_are_found_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.data.duplicates._BLOCK", 3)
    thumbnails = np.random.default_rng(0).integers(1, 256, (10, 1728)).astype(np.uint8)
    thumbnails[8] = thumbnails[1]
    assert list(nearly_same(thumbnails)) == [(1, 8)]


def test_cells_of_one_content_or_look_are_one_photograph_along_any_chain() -> None:
    number = photographs(["a", "b", "a", "c", "d"], [(1, 2), (3, 1)])
    assert len(set(number[:4])) == 1
    assert number[4] != number[0]
