"""Result documents, validated against the published schema."""

import hashlib
import io
import json
import math
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from PIL import Image

import lambda_fn
from lambda_fn.decisions import Policy, Prediction
from lambda_fn.images import StoredImage
from lambda_fn.model import Model
from lambda_fn.preprocessing import LIMITS
from lambda_fn.results import ledger, to_json
from lambda_fn.scoring import score

from .conftest import draw_disc

Encode = Callable[..., bytes]
CONTRACT_ORDER = [
    *("schema", "status", "image", "prediction", "decision", "review"),
    *("morphology", "explanation", "explanation_missing", "model", "timing_ms", "scored_at"),
]


@pytest.fixture(scope="session")
def schema() -> Draft202012Validator:
    document = json.loads((Path(lambda_fn.__file__).parent / "result.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


def stored(data: bytes, byte_count: int | None = None) -> StoredImage:
    time = "2026-11-22T12:00:00Z"
    return StoredImage("images", "plate 7/cell.bmp", "v1", "e1", time, byte_count or len(data), data, read_ms=1.5)


@pytest.mark.parametrize(
    ("red", "label", "decision", "reasons"),
    [(30, "normal", "normal", []), (120, "normal", "review", ["uncertain"]), (250, "ALL", "ALL", [])],
)
def test_a_scored_image_is_answered_with_its_prediction_and_decision(
    red: int, label: str, decision: str, reasons: list[str], model: Model, encode: Encode, schema: Draft202012Validator
) -> None:
    data = encode(pixels=draw_disc((red, 40, 120)))
    document = score(model, stored(data))
    schema.validate(document)
    assert list(document) == CONTRACT_ORDER
    assert document["status"] == "scored"
    assert document["prediction"] == {"label": label, "probability_all": pytest.approx(red / 255, abs=1e-6)}
    assert document["decision"] == decision
    assert document["review"] == {"required": bool(reasons), "reasons": reasons}
    assert document["image"] == {
        "bucket": "images",
        "key": "plate 7/cell.bmp",
        "version_id": "v1",
        "etag": "e1",
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "format": "BMP",
        "width": 450,
        "height": 400,
    }
    assert document["model"] == {
        "version": "brightest-red",
        "sha256": model.manifest.sha256,
        "thresholds": "manifest",
    }


@pytest.mark.parametrize(
    ("make", "code", "width"),
    [
        (lambda encode: stored(b""), "unreadable", None),
        (lambda encode: stored(encode()[:9000]), "unreadable", None),
        (lambda encode: stored(b"some text"), "unsupported_format", None),
        (lambda encode: stored(b"", byte_count=LIMITS.file_bytes + 1), "too_large", None),
        (lambda encode: stored(encode(pixels=np.zeros((20, 30, 3), np.uint8))), "no_single_cell", 30),
    ],
    ids=["empty", "truncated", "text", "too large", "black"],
)
def test_an_image_that_cannot_be_scored_is_answered_with_the_reason(
    make: Callable[[Encode], StoredImage],
    code: str,
    width: int | None,
    model: Model,
    encode: Encode,
    schema: Draft202012Validator,
) -> None:
    document = score(model, make(encode))
    schema.validate(document)
    assert list(document) == [*CONTRACT_ORDER, "error"]
    assert (document["status"], document["prediction"], document["decision"]) == ("rejected", None, "review")
    assert document["review"] == {"required": True, "reasons": [code]}
    assert document["error"]["code"] == code
    assert document["image"]["width"] == width


@pytest.mark.parametrize("probability_all", [math.nan, math.inf, -math.inf, 7.0])
@pytest.mark.parametrize("everything", [False, True])
def test_an_image_whose_score_is_no_probability_is_rejected_in_valid_json(
    probability_all: float,
    everything: bool,
    model: Model,
    encode: Encode,
    schema: Draft202012Validator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model, "predict", lambda pixels: Prediction(probability_all))
    document = score(model, stored(encode()), Policy(model.manifest.thresholds, review_everything=everything))
    schema.validate(document)
    assert (document["status"], document["prediction"], document["decision"]) == ("rejected", None, "review")
    assert document["review"] == {"required": True, "reasons": ["no_score"]}
    for line in (to_json(document), ledger([(document, "written")])):
        assert b"NaN" not in line
        assert b"Infinity" not in line


def test_a_cell_whose_distance_is_not_finite_is_scored_and_reviewed(
    model: Model, encode: Encode, schema: Draft202012Validator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "predict", lambda pixels: Prediction(0.9, math.nan))
    document = score(model, stored(encode()))
    schema.validate(document)
    assert (document["status"], document["decision"]) == ("scored", "review")
    assert document["review"]["reasons"] == ["unlike_training_data"]


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"file_bytes": 1000}, "too_large"),
        ({"pixels": 450 * 400 - 1}, "too_large"),
        ({"aspect": 1.1}, "no_single_cell"),
        ({"file_bytes": 600_000, "pixels": 450 * 400, "aspect": 1.125}, None),
    ],
)
def test_the_limits_are_those_of_the_manifest(
    limits: dict[str, float], code: str | None, model_folder: Path, encode: Encode, tmp_path: Path
) -> None:
    fields = json.loads((model_folder / "model.json").read_text())
    fields["preprocessing"]["limits"] = limits
    (tmp_path / "model.json").write_text(json.dumps(fields))
    (tmp_path / "model.onnx").write_bytes((model_folder / "model.onnx").read_bytes())
    document = score(Model(tmp_path), stored(encode()))
    assert document.get("error", {}).get("code") == code


