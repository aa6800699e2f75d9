"""Networks of ``keras.applications``, with weights of ImageNet, from a file, or none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.errors import TrainingError

if TYPE_CHECKING:
    import keras

IMAGENET, NO_WEIGHTS = "imagenet", "none"


class PretrainedWeightsError(TrainingError):
    """Weights that cannot be downloaded, or are of another network."""


def backbone(application: str, size: int, weights: str | Path, outputs: tuple[str, ...] = ()) -> keras.Model:
    """Build a network without its classifier.

    Args:
        application: its name in ``keras.applications``.
        size: side of the input in pixels.
        weights: ``"imagenet"`` downloads them, ``"none"`` draws them at random. A file is Keras' own ``.h5`` without
            the classifier, or an ``.npz`` with arrays named ``<layer>__<weight>``.
        outputs: names of the layers that the network ends with; empty for its own last one.

    Returns:
        Keras model from float32 (batch, size, size, 3) to feature maps: one, or a list of those named.

    Raises:
        PretrainedWeightsError: the download failed, or the file is of another network.
    """
    import keras

    make = getattr(keras.applications, application)
    try:
        whole = make(input_shape=(size, size, 3), include_top=False, weights=IMAGENET if weights == IMAGENET else None)
    except Exception as error:  # Keras raises a bare Exception for a failed download
        if weights != IMAGENET:
            raise
        raise PretrainedWeightsError(
            f"The ImageNet weights of {application} cannot be downloaded ({_first_line(error)}). Give the file of a "
            "machine that has them, or none to start from random weights."
        ) from error
    network = whole
    if outputs:
        ends = [whole.get_layer(name).output for name in outputs]
        network = keras.Model(whole.input, ends if len(ends) > 1 else ends[0], name=whole.name)
    if weights not in (IMAGENET, NO_WEIGHTS):
        _read_weights(Path(weights), application, whole, network)
    return network


def _read_weights(path: Path, application: str, whole: keras.Model, network: keras.Model) -> None:
    """Read the weights of ``network`` from arrays, or of ``whole`` from a Keras file.

    The arrays may lack weights of other layers.
    """
    import keras

    try:
        if path.suffix != ".npz":
            whole.load_weights(path)
            return
        arrays = np.load(path)
        for layer in network.layers:
            kind = "depthwise_" if isinstance(layer, keras.layers.DepthwiseConv2D) else ""
            layer.set_weights([arrays[f"{layer.name}__{kind}{weight.name}"] for weight in layer.weights])
    except (OSError, ValueError, KeyError) as error:
        raise PretrainedWeightsError(
            f"{path} does not hold the weights of {application}: {_first_line(error)}"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
