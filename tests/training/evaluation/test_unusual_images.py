import numpy as np

from lambda_fn.model import Model
from training.evaluation.unusual_images import KINDS, sample_of, show_unusual_images


def test_the_served_model_leaves_unusual_images_to_a_person() -> None:
    images, of = sample_of(None, 4, seed=0)
    assert of == "drawn cells, not real"
    shown = {each.kind: each for each in show_unusual_images(Model(), images, seed=0)}
    assert len(shown) == KINDS
    assert all(each.count == 4 for each in shown.values())
    for kind in ("inverted", "blurred, 6 px", "half size", "noise in the outline", "on white"):
        assert shown[kind].reviewed == 1
        assert dict(shown[kind].reasons)["unlike_training_data"] == 1
    assert shown["like a photograph"].reviewed == 1
    for kind in ("black", "white", "two cells"):
        assert dict(shown[kind].reasons)["no_single_cell"] == 1
    assert np.array_equal(shown["as they are"].example, images[0])


def test_a_model_of_smears_is_tried_on_smears() -> None:
    images, of = sample_of(None, 3, seed=0, background="smear")
    assert of == "drawn smears, not real"
    assert all(image[:5].max(axis=2).min() > 60 for image in images)