@pytest.mark.parametrize(
    "change",
    [
        {"status": "rejected"},
        {"prediction": None},
        {"decision": "healthy"},
        {"error": {"code": "unreadable", "message": "x"}},
        {"extra": 1},
        {"review": {"required": True, "reasons": ["audit"]}},
        {"decision": "ALL", "review": {"required": True, "reasons": ["audit", "uncertain"]}},
        {"decision": "ALL", "review": {"required": False, "reasons": ["audit"]}},
        {"scored_at": "yesterday"},
    ],
)
def test_the_schema_refuses_documents_that_contradict_the_contract(
    change: dict[str, Any], model: Model, encode: Encode, schema: Draft202012Validator
) -> None:
    document = score(model, stored(encode()))
    assert schema.is_valid(document)
    assert not schema.is_valid(document | change)


def test_a_sure_answer_asks_for_review_too_if_everything_is_reviewed(
    model: Model, encode: Encode, schema: Draft202012Validator
) -> None:
    policy = Policy(model.manifest.thresholds, review_everything=True)
    document = score(model, stored(encode(pixels=draw_disc((250, 40, 120)))), policy)
    schema.validate(document)
    assert document["prediction"] is not None
    assert document["prediction"]["label"] == "ALL"
    assert document["decision"] == "review"
    assert document["review"] == {"required": True, "reasons": []}


@pytest.mark.parametrize(("red", "decision"), [(250, "ALL"), (20, "normal")])
def test_the_decision_on_an_audited_cell_stands_and_the_cell_is_measured(
    red: int, decision: str, model: Model, encode: Encode, schema: Draft202012Validator
) -> None:
    policy = Policy(model.manifest.thresholds, audit_share=1.0, audit_salt="salt")
    image = stored(encode(pixels=draw_disc((red, 40, 120))))
    document, unaudited = score(model, image, policy), score(model, image)
    schema.validate(document)
    assert document["decision"] == unaudited["decision"] == decision
    assert document["review"] == {"required": True, "reasons": ["audit"]}
    assert document["morphology"] is not None
    assert unaudited["morphology"] is None


def test_a_cell_that_goes_to_review_is_measured_at_the_scale_of_the_deployment(
    model: Model, encode: Encode, schema: Draft202012Validator
) -> None:
    policy = Policy(model.manifest.thresholds, um_per_px=0.1)
    doubted, sure = (score(model, stored(encode(pixels=draw_disc((red, 40, 120)))), policy) for red in (120, 250))
    schema.validate(doubted)
    assert sure["morphology"] is None
    assert doubted["morphology"] is not None
    area = np.count_nonzero(draw_disc((120, 40, 120))[..., 0])
    assert doubted["morphology"]["cell_area_px"] == area
    assert doubted["morphology"]["cell_area_um2"] == pytest.approx(area / 100)


def test_a_cell_whose_orientation_is_unclear_is_scored_and_goes_to_review(
    model: Model, encode: Encode, schema: Draft202012Validator
) -> None:
    data = encode("PNG", draw_disc((250, 40, 120)))
    exif = b"eXIfno header"
    data = data[:33] + b"\0\0\0\t" + exif + zlib.crc32(exif).to_bytes(4, "big") + data[33:]
    document = score(model, stored(data))
    schema.validate(document)
    assert document["status"] == "scored"
    assert document["decision"] == "review"
    assert document["review"] == {"required": True, "reasons": ["unlike_training_data"]}
    assert document["prediction"] == score(model, stored(encode("PNG", draw_disc((250, 40, 120)))))["prediction"]


def test_a_reason_that_two_steps_find_is_stated_once(model: Model) -> None:
    grey = np.where(draw_disc((200, 200, 200))[..., 0] > 0, 800, 3000).astype(np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "PNG")
    assert score(model, stored(buffer.getvalue()))["review"]["reasons"].count("unlike_training_data") == 1
