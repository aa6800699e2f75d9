"""The model in the repository, tried on real cells; the environment variable CELLFLAG_CNMC names their folder."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from sklearn.metrics import roc_auc_score

from lambda_fn.cells import find_cell, to_model_input
from lambda_fn.decisions import Prediction
from lambda_fn.manifest import MODEL_FOLDER, Manifest
from lambda_fn.model import Model
from training.data.dataset import digest_of
from training.data.labelled_cell import LabelledCell
from training.data.reading import ReadCell, read_usable
from training.data.sources import find_cells
from training.shipping.graph import PARITY_BOUND, reference_cells
from training.shipping.model_card import model_card
from training.synthetic.cell import draw_cell

MANIFEST = MODEL_FOLDER / "model.json"


def test_the_card_is_the_manifests() -> None:
    manifest = json.loads(MANIFEST.read_text("utf-8"))
    assert (MODEL_FOLDER / "MODEL_CARD.md").read_text("utf-8") == model_card(manifest)


def test_the_graph_is_the_one_that_the_manifest_describes() -> None:
    size = Manifest.from_json(MANIFEST.read_text("utf-8")).preprocessing.size
    prediction = Model().predict(np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8))
    assert 0 <= prediction.probability_all <= 1
    assert prediction.distance >= 0


def test_the_graph_still_says_of_drawn_cells_what_the_keras_model_said() -> None:
    model, training = Model(), json.loads(MANIFEST.read_text("utf-8"))["training"]
    said = [model.predict(pixels).probability_all for pixels in reference_cells(model.manifest.preprocessing)]
    assert training["parity"] <= PARITY_BOUND
    assert said == pytest.approx(training["reference_probabilities"], abs=1e-3)
    assert np.ptp(said) > 0.1


@pytest.mark.parametrize(
    "change", ["unchanged", "inverted", "blurred", "half size", "noise", "green stain", "red and blue swapped"]
)
def test_what_the_model_never_saw_is_flagged_as_unlike_and_nothing_else(change: str) -> None:
    model, generator = Model(), np.random.default_rng(1)
    flagged = []
    for number in range(12):
        pixels = changed(draw_cell(("all", "hem")[number % 2], generator), change)
        prediction = model.predict(to_model_input(find_cell(pixels), model.manifest.preprocessing))
        flagged.append(prediction.distance > model.manifest.thresholds.unlike_above)
    assert np.mean(flagged) <= 0.1 if change == "unchanged" else np.mean(flagged) >= 0.9


def changed(pixels: NDArray[np.uint8], change: str) -> NDArray[np.uint8]:
    lit = pixels.any(axis=2, keepdims=True)
    image = Image.fromarray(pixels)
    match change:
        case "unchanged":
            return pixels
        case "inverted":
            return np.where(lit, 255 - pixels, 0).astype(np.uint8)
        case "blurred":
            return np.asarray(image.filter(ImageFilter.GaussianBlur(3)))
        case "green stain":
            return np.roll(pixels, 1, axis=2)
        case "red and blue swapped":
            return np.ascontiguousarray(pixels[:, :, ::-1])
        case "half size":
            return np.pad(np.asarray(image.resize((225, 225))), ((112, 113), (112, 113), (0, 0)))
        case _:
            return np.where(lit, np.random.default_rng(0).integers(30, 255, pixels.shape), 0).astype(np.uint8)


@pytest.fixture(scope="module")
def real_cells(real_index: tuple[Path, str]) -> list[LabelledCell]:
    return find_cells(real_index[0])[1]


def test_the_model_still_knows_the_real_cells_that_it_learned_from(real_cells: list[LabelledCell]) -> None:
    model = Model()
    some = [real_cells[index] for index in np.random.default_rng(0).permutation(len(real_cells))[:600]]

    def predict(read: ReadCell) -> Prediction:
        return model.predict(to_model_input(read.cell, model.manifest.preprocessing))

    usable, left_out = read_usable(some, predict)
    assert left_out == []
    predictions = [prediction for _, prediction in usable]
    is_all = [cell.label == "ALL" for cell, _ in usable]
    assert roc_auc_score(is_all, [prediction.probability_all for prediction in predictions]) > 0.98
    unlike = np.array([prediction.distance for prediction in predictions]) > model.manifest.thresholds.unlike_above
    assert unlike.mean() < 0.03


def test_the_folder_holds_the_cells_that_the_manifest_names(real_cells: list[LabelledCell]) -> None:
    training = json.loads(MANIFEST.read_text("utf-8"))["training"]
    if sum(training["cells"].values()) != len(real_cells):
        pytest.skip("CELLFLAG_CNMC names other cells than the model learned from")
    assert training["data_digest"] == digest_of((cell.label, cell.subject, cell.sha256) for cell in real_cells)
