"""Explanations add up to the served probability, whatever the image."""

import io
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from PIL import Image, ImageDraw

import lambda_fn
from lambda_fn.decisions import Explain, Policy, Thresholds
from lambda_fn.images import StoredImage
from lambda_fn.model import Model
from lambda_fn.results import ResultDocument, ledger, to_json
from lambda_fn.scoring import score

from ..explained_model import write_explained_model
from .conftest import Pixels, draw_disc

MAX_BYTES = 8000
ALWAYS = Thresholds(0.5, 0.0, 1.0)


@pytest.fixture(scope="module")
def explained_model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("explained")
    write_explained_model(folder)
    return Model(folder)


def answer(model: Model, pixels: Pixels, explain: Explain = "all", exif: bytes = b"") -> ResultDocument:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", exif=exif)
    data = buffer.getvalue()
    image = StoredImage(None, "cell.png", None, None, "", len(data), data, 0.0)
    return score(model, image, Policy(model.manifest.thresholds, explain=explain))


def noisy(pixels: Pixels) -> Pixels:
    noise = np.random.default_rng(0).integers(-30, 30, pixels.shape)
    return np.where(pixels > 0, (pixels + noise).clip(20, 255), 0).astype(np.uint8)


def polygon(*points: tuple[int, int], width: int = 450, height: int = 400) -> Pixels:
    image = Image.new("RGB", (width, height))
    ImageDraw.Draw(image).polygon(points, fill=(90, 60, 130))
    return np.asarray(image)


def ring() -> Pixels:
    """A ring so wide that nothing of it lies in the square around its centre."""
    image = Image.new("RGB", (600, 600))
    ImageDraw.Draw(image).ellipse((20, 20, 579, 579), outline=(90, 60, 130), width=20)
    return np.asarray(image)


def total(document: ResultDocument) -> float:
    facts: Any = document["explanation"]
    return float(
        facts["baseline_logit"] + np.sum(facts["map"]["values"]) + sum(facts["other"].values()) + facts["residual"]
    )


CELLS: dict[str, Callable[[], Pixels]] = {
    "disc": lambda: draw_disc((90, 40, 120)),
    "noisy": lambda: noisy(draw_disc((150, 60, 120))),
    "at the frame": lambda: noisy(polygon((0, 0), (90, 0), (90, 90), (0, 90))),
    "in the corner": lambda: noisy(polygon((400, 330), (449, 330), (449, 399), (400, 399))),
    "hair-thin": lambda: polygon((60, 200), (380, 200), (380, 205), (60, 205)),
    "fills the image": lambda: noisy(polygon((5, 5), (244, 5), (244, 244), (5, 244), width=250, height=250)),
    "one colour": lambda: draw_disc((255, 255, 255)),
}


@pytest.mark.parametrize("name", CELLS)
def test_the_parts_add_up_to_the_logit_of_the_served_probability(name: str, explained_model: Model) -> None:
    document = answer(explained_model, CELLS[name]())
    facts, prediction = document["explanation"], document["prediction"]
    assert facts is not None, document["explanation_missing"]
    assert prediction is not None
    assert 1 / (1 + math.exp(-facts["logit"])) == pytest.approx(prediction["probability_all"], abs=1e-4)
    assert total(document) == pytest.approx(facts["logit"], abs=1e-3)
    assert abs(facts["residual"]) <= 0.01
    assert document["explanation_missing"] is None


@pytest.mark.parametrize("name", CELLS)
def test_an_explained_document_keeps_to_the_schema_and_its_explanation_is_small(
    name: str, explained_model: Model
) -> None:
    schema = json.loads((Path(lambda_fn.__file__).parent / "result.schema.json").read_text("utf-8"))
    document = answer(explained_model, CELLS[name]())
    written = to_json(document)
    assert json.loads(written) == document
    Draft202012Validator(schema).validate(json.loads(written))
    assert len(json.dumps(document["explanation"])) <= MAX_BYTES


def test_the_map_lies_on_the_cell_and_nowhere_else(explained_model: Model) -> None:
    facts = answer(explained_model, CELLS["noisy"]())["explanation"]
    assert facts is not None
    grid = facts["map"]
    values = np.array(grid["values"])
    assert (grid["top"], grid["left"], grid["side_px"]) == (180 - 128, 150 - 128, 256)
    assert values.shape == (8, 8)
    assert (values[0] == 0).all()
    assert (values[2:6, 2:6] != 0).all()


def test_a_square_that_reaches_beyond_the_image_begins_at_a_negative_place(explained_model: Model) -> None:
    facts = answer(explained_model, CELLS["at the frame"]())["explanation"]
    assert facts is not None
    assert (facts["map"]["top"], facts["map"]["left"]) == (45 - 128, 45 - 128)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_map_stands_on_the_upright_image_whatever_the_exif_orientation(
    orientation: int, explained_model: Model
) -> None:
    upright = answer(explained_model, CELLS["noisy"]())
    stored = {
        1: lambda image: image,
        2: lambda image: image[:, ::-1],
        3: lambda image: image[::-1, ::-1],
        4: lambda image: image[::-1],
        5: lambda image: image.swapaxes(0, 1),
        6: lambda image: np.rot90(image),
        7: lambda image: image[::-1, ::-1].swapaxes(0, 1),
        8: lambda image: np.rot90(image, -1),
    }[orientation](CELLS["noisy"]())
    exif = Image.Exif()
    exif[0x0112] = orientation
    document = answer(explained_model, np.ascontiguousarray(stored), exif=exif.tobytes())
    assert document["explanation"] == upright["explanation"]
    assert document["image"]["width"] == upright["image"]["width"]


