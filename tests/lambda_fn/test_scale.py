"""A cell is resampled only if its scale and the model's are known and differ, and the result says so."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from PIL import Image, ImageDraw

import lambda_fn
from lambda_fn.cells import find_cell, to_model_input
from lambda_fn.decisions import Policy
from lambda_fn.errors import ModelError
from lambda_fn.images import StoredImage
from lambda_fn.manifest import Manifest
from lambda_fn.model import Model
from lambda_fn.preprocessing import Preprocessing
from lambda_fn.scale import MAX_RESAMPLING, TOLERATED_DIFFERENCE, fit_scale
from lambda_fn.scoring import score

from ..brightest_red import write_brightest_red
from ..explained_model import write_explained_model

AT_A_TENTH = Preprocessing(crop=224, size=224, um_per_px=0.1)
MICROMETRES_PER_INCH = 25_400


def disc(diameter: int) -> Image.Image:
    image = Image.new("RGB", (450, 450))
    start = 225 - diameter // 2
    ImageDraw.Draw(image).ellipse((start, start, start + diameter - 1, start + diameter - 1), fill=(90, 40, 120))
    return image


def stored(image: Image.Image, um_per_px: float | None = None) -> StoredImage:
    buffer = io.BytesIO()
    dots: dict[str, Any] = {"dpi": (MICROMETRES_PER_INCH / um_per_px,) * 2} if um_per_px else {}
    image.save(buffer, "PNG", **dots)
    data = buffer.getvalue()
    return StoredImage("images", "cell.png", None, None, "2026-11-22T12:00:00Z", len(data), data, 1.0)


def with_scale(folder: Path, um_per_px: float | None) -> Model:
    manifest: dict[str, Any] = json.loads((folder / "model.json").read_text())
    manifest["preprocessing"]["um_per_px"] = um_per_px
    (folder / "model.json").write_text(json.dumps(manifest))
    return Model(folder)


@pytest.fixture
def at_a_tenth(tmp_path: Path) -> Model:
    """A model that was trained at .1 micrometres a pixel."""
    write_brightest_red(tmp_path)
    return with_scale(tmp_path, 0.1)


@pytest.mark.parametrize(
    ("model_scale", "image_scale"),
    [(None, None), (None, 0.2), (0.1, None), (0.1, 0.1), (0.1, 0.1029), (0.1, 0.0972)],
)
def test_nothing_is_resampled_if_a_scale_is_unknown_or_they_agree(
    model_scale: float | None, image_scale: float | None
) -> None:
    preprocessing = Preprocessing(224, 224, um_per_px=model_scale)
    scaling = fit_scale(preprocessing, image_scale)
    assert (scaling.preprocessing, scaling.resampled_by, scaling.doubts) == (preprocessing, None, ())


@pytest.mark.parametrize(("image_scale", "crop"), [(0.2, 112), (0.16, 140), (0.05, 448), (0.112, 200)])
def test_the_square_holds_as_many_micrometres_as_in_training(image_scale: float, crop: int) -> None:
    scaling = fit_scale(AT_A_TENTH, image_scale)
    assert scaling.preprocessing == Preprocessing(crop, 224, um_per_px=0.1)
    assert scaling.resampled_by == pytest.approx(224 / crop)
    assert scaling.preprocessing.crop * image_scale == pytest.approx(22.4, rel=0.01)


@given(st.floats(0.001, 10), st.floats(0.001, 10), st.integers(32, 2000))
def test_no_scale_makes_a_square_of_another_order_of_size(model_scale: float, image_scale: float, crop: int) -> None:
    scaling = fit_scale(Preprocessing(crop, 64, um_per_px=model_scale), image_scale)
    assert crop / MAX_RESAMPLING - 1 <= scaling.preprocessing.crop <= crop * MAX_RESAMPLING + 1
    ratio = max(model_scale / image_scale, image_scale / model_scale)
    assert (scaling.doubts != ()) == (ratio > MAX_RESAMPLING)
    assert scaling.resampled_by is None or ratio - 1 > TOLERATED_DIFFERENCE


def test_a_cell_at_half_the_scale_gives_the_input_of_training() -> None:
    fine, coarse = (find_cell(np.asarray(disc(diameter))) for diameter in (180, 90))
    as_trained = to_model_input(fine, AT_A_TENTH).astype(int)
    resampled = to_model_input(coarse, fit_scale(AT_A_TENTH, 0.2).preprocessing).astype(int)
    assert np.abs(as_trained - resampled).mean() < 2
    assert np.abs(as_trained - to_model_input(coarse, AT_A_TENTH).astype(int)).mean() > 15


@pytest.mark.parametrize(
    ("stated", "setting", "resampled_by"),
    [(0.2, None, 2.0), (None, 0.2, 2.0), (0.1, 0.2, 2.0), (0.2, 0.1, None), (None, None, None), (0.102, None, None)],
    ids=["file", "setting", "setting over file", "setting agrees", "unknown", "nearly equal"],
)
def test_the_result_says_what_was_resampled(
    stated: float | None, setting: float | None, resampled_by: float | None, at_a_tenth: Model
) -> None:
    policy = Policy(at_a_tenth.manifest.thresholds, um_per_px=setting)
    document = score(at_a_tenth, stored(disc(180), stated), policy)
    schema = json.loads((Path(lambda_fn.__file__).parent / "result.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(document)
    assert document["image"].get("resampled_by") == resampled_by
    assert ("resampled_by" in document["image"]) == (resampled_by is not None)


def test_a_model_of_unknown_scale_answers_as_if_no_image_stated_one(model: Model) -> None:
    assert model.manifest.preprocessing.um_per_px is None
    plain, stating = (score(model, stored(disc(180), scale)) for scale in (None, 0.2))
    for part in ("prediction", "decision", "review"):
        assert plain[part] == stating[part]
    assert "resampled_by" not in stating["image"]


def test_an_image_far_from_the_models_scale_goes_to_a_person(at_a_tenth: Model) -> None:
    document = score(at_a_tenth, stored(disc(180), 1.0))
    assert document["decision"] == "review"
    assert "unlike_training_data" in document["review"]["reasons"]
    assert "resampled_by" not in document["image"]


def test_the_map_of_a_resampled_cell_lies_on_the_image(tmp_path: Path) -> None:
    write_explained_model(tmp_path)
    model = with_scale(tmp_path, 0.1)
    crop = model.manifest.preprocessing.crop
    document = score(model, stored(disc(60), 0.2), Policy(model.manifest.thresholds, explain="all"))
    assert document["explanation"] is not None
    grid = document["explanation"]["map"]
    assert grid["side_px"] == crop // 2
    assert abs(grid["top"] + grid["side_px"] / 2 - 225) <= 1
    assert abs(grid["left"] + grid["side_px"] / 2 - 225) <= 1


@pytest.mark.parametrize("scale", [0, -0.1, "fine", [0.1]])
def test_a_manifest_with_an_impossible_scale_is_refused(scale: object, tmp_path: Path) -> None:
    write_brightest_red(tmp_path)
    manifest = json.loads((tmp_path / "model.json").read_text())
    manifest["preprocessing"]["um_per_px"] = scale
    with pytest.raises(ModelError, match=r"model\.json"):
        Manifest.from_json(json.dumps(manifest))
