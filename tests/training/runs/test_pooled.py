import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from rich.console import Console
from sklearn.metrics import roc_auc_score

from lambda_fn.model import Model
from lambda_fn.preprocessing import Preprocessing
from training.__main__ import main
from training.data.dataset import load
from training.errors import DatasetError
from training.fitting.kernel_head import Hyperparameters, KernelHead, fit_head
from training.fitting.recipes import new_pooled_recipe
from training.runs.plan import Plan
from training.runs.pooled import MOST_FOLDS, PooledPlan, make_pooled_model
from training.runs.progress import RunProgress

OTHER = Hyperparameters(components=10, penalty=0.5, gamma=0.3, nuisance=0.1)


def make(
    cells: Path, weights: Path, out: Path, head: Hyperparameters | None = None, left_out: tuple[str, ...] = ()
) -> dict[str, Any]:
    recipe = new_pooled_recipe(str(weights), seed=0, head=head, left_out=left_out)
    plan = Plan(cells, Preprocessing(64, 64), recipe, 2, out, str(weights))
    return make_pooled_model(plan, RunProgress(Console(quiet=True)), explained=(6, 8))


def test_one_command_makes_a_model_with_both_outputs(
    cells: Path, backbone_weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shutil.copy(cells / "fold_1/all/UID_1_1_1_all.png", cells / "fold_2/all/UID_77_1_1_all.png")
    place = tmp_path_factory.mktemp("place")
    manifest = make(cells, backbone_weights, place / "run")
    assert manifest == json.loads((place / "run/model/model.json").read_text("utf-8"))
    assert [output["name"] for output in manifest["outputs"]][:2] == ["probability_all", "distance"]
    assert manifest["training"]["architecture"] == "MobileNetV1-pooled-SVM"
    assert manifest["metrics"]["by_subject_alone"].keys() < manifest["metrics"].keys()
    assert "| by subject alone |" in (place / "run/model/MODEL_CARD.md").read_text("utf-8")

    model = Model(place / "run/model")
    dataset = load(cells, model.manifest.preprocessing)
    predictions = [model.predict(pixels) for pixels in dataset.pixels]
    assert roc_auc_score(dataset.is_all, [prediction.probability_all for prediction in predictions]) > 0.9
    _its_explanations_add_up(model, dataset.pixels)
    assert manifest["metrics"]["explanation"]["cells"] == 6
    assert "## How far its explanations can be trusted" in (place / "run/model/MODEL_CARD.md").read_text("utf-8")
    noise = model.predict(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    assert noise.distance > max(prediction.distance for prediction in predictions)


def _its_explanations_add_up(model: Model, pixels: NDArray[np.uint8]) -> None:
    for cell in (*pixels[:8], np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)):
        prediction, activations = model.predict_with_activations(cell)
        facts = model.explain(activations, (0, 0))
        assert not isinstance(facts, str), facts
        assert np.array(facts["map"]["values"]).shape == (8, 8)
        total = facts["baseline_logit"] + np.sum(facts["map"]["values"]) + sum(facts["other"].values())
        assert 1 / (1 + np.exp(-total)) == pytest.approx(prediction.probability_all, abs=0.0025)  # .01 of the logit
        assert abs(facts["residual"]) <= 0.01
        distances = facts["nearest"]["distance"], facts["nearest"]["colour_distance"]
        assert max(distances) == pytest.approx(prediction.distance, rel=1e-2, abs=1e-3)


def test_the_recipe_shapes_every_head_and_the_manifest_states_it(
    cells: Path, backbone_weights: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = []

    def listen(*arguments: Any) -> KernelHead:
        heads.append(fit_head(*arguments))
        assert arguments[-2] == OTHER
        return heads[-1]

    monkeypatch.setattr("training.fitting.head_fitter.fit_head", listen)
    manifest = make(cells, backbone_weights, tmp_path_factory.mktemp("place") / "run", OTHER)
    stated = {name: manifest["training"][name] for name in ("components", "penalty", "gamma", "nuisance")}
    assert stated == {"components": 10, "penalty": 0.5, "gamma": 0.3, "nuisance": 0.1}
    assert [(head.gamma, head.projection.shape[1]) for head in heads] == [(0.3, 10)] * 3


def test_subjects_that_are_left_out_are_predicted_but_teach_no_head(
    cells: Path, backbone_weights: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned_from = []

    def listen(*arguments: Any) -> KernelHead:
        learned_from.append(len(arguments[2]))
        return fit_head(*arguments)

    monkeypatch.setattr("training.fitting.head_fitter.fit_head", listen)
    place = tmp_path_factory.mktemp("place")
    manifest = make(cells, backbone_weights, place / "run", left_out=("H1", "2"))
    assert len(learned_from) == 3
    assert learned_from[-1] == sum(learned_from[:2]) == 24
    assert manifest["training"]["left_out"] == ["H1", "2"]
    assert manifest["decision"]["promise"]["groups_of_subjects"] == {"ALL": 4, "normal": 4}
    assert "learned not from subjects H1, 2" in " ".join((place / "run/model/MODEL_CARD.md").read_text("utf-8").split())


def test_a_subject_that_cannot_be_left_out_is_named(cells: Path, backbone_weights: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no subject H77 to leave out"):
        make(cells, backbone_weights, tmp_path / "run", left_out=("H77",))


def test_the_command_passes_on_which_subjects_are_left_out(
    cells: Path, backbone_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = []

    def listen(plan: PooledPlan, _: RunProgress) -> dict[str, Any]:
        plans.append(plan)
        return {"version": "v"}

    monkeypatch.setattr("training.runs.pooled.make_pooled_model", listen)
    arguments = [
        "train",
        "recipe",
        str(cells),
        "--backbone-weights",
        str(backbone_weights),
        "--out",
        str(tmp_path / "o"),
    ]
    result = CliRunner().invoke(main, [*arguments, "--leave-out", "H1", "--leave-out", "2", "--leave-out", "H1"])
    assert result.exit_code == 0, result.output
    assert plans[0].recipe.left_out == ("H1", "2")
    assert plans[0].folds == MOST_FOLDS
