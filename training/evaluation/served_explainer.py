"""A served model, as the tests of explanations take it."""

import numpy as np
from numpy.typing import NDArray

from lambda_fn.kernel_machine import Floats
from lambda_fn.manifest import FEATURES_OUTPUT
from lambda_fn.model import Model
from training.evaluation.faithfulness import Explainer


def served_explainer(model: Model) -> Explainer | None:
    """The outputs of a model's graph; None for a model that explains nothing."""
    if model.manifest.explanation is None:
        return None

    def look(pixels: NDArray[np.uint8]) -> dict[str, Floats]:
        answers = [model.predict_with_activations(np.ascontiguousarray(image))[1] for image in pixels]
        return {name: np.concatenate([answer[name].numpy() for answer in answers]) for name in answers[0]}

    def features(pixels: NDArray[np.uint8]) -> Floats:
        return np.concatenate([model.predict_with_activations(image)[1][FEATURES_OUTPUT].numpy() for image in pixels])

    return Explainer(model.manifest.explanation, model.constants(), look, features)
