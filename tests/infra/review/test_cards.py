"""What a card says: reasons in words, terms that add up, measurements, neighbours, and why something is missing."""

import json
from typing import Any

import pytest

from infra.review.policy import read_model_view
from infra.review.words import reasons_in_words
from lambda_fn.decisions import Thresholds
from lambda_fn.manifest import Manifest
from lambda_fn.morphology_facts import QUANTITIES
from lambda_fn.settings import thresholds_for
from tests.infra.fakes import deployed_stack
from tests.infra.review.conftest import Laboratory, explained, morphology, picture, result

THRESHOLDS = Thresholds(0.35, 0.35, 0.81)
MODEL = Manifest.read()
OWN = {"version": "laboratory-1", "operating_point": 0.5, "normal_below": 0.3, "all_from": 0.7}
RELAXED = thresholds_for({"all_decided_normal": 0.1}, MODEL)


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        (("uncertain",), ["The probability of ALL, 0.52, lies between 0.35 and 0.81: the model is not sure."]),
        (("unlike_training_data",), ["The cell or its image is unlike those that the model was trained on."]),
        (("audit",), ["Drawn by chance among the decided cells, to check the promised error rates."]),
        (("a_new_reason",), ["A new reason."]),
    ],
)
def test_reasons_are_said_in_words(reasons: tuple[str, ...], words: list[str]) -> None:
    assert reasons_in_words(result("a", b"", reasons=reasons), THRESHOLDS) == words


def test_a_probability_next_to_a_threshold_is_written_with_the_digits_that_tell_them_apart() -> None:
    (said,) = reasons_in_words(result("a", b"", probability=0.8078), THRESHOLDS)
    assert said == "The probability of ALL, 0.808, lies between 0.350 and 0.810: the model is not sure."


def test_thresholds_of_another_model_are_not_made_up() -> None:
    (said,) = reasons_in_words(result("a", b""), None)
    assert "between the thresholds of the model" in said


def test_a_rejection_is_said_as_the_function_said_it_and_only_cannot_say_is_left() -> None:
    document = result("a", b"", reasons=("unreadable",)) | {"status": "rejected", "prediction": None}
    document["error"] = {"code": "unreadable", "message": "The image's pixels cannot be read: torn."}
    assert reasons_in_words(document, THRESHOLDS) == ["The image's pixels cannot be read: torn."]


def test_a_rejected_image_without_a_picture_can_only_be_put_aside(laboratory: Laboratory) -> None:
    laboratory.put_image("a.bmp", b"no image")
    document = result("a.bmp", b"no image", reasons=("unreadable",)) | {"status": "rejected", "prediction": None}
    document["error"] = {"code": "unreadable", "message": "It is torn."}
    laboratory.write("a.bmp", document)
    page = laboratory.client()
    card = page.card("a.bmp")
    assert (card["can_decide"], card["probability"]) == (False, None)
    refused = page.http.get(f"/api/cells/{card['id']}/image.png")
    assert (refused.status_code, "BMP" in refused.json()["error"]) == (422, True)
    assert page.answer("a.bmp", "ALL").status_code == 409
    assert page.answer("a.bmp", "cannot_say").status_code == 200


def test_the_terms_of_the_score_add_up_as_they_are_shown(folder: Laboratory) -> None:
    folder.write("a.bmp", explained(folder.add("a.bmp"), logit=0.0804))
    found = folder.client().card("a.bmp")["explanation"]
    shown = [
        round(term, 3) for term in (found["baseline"], found["map_sum"], *found["other"].values(), found["residual"])
    ]
    assert sum(shown) == pytest.approx(round(found["logit"], 3), abs=0.01)
    assert found["for"] + found["against"] == pytest.approx(found["map_sum"])


@pytest.mark.parametrize(
    "explanation",
    [None, {"key": None}, {}, {"map": None}, {"logit": 1, "baseline_logit": 2, "map": {"values": [[1], [1, 2]]}}],
)
def test_a_result_without_a_usable_map_has_none(folder: Laboratory, explanation: Any) -> None:
    folder.write("a.bmp", folder.add("a.bmp") | {"explanation": explanation})
    assert folder.client().card("a.bmp")["explanation"] is None


def test_what_was_not_measured_has_its_reason_and_never_a_zero(folder: Laboratory) -> None:
    folder.write("a.bmp", explained(folder.add("a.bmp")))
    found = folder.client().card("a.bmp")["morphology"]
    why = {one["name"]: one["why"] for one in found["absent"]}
    assert why == dict.fromkeys(("nucleus_area_px", "nc_ratio", "vacuole_count"), "cytoplasm not visible")
    values = {one["name"]: one["value"] for one in found["measured"]}
    assert (values["cell_area_px"], values["cleft_count"], values["pale_spot_area_px"]) == (31000, 1, 300)
    assert values.keys() | why.keys() == QUANTITIES.keys()
    folder.write("a.bmp", folder.add("a.bmp"))
    assert folder.client().card("a.bmp")["morphology"] is None


def test_features_are_said_in_words_and_marked_at_their_places(folder: Laboratory) -> None:
    folder.write("a.bmp", explained(folder.add("a.bmp")))
    found = folder.client().card("a.bmp")["morphology"]
    assert "deeply clefted outline (12 % of the diameter)" in found["features"]
    assert found["places"] == {"clefts": [[140, 51]], "pale_spots": [[120, 130, 300]], "vacuoles": []}