@pytest.mark.parametrize("steepness", [1e3, -1e3, 1e6])
def test_a_probability_of_exactly_0_or_1_has_a_finite_explanation(steepness: float, tmp_path: Path) -> None:
    write_explained_model(tmp_path, steepness)
    document = answer(Model(tmp_path), CELLS["disc"]())
    assert document["prediction"] is not None
    assert document["prediction"]["probability_all"] in (0.0, 1.0)
    facts = document["explanation"]
    assert facts is not None
    assert math.isfinite(facts["logit"])
    assert total(document) == pytest.approx(facts["logit"], rel=1e-3)
    assert json.loads(to_json(document)) == document


def test_a_cell_outside_the_square_that_the_model_sees_has_no_explanation(explained_model: Model) -> None:
    document = answer(explained_model, ring())
    assert (document["status"], document["explanation"]) == ("scored", None)
    assert document["explanation_missing"] == "empty_square"


def test_a_number_that_cannot_be_written_is_no_explanation(explained_model: Model) -> None:
    pixels = np.full((64, 64, 3), 90, np.uint8)
    _, activations = explained_model.predict_with_activations(pixels)
    broken = {**activations, "logit": type(activations["logit"]).ortvalue_from_numpy(np.full((1, 1), np.nan, "f4"))}
    assert explained_model.explain(broken, (0, 0)) == "not_finite"


def test_a_model_without_the_outputs_says_so(model: Model) -> None:
    document = answer(model, CELLS["disc"]())
    assert (document["explanation"], document["explanation_missing"]) == (None, "not_in_model")


def test_a_rejected_image_says_so(explained_model: Model) -> None:
    document = answer(explained_model, np.zeros((50, 50, 3), np.uint8))
    assert (document["explanation"], document["explanation_missing"]) == (None, "rejected")


@pytest.mark.parametrize(
    ("explain", "flagged", "explained"),
    [
        *(("all", flagged, True) for flagged in (True, False)),
        *(("none", flagged, False) for flagged in (True, False)),
        *(("flagged", flagged, flagged) for flagged in (True, False)),
    ],
)
def test_the_policy_says_which_images_are_explained(
    explain: Explain, flagged: bool, explained: bool, explained_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    thresholds = ALWAYS if flagged else Thresholds(0.5, 0.5, 0.5)
    monkeypatch.setattr(explained_model, "manifest", replace(explained_model.manifest, thresholds=thresholds))
    document = answer(explained_model, CELLS["disc"](), explain)
    assert document["review"]["required"] is flagged
    assert (document["explanation"] is not None) is explained
    assert document["explanation_missing"] == (None if explained else "not_asked")
    assert (document["timing_ms"]["explain"] is not None) is explained


def test_explaining_changes_neither_score_nor_decision(explained_model: Model) -> None:
    one, other = (answer(explained_model, CELLS["noisy"](), explain) for explain in ("all", "none"))
    assert (one["prediction"], one["decision"]) == (other["prediction"], other["decision"])


def test_the_ledger_has_the_sums_without_the_map(explained_model: Model) -> None:
    document = answer(explained_model, CELLS["noisy"]())
    line = json.loads(ledger([(document, "written")]))
    assert document["explanation"] is not None
    assert line["explanation"] == {name: value for name, value in document["explanation"].items() if name != "map"}
    assert "map" in document["explanation"]


def test_the_nearest_stored_cell_explains_the_distance(explained_model: Model) -> None:
    document = answer(explained_model, CELLS["noisy"]())
    assert document["explanation"] is not None
    nearest = document["explanation"]["nearest"]
    pixels = CELLS["noisy"]()
    assert 0 <= nearest["stored_cell"] < 6
    assert pixels.any()
    assert nearest["distance"] >= 0


def test_a_map_with_many_fields_is_rounded_so_that_its_sum_stays_exact() -> None:
    from lambda_fn.explanations import _rounded

    placed = np.random.default_rng(0).normal(0, 0.05, (28, 28))
    values = _rounded(placed)
    assert np.abs(np.array(values) - placed).max() <= 1e-3
    assert np.sum(values) == pytest.approx(placed.sum(), abs=6e-4)
    assert len(json.dumps(values)) <= MAX_BYTES - 1000


def test_a_key_that_looks_like_a_field_of_the_document_changes_nothing(explained_model: Model) -> None:
    document = answer(explained_model, CELLS["noisy"]())
    document["image"]["key"] = '\n "explanation": null'
    assert json.loads(to_json(document)) == document
