"""Draws an explanation: the cell, the map on it, and how both add up to the probability."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from infra.pictures.cell_pictures import draw_cell_and_map, largest_value
from infra.pictures.signed_map import BLUE, ORANGE, colours
from lambda_fn.own_thresholds import MANIFEST
from lambda_fn.results import ExplanationFacts, ResultDocument

Pixels = NDArray[np.uint8]
# Pixels of the picture.
SIDE, MARGIN, ROW = 560, 40, 30
WIDTH = 3 * MARGIN + 2 * SIDE + 130
_INK, _FAINT, _PAPER = (25, 25, 30), (110, 110, 115), (255, 255, 255)
_LABELS = {
    "colour": "colour",
    "detail_2px": "detail of about 2 px",
    "detail_4px": "detail of about 4 px",
    "detail_8px": "detail of about 8 px",
    "detail_16px": "detail of about 16 px",
    "brightness": "spread of brightness",
}


def draw_explanation(pixels: Pixels, mask: NDArray[np.bool_], document: ResultDocument) -> Image.Image:
    """Draw the explanation of a document.

    Args:
        pixels: the upright image, uint8 of shape (height, width, 3).
        mask: the cell, boolean of shape (height, width).
        document: of the image, with a prediction and an explanation that has a map.
    """
    explanation, prediction = document["explanation"], document["prediction"]
    if explanation is None or prediction is None:
        raise AssertionError("only an explained document can be drawn")
    grid = explanation["map"]
    cell, mapped = draw_cell_and_map(pixels, mask, grid, SIDE, Image.Resampling.NEAREST)
    largest = largest_value(grid)
    steps = _steps(explanation)
    height = 2 * MARGIN + 90 + SIDE + 40 + ROW * (len(steps) + 2) + 40
    picture = Image.new("RGB", (WIDTH, height), _PAPER)
    draw = ImageDraw.Draw(picture)
    _text(draw, (MARGIN, MARGIN), _fitting(document["image"]["key"], 90), 26)
    _text(draw, (MARGIN, MARGIN + 38), _headline(document), 20, _FAINT)
    top = MARGIN + 90
    picture.paste(Image.fromarray(cell), (MARGIN, top))
    picture.paste(Image.fromarray(mapped), (2 * MARGIN + SIDE, top))
    field = grid["side_px"] / len(grid["values"])
    _colour_bar(picture, draw, (2 * MARGIN + 2 * SIDE + 20, top), largest)
    caption = top + SIDE + 8
    _text(draw, (MARGIN, caption), "The cell and its outline", 16, _FAINT)
    _text(
        draw,
        (2 * MARGIN + SIDE, caption),
        f"Logits for each field of {field:g} px. Whole lines: for ALL. Dashed: for normal.",
        16,
        _FAINT,
    )
    _sum(draw, caption + 40, steps)
    _text(draw, (MARGIN, height - MARGIN - 16), in_words(document, explanation), 16)
    return picture


def _steps(explanation: ExplanationFacts) -> list[tuple[str, float]]:
    """The terms of the sum, each with its name; the first is the baseline."""
    placed = float(np.sum(explanation["map"]["values"]))
    others = [(_LABELS.get(name, name.replace("_", " ")), value) for name, value in explanation["other"].items()]
    return [
        ("a typical normal cell", explanation["baseline_logit"]),
        ("the map of this cell", placed),
        *others,
        ("not explained", explanation["residual"]),
    ]


def _headline(document: ResultDocument) -> str:
    prediction, review = document["prediction"], document["review"]
    probability = prediction["probability_all"] if prediction else 0.0
    reasons = ", ".join(reason.replace("_", " ") for reason in review["reasons"])
    decided = f"decision: {document['decision']}" + (f" ({reasons})" if reasons else "")
    model = document["model"]
    by = model.get("thresholds", MANIFEST)
    own = "" if by == MANIFEST else f"; thresholds {by}"
    return f"probability of ALL {probability:.3f}; {decided}; model {model['version']}{own}"


def in_words(document: ResultDocument, explanation: ExplanationFacts) -> str:
    """Return the sum of an explanation as a sentence, from a typical normal cell to the probability."""
    values = np.array(explanation["map"]["values"])
    placed, other = float(values.sum()), float(sum(explanation["other"].values()))
    prediction = document["prediction"]
    probability = prediction["probability_all"] if prediction else 0.0
    return (
        f"Typical normal cell {explanation['baseline_logit']:+.2f}; map {placed:+.2f} "
        f"({values[values > 0].sum():+.2f} for ALL, {values[values < 0].sum():+.2f} for normal); "
        f"colour and detail {other:+.2f}; together {explanation['logit']:+.2f}: a probability of {probability:.3f}."
    )


def _sum(draw: ImageDraw.ImageDraw, top: int, steps: Sequence[tuple[str, float]]) -> None:
    """Draw each term as a bar that begins where the one before ended, and the sum last."""
    totals = np.concatenate([[0.0], np.cumsum([value for _, value in steps])])
    low, high = min(float(totals.min()), 0.0), max(float(totals.max()), 0.0)
    left, right = MARGIN + 300, WIDTH - MARGIN - 110
    scale = (right - left) / max(high - low, 1e-9)

    def place(value: float) -> float:
        return left + (value - low) * scale

    draw.line((place(0), top, place(0), top + ROW * (len(steps) + 1)), _FAINT)
    zero = "0: as likely ALL as normal"
    room = draw.textlength(zero, ImageFont.load_default(14))
    _text(draw, (int(min(place(0) + 4, right - room)), top - 18), zero, 14, _FAINT)
    rows = [*((name, start, start + value) for (name, value), start in zip(steps, totals[:-1].tolist(), strict=True))]
    for number, (name, start, end) in enumerate([*rows, ("logit of this cell", 0.0, float(totals[-1]))]):
        y = top + ROW * number
        begin, finish = sorted((place(start), place(end)))
        last = number == len(steps)
        colour = _INK if last else ORANGE if end > start else BLUE
        draw.rectangle((begin, y + 6, max(finish, begin + 1), y + ROW - 6), colour, _INK)
        if end < start and not last:  # hatched, for print in grey
            for x in range(int(begin) + 6, int(finish), 8):
                draw.line((x, y + 6, x, y + ROW - 6), _PAPER)
        _text(draw, (MARGIN, y + 5), name, 17)
        _text(draw, (right + 16, y + 5), f"{end - start:+.3f}", 17)


def _colour_bar(picture: Image.Image, draw: ImageDraw.ImageDraw, corner: tuple[int, int], largest: float) -> None:
    left, top = corner
    width = 26
    scale = np.linspace(largest, -largest, SIDE)[:, None].repeat(width, axis=1)
    picture.paste(Image.fromarray(colours(scale, largest).round().astype(np.uint8)), corner)
    draw.rectangle((left, top, left + width, top + SIDE), outline=_INK)
    for value, y in ((largest, top), (0.0, top + SIDE // 2), (-largest, top + SIDE)):
        draw.line((left + width, y, left + width + 6, y), _INK)
        _text(draw, (left + width + 10, y - 9), f"{value:+.3f}" if value else "0", 15)
    _text(draw, (left + width + 10, top + 14), "for ALL", 15, ORANGE)
    _text(draw, (left + width + 10, top + SIDE - 34), "for normal", 15, BLUE)


def _text(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    text: str,
    size: int,
    colour: tuple[int, int, int] = _INK,
) -> None:
    draw.text(place, text, colour, ImageFont.load_default(size))


def _fitting(text: str, length: int) -> str:
    """The end of a long text; characters that no font can draw become question marks."""
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= length else f"…{shown[1 - length :]}"