def test_the_ranges_of_both_classes_are_those_of_the_model_that_scored(folder: Laboratory) -> None:
    document = explained(folder.add("a.bmp"))
    folder.write("a.bmp", document)
    known = Manifest.read().morphology
    assert known is not None
    (area,) = (one for one in folder.client().card("a.bmp")["morphology"]["measured"] if one["name"] == "cell_area_px")
    assert area["ranges"] == {label: list(known.quantiles[label]["cell_area_px"]) for label in ("ALL", "normal")}
    document["model"]["sha256"] = "of another model"
    folder.write("a.bmp", document)
    assert [one["ranges"] for one in folder.client().card("a.bmp")["morphology"]["measured"] if one["ranges"]] == []


@pytest.mark.parametrize(
    ("settings", "name", "shown"),
    [
        ({}, "manifest", [MODEL.thresholds.normal_below, MODEL.thresholds.all_from]),
        ({"own_thresholds": OWN}, "laboratory-1", [0.3, 0.7]),
        ({"own_thresholds": OWN}, "manifest", [MODEL.thresholds.normal_below, MODEL.thresholds.all_from]),
        ({"own_thresholds": OWN}, "laboratory-0", None),
        ({"own_thresholds": OWN}, "manifest, made_up 0.02", None),
        ({}, "manifest, all_decided_normal 0.1", [RELAXED.normal_below, RELAXED.all_from]),
        ({"all_decided_normal": 0.1}, "manifest, all_decided_normal 0.1", [RELAXED.normal_below, RELAXED.all_from]),
    ],
)
def test_the_card_shows_the_thresholds_that_the_result_names(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], name: str, shown: list[float] | None
) -> None:
    with deployed_stack(monkeypatch) as stack:
        stack.outputs["Settings"] = json.dumps(settings)
        view = read_model_view(stack)
    found = view.thresholds_of({"version": MODEL.version, "sha256": MODEL.sha256, "thresholds": name})
    assert ([found.normal_below, found.all_from] if found else None) == shown
    assert view.thresholds_of({"version": "another", "sha256": "0" * 64, "thresholds": name}) is None


def test_thresholds_of_a_laboratory_are_not_taken_for_those_of_the_model(folder: Laboratory) -> None:
    document = folder.add("a.bmp")
    assert folder.client().card("a.bmp")["thresholds"]
    document["model"]["thresholds"] = "of this laboratory"
    folder.write("a.bmp", document)
    assert folder.client().card("a.bmp")["thresholds"] is None


def test_a_morphology_of_another_shape_is_left_out(folder: Laboratory) -> None:
    folder.write("a.bmp", folder.add("a.bmp") | {"morphology": {"cell_area_px": 31000}})
    assert folder.client().card("a.bmp")["morphology"] is None


@pytest.mark.parametrize(
    ("missing", "words"),
    [("not_asked", "No explanation was asked for"), ("empty_square", "No part of the cell"), (None, "holds no map")],
)
def test_a_missing_explanation_has_its_reason(folder: Laboratory, missing: str | None, words: str) -> None:
    folder.write("a.bmp", folder.add("a.bmp") | {"explanation": None, "explanation_missing": missing})
    card = folder.client().card("a.bmp")
    assert card["explanation"] is None
    assert words in card["unexplained"]


def test_the_nearest_labelled_cells_are_nearest_by_their_measurements(folder: Laboratory) -> None:
    for number, area in enumerate([20000, 24000, 28000, 32000, 36000]):
        key = f"{number}.bmp"
        document = explained(folder.add(key, number))
        document["morphology"] = morphology(area, 0.5 + 0.1 * number)
        folder.write(key, document)
        assert folder.client().answer(key, "ALL" if number % 2 else "normal").status_code == 200
    document = explained(folder.add("new.bmp", 9))
    document["morphology"] = morphology(32500, 0.81)
    folder.write("new.bmp", document)
    found = folder.client().card("new.bmp")["nearest"]
    assert (found["measured"], found["library"]) == (True, 5)
    assert [cell["key"] for cell in found["ALL"]] == ["3.bmp", "1.bmp"]
    assert [cell["key"] for cell in found["normal"]] == ["4.bmp", "2.bmp", "0.bmp"]
    distances = [cell["distance"] for cell in found["normal"]]
    assert distances == sorted(distances)


def test_the_library_of_a_new_laboratory_is_empty(folder: Laboratory) -> None:
    folder.write("a.bmp", explained(folder.add("a.bmp")))
    found = folder.client().card("a.bmp")["nearest"]
    assert found == {"measured": True, "library": 0, "ALL": [], "normal": []}


def test_a_picture_of_other_pixels_than_the_scored_ones_is_not_shown(folder: Laboratory) -> None:
    folder.add("a.bmp", 1)
    page = folder.client()
    folder.put_image("a.bmp", picture(2))
    refused = page.http.get(f"/api/cells/{page.desk.id_of('a.bmp')}/image.png")
    assert (refused.status_code, "replaced" in refused.json()["error"]) == (422, True)
