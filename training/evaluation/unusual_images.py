"""Tries a model on images that it should leave to a person, and counts those that it does leave."""

import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from lambda_fn.cells import BACKGROUND_LEVEL
from lambda_fn.images import StoredImage
from lambda_fn.model import Model
from lambda_fn.preprocessing import Background
from lambda_fn.scoring import score
from training.data.labelled_cell import LabelledCell
from training.data.reading import UnusableImageError, read_all
from training.synthetic.cell import draw_cell
from training.synthetic.smear import draw_smear

Pixels = NDArray[np.uint8]
Change = Callable[[Pixels, np.random.Generator], Pixels]


@dataclass(frozen=True)
class Shown:
    """How a model answered images of one kind.

    Attributes:
        kind: name of the kind, for people.
        example: one of the images, uint8 array of shape (height, width, 3).
        count: number of images.
        reviewed: share of the images that goes to a person, 0 to 1; rejected ones are among them.
        reasons: share of the images with each reason for review, most frequent first.
    """

    kind: str
    example: Pixels
    count: int
    reviewed: float
    reasons: tuple[tuple[str, float], ...]


def show_unusual_images(model: Model, cells: Sequence[Pixels], seed: int) -> Iterator[Shown]:
    """Score every kind of unusual image as the function would.

    Args:
        model: is tried.
        cells: images of single cells, uint8 of shape (height, width, 3) each, at least 2.
        seed: of random changes.
    """
    for kind, change in _KINDS.items():
        generator = np.random.default_rng(seed)
        images = [change(pixels, generator) for pixels in cells]
        yield _answer(model, kind, images)
    pairs = zip(cells, [*cells[1:], cells[0]], strict=True)
    yield _answer(model, "two cells", [np.concatenate(_of_one_height(*pair), axis=1) for pair in pairs])


def sample_of(
    cells: Sequence[LabelledCell] | None, count: int, seed: int, background: Background = "black"
) -> tuple[list[Pixels], str]:
    """Images to change: some of the cells, or drawn ones without any cells.

    Args:
        cells: of which some are taken; None for drawn ones.
        count: of images.
        seed: repeats the choice.
        background: what surrounds drawn cells.

    Returns:
        Up to ``count`` images, and their origin in words. Drawn images alternate between the classes.
    """
    generator = np.random.default_rng(seed)
    if cells is None:
        labels = [("all", "hem")[number % 2] for number in range(count)]
        if background == "smear":
            return [draw_smear(label, generator).pixels for label in labels], "drawn smears, not real"
        return [draw_cell(label, generator) for label in labels], "drawn cells, not real"
    sample = [cells[i] for i in generator.permutation(len(cells))[:count]]
    outcomes = [pixels for _, pixels in read_all(sample, lambda read: read.image)]
    return [pixels for pixels in outcomes if not isinstance(pixels, UnusableImageError)], "of these cells"


def _answer(model: Model, kind: str, images: list[Pixels]) -> Shown:
    reasons: Counter[str] = Counter()
    reviewed = 0
    for pixels in images:
        review = score(model, _stored(pixels))["review"]
        reviewed += review["required"]
        reasons.update(review["reasons"])
    shares = tuple((reason, count / len(images)) for reason, count in reasons.most_common())
    return Shown(kind, images[0], len(images), reviewed / len(images), shares)


def _stored(pixels: Pixels) -> StoredImage:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    data = file.getvalue()
    return StoredImage(None, "image.png", None, None, "", len(data), data, 0.0)


def _within(pixels: Pixels, changed: NDArray[np.generic]) -> Pixels:
    """Change the cell, and leave its background black."""
    lit = pixels.max(axis=2, keepdims=True) > BACKGROUND_LEVEL
    return np.where(lit, np.clip(changed, 0, 255), 0).astype(np.uint8)


def _blurred(sigma: float) -> Change:
    return lambda pixels, _: np.array(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(sigma)), np.uint8)


def _scaled(factor: float) -> Change:
    def change(pixels: Pixels, _: np.random.Generator) -> Pixels:
        height, width = pixels.shape[:2]
        return np.asarray(Image.fromarray(pixels).resize((round(width * factor), round(height * factor))))

    return change


def _compressed(quality: int) -> Change:
    def change(pixels: Pixels, _: np.random.Generator) -> Pixels:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))

    return change


def _photograph(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Noise whose amplitude falls with the frequency as in natural scenes (Field 1987, J. Opt. Soc. Am. A 4)."""
    height, width = pixels.shape[:2]
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij"))
    frequency[0, 0] = 1
    layers = np.fft.ifft2(np.fft.fft2(generator.normal(size=(3, height, width))) / frequency).real
    layers = layers[:1] + 0.4 * layers  # most of a scene's contrast is common to its colours
    spread = (layers - layers.mean()) / layers.std()
    return np.asarray(np.clip(np.moveaxis(spread, 0, 2) * 50 + 120, 0, 255), np.uint8)


def _page(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    height, width = pixels.shape[:2]
    page = Image.new("RGB", (width, height), "white")
    for top in range(20, height - 12, 18):
        words = " ".join("x" * int(length) for length in generator.integers(2, 10, 12))
        ImageDraw.Draw(page).text((16, top), words, fill="black")
    return np.asarray(page)


def _cut(pixels: Pixels, _: np.random.Generator) -> Pixels:
    columns = np.flatnonzero((pixels.max(axis=2) > BACKGROUND_LEVEL).any(axis=0))
    return pixels[:, (columns[0] + columns[-1]) // 2 :] if len(columns) else pixels


def _of_one_height(left: Pixels, right: Pixels) -> list[Pixels]:
    height = max(len(left), len(right))
    return [np.pad(pixels, ((0, height - len(pixels)), (0, 0), (0, 0))) for pixels in (left, right)]


_KINDS: dict[str, Change] = {
    "as they are": lambda pixels, _: pixels,
    "inverted": lambda pixels, _: _within(pixels, 255 - pixels),
    "blurred, 3 px": _blurred(3),
    "blurred, 6 px": _blurred(6),
    "grey": lambda pixels, _: _within(pixels, pixels.mean(axis=2, keepdims=True).repeat(3, axis=2)),
    "green stain": lambda pixels, _: pixels[..., [1, 2, 0]].copy(),
    "red and blue swapped": lambda pixels, _: pixels[..., ::-1].copy(),
    "twice as bright": lambda pixels, _: _within(pixels, pixels.astype(int) * 2),
    "half size": _scaled(0.5),
    "double size": _scaled(2),
    "noise in the outline": lambda pixels, by: _within(pixels, by.integers(30, 255, pixels.shape)),
    "one flat colour": lambda pixels, _: _within(pixels, np.broadcast_to((90, 40, 120), pixels.shape)),
    "JPEG, quality 30": _compressed(30),
    "JPEG, quality 80": _compressed(80),
    "on white": lambda pixels, _: np.where(pixels.max(axis=2, keepdims=True) > BACKGROUND_LEVEL, pixels, 255),
    "cut in half": _cut,
    "black": lambda pixels, _: np.zeros_like(pixels),
    "white": lambda pixels, _: np.full_like(pixels, 255),
    "like a photograph": _photograph,
    "page of text": _page,
}
KINDS = len(_KINDS) + 1
