import pytest

from training.data.class_words import classes_in
from training.data.labelled_cell import LABEL_OF_WORD


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("all_benign", {"ALL", "normal"}),
        ("all_early", {"ALL"}),
        ("ALL", {"ALL"}),
        ("Benign", {"normal"}),
        ("[Malignant] Pre-B", {"ALL"}),
        ("HealthyControls", {"normal"}),
        ("non-blasts", {"normal"}),
        ("nonleukemic", {"normal"}),
        ("not normal", {"ALL"}),
        ("small", set()),
        ("p17", set()),
        ("hemisphere", set()),
        ("", set()),
    ],
)
def test_words_of_a_name_speak_for_classes_and_parts_of_words_do_not(name: str, classes: set[str]) -> None:
    assert classes_in(name, LABEL_OF_WORD) == classes
