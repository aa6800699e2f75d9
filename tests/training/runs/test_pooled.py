import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from sklearn.metrics import roc_auc_score

from lambda_fn.model import Model
from training.data.dataset import load
from training.runs import pooled
from training.runs.pooled import cook, platt
from training.runs.progress import RunProgress


def test_one_command_makes_a_model_with_both_outputs(
    cells: Path, backbone_weights: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooled, "SIZE", 64)
    shutil.copy(cells / "fold_1/all/UID_1_1_1_all.png", cells / "fold_2/all/UID_77_1_1_all.png")
    place = tmp_path_factory.mktemp("place")
    progress = RunProgress(Console(quiet=True))
    manifest = cook(cells, backbone_weights, 2, 0, place / "run", progress)
    assert manifest == json.loads((place / "run/model/model.json").read_text("utf-8"))
    assert [output["name"] for output in manifest["outputs"]] == ["probability_all", "distance"]
    assert manifest["training"]["architecture"] == "MobileNetV1-pooled-SVM"
    assert manifest["metrics"]["by_subject_alone"].keys() < manifest["metrics"].keys()
    assert "| by subject alone |" in (place / "run/model/MODEL_CARD.md").read_text("utf-8")

    model = Model(place / "run/model")
    dataset = load(cells, model.manifest.preprocessing)
    predictions = [model.predict(pixels) for pixels in dataset.pixels]
    assert roc_auc_score(dataset.is_all, [prediction.probability_all for prediction in predictions]) > 0.9
    noise = model.predict(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    assert noise.distance > max(prediction.distance for prediction in predictions)


def test_platt_gives_calibrated_probabilities() -> None:
    generator = np.random.default_rng(0)
    scores = generator.normal(0, 2, 20_000)
    is_all = generator.random(20_000) < 1 / (1 + np.exp(-(1.7 * scores + 0.4)))
    assert platt(scores, is_all) == pytest.approx((1.7, 0.4), abs=0.1)
