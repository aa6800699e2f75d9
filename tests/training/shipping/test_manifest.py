import hashlib
import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lambda_fn.decisions import Thresholds
from lambda_fn.manifest import Manifest
from lambda_fn.morphology_facts import QUANTITIES
from lambda_fn.preprocessing import Preprocessing
from training.data.c_nmc import C_NMC
from training.data.dataset import Dataset
from training.evaluation.evidence import OutOfFold, measure
from training.fitting.recipes import NetworkRecipe
from training.shipping.export import ExportedGraph
from training.shipping.manifest import describe
from training.shipping.model_card import model_card

THRESHOLDS = Thresholds(operating_point=0.3, normal_below=0.2, all_from=0.8)


@pytest.fixture
def manifest(small_dataset: Dataset) -> dict[str, Any]:
    return manifest_of(small_dataset)


def manifest_of(dataset: Dataset) -> dict[str, Any]:
    held_out = dataset.part(dataset.is_held_out)
    fold_of = np.arange(len(held_out.names)) % 4 + 1
    evidence = measure(
        OutOfFold(held_out, fold_of, np.linspace(0.9, 0.1, len(held_out.names))), dataset, seed=0, replicates=50
    )
    return describe(
        ExportedGraph(onnx=b"graph", parameters=1234, parity=1e-7, reference_probabilities=[0.5]),
        NetworkRecipe("2x2C1D", epochs=3, seed=7),
        Preprocessing(crop=64, size=32),
        replace(evidence, thresholds=THRESHOLDS),
    )


def test_a_manifest_counts_reviewed_cells_apart_from_those_that_it_was_measured_on(small_dataset: Dataset) -> None:
    uses = np.array(["all"] * 20 + ["thresholds"] * 2 + ["fitting"] * 3 + ["all"] * 15)
    written = manifest_of(replace(small_dataset, uses=uses, weights=np.ones(40)))
    training = written["training"]
    assert training["reviewed"] == {"fitting": 3, "audits": 2}
    assert training["cells"] == {"ALL": 20, "normal": 20}
    assert (written["metrics"]["n"], written["decision"]["n"]) == (35, 35)
    assert training["measured_digest"] != training["data_digest"] == small_dataset.digest
    card = " ".join(model_card(written).split())
    assert "Among these are 3 cells that people reviewed, and 2 audited ones." in card


def test_the_function_reads_what_training_writes(manifest: dict[str, Any]) -> None:
    read = Manifest.from_json(json.dumps(manifest))
    assert read.sha256 == hashlib.sha256(b"graph").hexdigest()
    assert (read.input_name, read.output_names) == ("image", ("probability_all",))
    assert read.preprocessing == Preprocessing(crop=64, size=32)
    assert read.thresholds == THRESHOLDS


def test_a_manifest_says_on_how_many_cells_of_how_many_subjects_it_was_measured(manifest: dict[str, Any]) -> None:
    for part in ("decision", "metrics"):
        split, n, subjects = (manifest[part][name] for name in ("split", "n", "subjects"))
        assert (split, n, subjects) == ("out-of-fold, 4 subject-disjoint folds", 40, 8)
    assert manifest["metrics"]["ranking"]["roc_auc"]["value"] == 1
    assert manifest["training"]["subjects"] == {"ALL": 4, "normal": 4}
    assert manifest["training"]["parameters"] == 1234
    assert manifest["training"]["libraries"]["numpy"] == np.__version__


def test_a_manifest_says_where_its_subjects_lie(manifest: dict[str, Any]) -> None:
    known = Manifest.from_json(json.dumps(manifest)).known_subjects
    assert known
    assert (known.all.subjects, known.normal.subjects) == (4, 4)
    assert (known.all.share_all.median, known.normal.share_all.median) == (1, 0)
    assert known.all.mean_probability_all.lowest > known.normal.mean_probability_all.highest
    assert manifest["metrics"]["subject_shares"]["roc_auc"]["mean_probability_all"]["value"] == 1


