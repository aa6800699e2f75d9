"""Features of a pretrained network that stays frozen, pooled over the cell.

The data set has few subjects with many cells each, so a network that is trained on it learns the subjects. The middle
layers of a network for photographs read texture at the scale of a pixel. They carry over to cells as long as the image
is never resized. Mean and standard deviation of each channel over the cell's mask describe its texture, without the
background.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lambda_fn.cells import BACKGROUND_LEVEL
from training.networks.architectures import INPUT_NAME
from training.networks.colour_features import FEATURES, colour_and_detail
from training.networks.masked_pooling import flatten, mean_and_spread, shares
from training.networks.pretrained import IMAGENET, backbone

if TYPE_CHECKING:
    import keras
    from keras import KerasTensor

# Of MobileNet v1 (Howard et al. 2017, arXiv 1704.04861): pointwise convolutions at strides 8, 16 and 16.
BLOCKS = (5, 7, 9)
BATCH = 16
# A fifth of the deepest block's stride. Features depend a little on the cell's place on the grid of strides, which is
# due to chance.
MOVED_PX = 3
# Position of the cell's mean red, green and blue among the features: those of colour come last, and begin with these.
MEAN_COLOUR = slice(-FEATURES, 3 - FEATURES)
# Layers that hold a block's maps, and the share of each of their fields in the statistics; the block's number follows.
MAPS, SHARES = "maps_", "shares_"


def feature_network(size: int, weights: str | Path = IMAGENET) -> keras.Model:
    """MobileNet v1 as far as ``BLOCKS`` reach, pooled over the cell.

    Args:
        size: side of the input in pixels, a multiple of 16; the scale must be the image's own.
        weights: as ``pretrained.backbone`` takes them.

    Returns:
        Keras model from uint8 (batch, size, size, 3), 0 to 255, to float32 (batch, features).

    Raises:
        PretrainedWeightsError: the file lacks a weight, or has one of another shape.
    """
    import keras
    from keras import layers, ops

    image = keras.Input((size, size, 3), dtype="uint8", name=INPUT_NAME)
    colours = ops.cast(image, "float32")
    # 0 or 1, since levels are whole numbers. onnxruntime is slow at comparisons and on an innermost axis of length 1.
    mask = ops.minimum(ops.relu(ops.max(colours, axis=-1) - BACKGROUND_LEVEL), 1.0)[..., None]
    frozen = backbone("MobileNet", size, weights, tuple(f"conv_pw_{block}_relu" for block in BLOCKS))
    frozen.trainable = False
    _take_levels(frozen)
    statistics = []
    for block, maps in zip(BLOCKS, frozen(colours), strict=True):
        stride = size // maps.shape[1]
        share = layers.Identity(name=f"{SHARES}{block}")(shares(layers.AveragePooling2D(stride)(mask)))
        statistics += mean_and_spread(layers.Identity(name=f"{MAPS}{block}")(flatten(maps)), share)
    statistics += colour_and_detail(colours, mask)
    return keras.Model(image, layers.Concatenate()(statistics), name="pooled_features")


def maps_of(network: keras.Model) -> dict[str, KerasTensor]:
    """The maps and shares inside a network from ``feature_network``, by the names of the layers that hold them."""
    return {name: network.get_layer(name).output for block in BLOCKS for name in (f"{MAPS}{block}", f"{SHARES}{block}")}


def _take_levels(network: keras.Model) -> None:
    """Let the first convolution, which was trained on -1 to 1, take levels 0 to 255.

    The convolution pads its input with zeros. These are then black like the background, and no longer grey.
    """
    convolution, normalisation = network.get_layer("conv1"), network.get_layer("conv1_bn")
    (kernel,) = convolution.get_weights()
    gamma, beta, moving_mean, moving_variance = normalisation.get_weights()
    convolution.set_weights([kernel / 127.5])
    normalisation.set_weights([gamma, beta, moving_mean + kernel.sum(axis=(0, 1, 2)), moving_variance])


def extract(
    network: keras.Model, pixels: NDArray[np.uint8], on_done: Callable[[float], None] = lambda share: None
) -> NDArray[np.float32]:
    """Features of each image.

    Args:
        network: from ``feature_network``.
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


def rotate_and_move(pixels: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """The same cells, each rotated by one to three quarters, mirrored or not, and moved by up to ``MOVED_PX`` pixels.

    An expert would call both pictures of a cell the same.

    Args:
        pixels: uint8 array of shape (n, size, size, 3).
        seed: of rotations, mirrors and moves.
    """
    random = np.random.default_rng(seed)
    result = np.zeros_like(pixels)
    for number, cell in enumerate(pixels):
        other = np.rot90(cell, int(random.integers(1, 4)))
        other = other[:, ::-1] if random.random() < 0.5 else other
        down, right = random.integers(-MOVED_PX, MOVED_PX + 1, 2)
        to, of = zip(*((_beyond(move), _beyond(-move)) for move in (down, right)), strict=True)
        result[number][to] = other[of]
    return result


def _beyond(move: int) -> slice:
    return slice(max(move, 0), min(move, 0) or None)
