"""What a card says: reasons in words, terms that add up, measurements, neighbours, and why something is missing."""

from typing import Any

import pytest

from infra.review import comparison
from infra.review.words import reasons_in_words
from lambda_fn.decisions import Thresholds
from tests.infra.review.conftest import Laboratory, explained, picture, result

THRESHOLDS = Thresholds(0.35, 0.35, 0.81)


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
    shown = [round(term, 3) for term in (found["baseline"], found["map_sum"], *found["other"].values(), found["residual"])]
    assert sum(shown) == pytest.approx(round(found["logit"], 3), abs=0.01)
    assert found["for"] + found["against"] == pytest.approx(found["map_sum"])


@pytest.mark.parametrize(
    "explanation", [None, {"key": None}, {}, {"map": None}, {"logit": 1, "baseline_logit": 2, "map": {"values": [[1], [1, 2]]}}]
)
def test_a_result_without_a_usable_map_has_none(folder: Laboratory, explanation: Any) -> None:
    folder.write("a.bmp", folder.add("a.bmp") | {"explanation": explanation})
    assert folder.client().card("a.bmp")["explanation"] is None


def test_what_was_not_measured_has_its_reason_and_never_a_zero(folder: Laboratory) -> None:
    folder.write("a.bmp", explained(folder.add("a.bmp")))
    found = folder.client().card("a.bmp")["morphology"]
    assert found["absent"] == [{"name": "nc_ratio", "why": "cytoplasm not visible"}]
    assert {one["name"]: one["value"] for one in found["measured"]} == {
        **{"cell_area_px": 31000, "circularity": 0.9, "clefts": 2}
    }
    folder.write("a.bmp", folder.add("a.bmp"))
    assert folder.client().card("a.bmp")["morphology"] is None


@pytest.mark.parametrize(
    "morphology",
    [
        {"ALL": {"clefts": [0, 2, 4]}, "normal": {"clefts": [0, 1, 1]}},
        {"clefts": {"ALL": {"q05": 0, "q50": 2, "q95": 4}, "normal": {"q05": 0, "q50": 1, "q95": 1}}},
        {"quantiles": {"ALL": {"clefts": [4, 2, 0]}, "normal": {"clefts": [0, 1, 1]}}},
    ],
)
def test_ranges_of_both_classes_are_read_from_the_manifest(morphology: Any) -> None:
    assert comparison.class_ranges({"morphology": morphology}) == {"clefts": {"ALL": [0, 2, 4], "normal": [0, 1, 1]}}
    assert comparison.class_ranges({}) == {}


def test_the_nearest_labelled_cells_are_nearest_by_their_measurements(folder: Laboratory) -> None:
    for number, area in enumerate([20000, 24000, 28000, 32000, 36000]):
        key = f"{number}.bmp"
        document = explained(folder.add(key, number))
        document["morphology"] = {"cell_area_px": area, "circularity": 0.5 + 0.1 * number, "nc_ratio": None}
        folder.write(key, document)
        assert folder.client().answer(key, "ALL" if number % 2 else "normal").status_code == 200
    document = explained(folder.add("new.bmp", 9))
    document["morphology"] = {"cell_area_px": 32500, "circularity": 0.81, "nc_ratio": None}
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