def test_the_card_says_where_subjects_lie_and_gives_no_verdict(manifest: dict[str, Any]) -> None:
    card = model_card(manifest)
    assert "no verdict on a patient" in card
    assert re.search(r"^\| normal \| 4 \| 0\.00 / 0\.00 / 0\.00 \| 0\.\d\d / 0\.\d\d / 0\.\d\d \|$", card, re.MULTILINE)
    assert "1.000 (1.000 to 1.000) by the share" in card


def test_the_card_of_an_older_manifest_says_nothing_of_subjects_together(manifest: dict[str, Any]) -> None:
    del manifest["metrics"]["subject_shares"]
    assert "A subject's cells together" not in model_card(manifest)


def test_a_card_without_subjects_of_five_cells_states_none(small_dataset: Dataset) -> None:
    subjects = np.arange(40).astype(str)
    card = model_card(manifest_of(replace(small_dataset, subjects=subjects, groups=np.arange(40))))
    assert "Subjects with fewer cells, about whom nothing is stated: 40." in card
    assert "Area under" not in card


def test_the_manifest_states_the_quantiles_of_each_class(small_dataset: Dataset) -> None:
    measured = np.full((40, len(QUANTITIES)), np.nan)
    measured[:, 0] = np.arange(40) + 1000 * small_dataset.is_all
    measured[:5, 13] = 0.5  # too few for quantiles
    ranges = Manifest.from_json(json.dumps(manifest_of(replace(small_dataset, measured=measured)))).morphology
    assert ranges is not None
    assert ranges.cells == {"ALL": small_dataset.is_all.sum(), "normal": (~small_dataset.is_all).sum()}
    for label, of_class in (("ALL", small_dataset.is_all), ("normal", ~small_dataset.is_all)):
        assert set(ranges.quantiles[label]) == {"cell_area_px"}  # type: ignore[index]
        expected = np.quantile(measured[of_class, 0], ranges.shares)
        assert ranges.quantiles[label]["cell_area_px"] == pytest.approx(expected)  # type: ignore[index]


def test_the_manifest_of_cells_that_were_not_measured_has_no_quantiles(small_dataset: Dataset) -> None:
    assert "morphology" not in manifest_of(replace(small_dataset, measured=None))


def test_the_manifest_says_how_pixels_are_resampled(manifest: dict[str, Any]) -> None:
    assert manifest["preprocessing"] == {
        "crop": 64,
        "size": 32,
        "background": "black",
        "um_per_px": None,
        "cell_px": 72.2,  # all 32 x 32 px of each input, of a square of 64 px, as a circle
        "resampling": "bilinear",
    }


def test_the_revision_is_a_commit_or_unknown(manifest: dict[str, Any]) -> None:
    revision = manifest["training"]["git_revision"]
    assert revision is None or re.fullmatch(r"[0-9a-f]{40}(-dirty)?", revision)


def test_the_card_states_what_surrounds_the_cells_and_their_scale(manifest: dict[str, Any]) -> None:
    def said(**preprocessing: Any) -> str:
        return " ".join(model_card(manifest | {"preprocessing": {"crop": 96, "size": 96} | preprocessing}).split())

    assert "one white blood cell, cut out onto black, and gives" in said()
    assert "photographed on an ordinary smear" in said(background="smear")
    assert "The scale of its images is unknown; the normal cells it learned from are 178 px wide" in said(cell_px=177.9)
    assert "A pixel is 0.1 µm, and the normal cells" in said(um_per_px=0.1, cell_px=60)


@pytest.mark.parametrize(("title", "attributed"), [(C_NMC, True), ("noise", False)])
def test_the_card_attributes_c_nmc_and_nothing_else_to_its_authors(
    title: str, attributed: bool, small_dataset: Dataset
) -> None:
    card = model_card(manifest_of(replace(small_dataset, title=title)))
    assert ("Gupta, A., & Gupta, R. (2019)" in card) == attributed
    assert ("CC BY 3.0" in card) == attributed
    assert "not a medical device" in card
    assert "| ROC AUC | 1.000 | 1.000 to 1.000 |" in card
    assert "at least 96% of ALL cells lie at or above it" in card
