"""The processor time of a flagged image that is explained, beside the same image without an explanation.

``CELLFLAG_MODEL`` names the folder of another model than the one that is served.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lambda_fn.cells import find_cell, square_around, to_model_input
from lambda_fn.decisions import Explain, Policy
from lambda_fn.images import StoredImage, decode
from lambda_fn.manifest import MODEL_FOLDER
from lambda_fn.model import Model
from lambda_fn.scoring import score

from .conftest import ComparisonRow, rounds

ROUNDS = 100


@pytest.fixture(scope="module")
def model() -> Model:
    model = Model(Path(os.environ.get("CELLFLAG_MODEL", MODEL_FOLDER)), threads=1)
    if not model.explains:
        pytest.skip("the model explains nothing")
    return model


def milliseconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


def test_an_image_with_and_without_an_explanation(cells: list[bytes], model: Model) -> None:
    image = StoredImage(None, "cell.bmp", None, None, "", len(cells[0]), cells[0], 0.0)

    def scoring(explain: Explain) -> Callable[[], float]:
        policy = Policy(model.manifest.thresholds, review_everything=True, explain=explain)
        return lambda: milliseconds(lambda: score(model, image, policy))

    explained, plain = rounds(ROUNDS, scoring("flagged"), scoring("none"))
    ComparisonRow("CPU of a flagged image", "the same image, explain=none", "ms", explained, plain, "<= 1.30").report()


def test_an_inference_whose_maps_nobody_reads(cells: list[bytes], model: Model) -> None:
    pixels = to_model_input(find_cell(decode(cells[0]).pixels), model.manifest.preprocessing)
    kept, plain = rounds(
        2 * ROUNDS,
        lambda: milliseconds(lambda: model.predict_with_activations(pixels)),
        lambda: milliseconds(lambda: model.predict(pixels)),
    )
    reference = "the same inference for a prediction alone"
    ComparisonRow("CPU of an inference that is not explained", reference, "ms", kept, plain, "<= 1.02").report()


def test_an_inference_that_is_explained(cells: list[bytes], model: Model) -> None:
    cell = find_cell(decode(cells[0]).pixels)
    pixels = to_model_input(cell, model.manifest.preprocessing)
    square = square_around(cell, model.manifest.preprocessing)
    explained, plain = rounds(
        ROUNDS,
        lambda: milliseconds(lambda: model.explain(model.predict_with_activations(pixels)[1], square)),
        lambda: milliseconds(lambda: model.predict(pixels)),
    )
    reference = "the same inference for a prediction alone"
    ComparisonRow("CPU of an inference that is explained", reference, "ms", explained, plain, "<= 1.30").report()
