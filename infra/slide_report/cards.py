"""The cells that a report shows one by one: in words, and the most suspicious ones with pictures."""

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from infra.errors import InfraError
from infra.operate.explained import UNEXPLAINED, ResultExplainer
from infra.operate.exports import seen
from infra.pictures.cell_pictures import draw_cell, draw_cell_and_map
from infra.pictures.explanation import in_words
from infra.review.places import Place
from infra.review.policy import ModelView
from infra.review.words import reasons_in_words
from infra.slide_report.gathering import ShownResult
from lambda_fn.labels import Answer
from lambda_fn.results import ResultDocument

# Side of a picture in pixels: about 120 dots an inch if five stand beside each other on A4.
SIDE: Final = 320
# Bytes of all pictures together, as they stand in the page. They leave room for rows with keys of 1,011 characters that
# HTML escapes, so that the page keeps within 3 MB.
MOST_BYTES: Final = 1_200_000
_ANSWERS: Final[dict[Answer, str]] = {"ALL": "ALL", "normal": "normal", "cannot_say": "cannot say"}
_NO_ROOM = "No picture: the page would exceed 3 MB."


@dataclass(frozen=True)
class CellCard:
    """A cell in words.

    Attributes:
        key: the image's key.
        probability_all: 0 to 1; None for a rejected image.
        decision: the model's.
        reasons: why a person should look, a sentence each; for a rejected image why it was.
        features: the features seen, if the cell was measured.
        answer: what a person said; None if nobody did.
        reviewer: who said it.
        cell: data URL of the picture; None without one.
        map: data URL of the map on the cell; None without one.
        sum: how the probability comes about, as a sentence; None if it is not explained.
        missing: why a picture or the map is missing; None if both are there, or none is wanted.
    """

    key: str
    probability_all: float | None
    decision: str
    reasons: tuple[str, ...]
    features: tuple[str, ...]
    answer: str | None
    reviewer: str | None
    cell: str | None = None
    map: str | None = None
    sum: str | None = None
    missing: str | None = None


def in_text(result: ShownResult, view: ModelView) -> CellCard:
    """Return a cell without pictures; ``view`` is of the deployment's own model."""
    return _card(result, view)


class PictureCards:
    """Makes cards with pictures, until they take too many bytes."""

    def __init__(self, place: Place | None, view: ModelView) -> None:
        """Draw the images of a place; None draws none.

        Args:
            place: holds the images.
            view: of the deployment's own model.

        Raises:
            ModelError: the manifest of the model of this package cannot be read.
        """
        self._place, self._view, self._explainer = place, view, ResultExplainer()
        self._bytes = 0

    def cards(self, results: Iterable[ShownResult]) -> list[CellCard]:
        """Return a card for each result.

        Raises:
            ClientError, OSError: the place refuses or fails.
        """
        return [self._draw(result) for result in results]

    def _draw(self, result: ShownResult) -> CellCard:
        document = result.document
        image = document["image"]
        if self._place is None:
            return _card(result, self._view)
        if self._bytes > MOST_BYTES:
            return _card(result, self._view, missing=_NO_ROOM)
        data = self._place.read_image(image["key"], image["version_id"])
        if data is None:
            return _card(result, self._view, missing="No picture: the image is gone.")
        try:
            shown = self._explainer.show(document, data)
        except InfraError as error:
            return _card(result, self._view, missing=f"No picture: {error.message}")
        explanation = shown.document["explanation"]
        if explanation is None or "map" not in explanation:
            cell = self._url(draw_cell(shown.pixels, shown.mask, SIDE, Image.Resampling.BICUBIC))
            return _card(result, self._view, cell=cell, missing=self._why_no_map(document))
        drawn = draw_cell_and_map(shown.pixels, shown.mask, explanation["map"], SIDE, Image.Resampling.BICUBIC)
        cell, mapped = map(self._url, drawn)
        words = in_words(shown.document, explanation)
        return _card(result, self._view, cell=cell, map=mapped, sum=words)

    def _why_no_map(self, document: ResultDocument) -> str:
        model, missing = document["model"], document.get("explanation_missing")
        if missing in UNEXPLAINED:
            return f"No map: {UNEXPLAINED[missing]}."
        if model["sha256"] != self._view.manifest.sha256:
            return f"No map: {model['version']}, the model that gave the score, is not here."
        return f"No map: {UNEXPLAINED['not_in_model']}."

    def _url(self, pixels: NDArray[np.uint8]) -> str:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "WEBP", quality=80)
        url = f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
        self._bytes += len(url)
        return url


def _card(result: ShownResult, view: ModelView, **pictures: str | None) -> CellCard:
    document, answer = result.document, result.answer
    return CellCard(
        document["image"]["key"],
        document["prediction"]["probability_all"] if document["prediction"] else None,
        document["decision"],
        tuple(reasons_in_words(document, view.thresholds_of(document["model"]))),
        seen(document),
        _ANSWERS[answer.label] if answer else None,
        answer.reviewer if answer else None,
        **pictures,
    )
