"""Features of a pretrained network that stays frozen, pooled over the cell.

Few subjects hold many cells each: a network that may change learns the subjects. The middle layers of one that was
trained on photographs read texture at the scale of a pixel and carry over, as long as the image is never resized. Mean
and standard deviation of each channel over the cell's mask are a texture descriptor that no background dilutes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lambda_fn.cells import BACKGROUND_LEVEL
from training.architectures import INPUT_NAME
from training.pretrained import IMAGENET, backbone

if TYPE_CHECKING:
    import keras
    from keras import KerasTensor

# Of MobileNet v1 (Howard et al. 2017, arXiv 1704.04861): pointwise convolutions at strides 8, 16 and 16.
BLOCKS = (5, 7, 9)
BATCH = 16


def feature_network(size: int, weights: Path | None) -> keras.Model:
    """MobileNet v1 as far as ``BLOCKS`` reach, pooled over the cell.

    Args:
        size: side of the input in pixels, a multiple of 16; the scale must be the image's own.
        weights: a file with arrays named ``<layer>__<weight>``; None downloads Keras' weights of ImageNet.

    Returns:
        Keras model from uint8 (batch, size, size, 3), 0 to 255, to float32 (batch, features).

    Raises:
        PretrainedWeightsError: the file lacks a weight, or has one of another shape.
    """
    import keras
    from keras import layers, ops

    image = keras.Input((size, size, 3), dtype="uint8", name=INPUT_NAME)
    colours = ops.cast(image, "float32")
    mask = ops.cast(ops.max(colours, axis=-1, keepdims=True) > BACKGROUND_LEVEL, "float32")
    frozen = backbone("MobileNet", size, weights or IMAGENET, tuple(f"conv_pw_{block}_relu" for block in BLOCKS))
    frozen.trainable = False
    pooled = []
    for features in frozen(layers.Rescaling(1 / 127.5, offset=-1)(colours)):
        stride = size // features.shape[1]
        pooled += _mean_and_spread(features, layers.AveragePooling2D(stride)(mask))
    return keras.Model(image, layers.Concatenate()(pooled), name="pooled_features")


def _mean_and_spread(features: KerasTensor, mask: KerasTensor) -> list[KerasTensor]:
    """Mean and standard deviation of each channel over a mask of the same height and width, values 0 to 1."""
    from keras import layers, ops

    _, height, width, channels = features.shape
    flat = layers.Reshape((height * width, channels))(features)
    share = layers.Reshape((1, height * width))(mask)
    share = share / (ops.sum(share, axis=-1, keepdims=True) + 1e-6)
    mean = ops.matmul(share, flat)[:, 0]
    square = ops.matmul(share, flat * flat)[:, 0]
    return [mean, ops.sqrt(ops.maximum(square - mean * mean, 0.0) + 1e-6)]


def extract(
    network: keras.Model, pixels: NDArray[np.uint8], on_done: Callable[[float], None] = lambda share: None
) -> NDArray[np.float32]:
    """Features of each image.

    Args:
        network: what ``feature_network`` made.
        pixels: uint8 array of shape (n, size, size, 3).
        on_done: called after each batch with the share that is done, 0 to 1.

    Returns:
        float32 array of shape (n, features).
    """
    features = np.empty((len(pixels), network.output_shape[1]), np.float32)
    for start in range(0, len(pixels), BATCH):
        features[start : start + BATCH] = network.predict_on_batch(pixels[start : start + BATCH])
        on_done(min(1.0, (start + BATCH) / len(pixels)))
    return features


def turned(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same cells, each turned by a quarter: another picture of what an expert would call the same.

    Args:
        pixels: uint8 array of shape (n, size, size, 3).
    """
    return np.rot90(pixels, axes=(1, 2))
