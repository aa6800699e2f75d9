"""A laboratory's own model, from a folder of drawn smears to the scores of new ones."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

import cellflag
from lambda_fn import model as served
from lambda_fn.preprocessing import Preprocessing
from lambda_fn.scoring import score
from lambda_fn.stores import read_from_folder
from training.__main__ import main
from training.fitting.recipes import new_pooled_recipe
from training.runs.plan import Plan
from training.runs.pooled import make_pooled_model
from training.runs.progress import RunProgress
from training.synthetic.samples import Smears, write_samples
from training.synthetic.smear_names import StainName

# Cells that the model learns from, and cells of other subjects that it scores.
LEARNED, SCORED = 32, 12


def in_folders(drawn: Path, tree: Path) -> None:
    """Move drawn smears into a tree of ``<class>/<subject>/<image>``, as laboratories keep their images."""
    with (drawn / "labels.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            place = tree / ("blasts" if row["label"] == "all" else "normal") / row["subject"] / row["path"]
            place.parent.mkdir(parents=True, exist_ok=True)
            (drawn / row["path"]).rename(place)


def command(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["train", *(str(argument) for argument in arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("laboratory")


@pytest.fixture(scope="module")
def run(place: Path, backbone_weights: Path) -> dict[str, Any]:
    """Index and recipe; the manifest. The two scales of the smears are brought to one, which their files state."""
    write_samples(place / "drawn", LEARNED, seed=1, smears=Smears())
    in_folders(place / "drawn", place / "cells")
    rules = ("--class", "blasts=ALL", "--subject-pattern", "([^/]+)/[^/]+[.]png")
    command("index", place / "cells", "--out", place / "index.csv", *rules)
    preprocessing = Preprocessing(128, 96, um_per_px=0.16)
    weights = str(backbone_weights)
    plan = Plan(place / "index.csv", preprocessing, new_pooled_recipe(weights, 0), 2, place / "run", weights)
    return make_pooled_model(plan, RunProgress(Console(quiet=True)), explained=(4, 4))


def test_the_index_lists_nearly_every_smear_under_its_subject(run: dict[str, Any], place: Path) -> None:
    with (place / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 0.9 * LEARNED
    by_label = {label: {row["subject"] for row in rows if row["label"] == label} for label in ("all", "hem")}
    assert {label: len(subjects) for label, subjects in by_label.items()} == {"all": 4, "hem": 4}
    assert len({row["group"] for row in rows}) == 8  # no two subjects are taken for one


def test_the_manifest_states_background_scale_and_figures_by_subject(run: dict[str, Any]) -> None:
    stated = run["preprocessing"]
    assert (stated["background"], stated["um_per_px"]) == ("smear", 0.16)
    assert 50 < stated["cell_px"] < 90  # 8 to 14 micrometres
    assert run["metrics"]["subjects"] == 8
    auc = run["metrics"]["ranking"]["roc_auc"]
    assert auc["low"] <= auc["value"] <= auc["high"]
    assert run["decision"]["promise"]["groups_of_subjects"] == {"ALL": 4, "normal": 4}


def test_the_report_judges_the_run(run: dict[str, Any], place: Path) -> None:
    command("evaluate", place / "run", "--cells", place / "index.csv", "--out", place / "evaluation")
    metrics = json.loads((place / "evaluation/metrics.json").read_text("utf-8"))
    assert metrics and (place / "evaluation/report.html").stat().st_size > 10_000


@pytest.fixture
def scored(
    run: dict[str, Any], place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Path], list[dict[str, Any]]]:
    """Puts the run's model into service, and scores a folder with it."""
    model = tmp_path / "model"
    command("promote", place / "run", "--model-folder", model)
    monkeypatch.setattr(served.Model.__init__, "__defaults__", (model, 1))

    def score_folder(images: Path) -> list[dict[str, Any]]:
        monkeypatch.setattr("sys.argv", ["cellflag", "score", str(images), "--out", str(tmp_path / "scored")])
        with pytest.raises(SystemExit) as stop:
            cellflag.main()
        assert stop.value.code == 0
        return [json.loads(path.read_text("utf-8")) for path in (tmp_path / "scored/results").rglob("*.json")]

    return score_folder


def test_new_smears_are_not_unlike_the_training_for_their_background_and_are_resampled_to_its_scale(
    scored: Callable[[Path], list[dict[str, Any]]], tmp_path: Path
) -> None:
    write_samples(tmp_path / "new", SCORED, seed=1, smears=Smears())
    documents = scored(tmp_path / "new")
    assert len(documents) == SCORED
    reasons = Counter(reason for document in documents for reason in document["review"]["reasons"])
    assert sum(document["status"] == "scored" for document in documents) >= 0.8 * SCORED
    assert reasons["unlike_training_data"] <= 0.5 * SCORED
    for document in documents:
        fine = document["image"]["width"] == 300
        expected = pytest.approx(0.1 / 0.16, rel=0.01) if fine and document["status"] == "scored" else None
        assert document["image"].get("resampled_by") == expected


def test_cells_on_black_are_unlike_the_training_of_a_model_of_smears(
    scored: Callable[[Path], list[dict[str, Any]]], tmp_path: Path
) -> None:
    write_samples(tmp_path / "new", 4, seed=1)
    for document in scored(tmp_path / "new"):
        assert document["decision"] == "review"
        assert "unlike_training_data" in document["review"]["reasons"]


@pytest.mark.parametrize("stain", ["wright", "may-gruenwald"])
def test_the_shipped_model_decides_no_smear(stain: StainName, tmp_path: Path) -> None:
    model = served.Model()
    for cell in write_samples(tmp_path, 12, seed=2, smears=Smears(stain=stain)):
        document = score(model, read_from_folder(tmp_path, cell.path, model.manifest.limits))
        assert document["decision"] == "review"
