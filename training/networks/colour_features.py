"""Features of colour, and of detail from 2 to 16 pixels: the middle layers of a pretrained network lose both."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.networks.masked_pooling import flatten, mean, moments, shares

if TYPE_CHECKING:
    from keras import KerasTensor

FEATURES = 75
# Number of features of each group, in their order. Bands of detail are named by the widths that they hold, roughly.
GROUPS = {"colour": 15, "detail_2px": 12, "detail_4px": 12, "detail_8px": 12, "detail_16px": 12, "brightness": 12}
# Levels 0 to 255 become 0 to 8, the order of magnitude of a network's outputs.
LEVELS_PER_UNIT = 32.0
# Side, in pixels, of the square fields of a grid on which the cell's inside is separated from its outline.
FIELD = 4
FIELD_PIXELS = FIELD * FIELD
# Widths of the blurs that separate the coarser bands of detail, in pixels at a quarter of the image's scale.
COARSE_BLURS = (3, 5, 9)
# Edges of a cumulative histogram of brightness, in standard deviations around the cell's own mean.
BRIGHTNESS_EDGES = np.linspace(-2.5, 3.0, 12, dtype=np.float32)
EDGE_STEEPNESS = 6.0


def colour_and_detail(colours: KerasTensor, mask: KerasTensor) -> list[KerasTensor]:
    """Moments of the colours and of four bands of detail, and a histogram of brightness, inside the cell's outline.

    Fields on the outline are left out: cell and background mix there.

    Args:
        colours: float32 of shape (batch, size, size, 3), 0 to 255.
        mask: shape (batch, size, size, 1), 0 or 1.

    Returns:
        Tensors of shape (batch, features), ``FEATURES`` features together; mean red, green and blue come first.
    """
    from keras import layers, ops

    quarter_mask = _inside(layers.AveragePooling2D(FIELD)(mask))
    quarter, half = shares(quarter_mask), shares(layers.UpSampling2D(2)(quarter_mask))
    halved = layers.AveragePooling2D(2)(colours) * (1 / LEVELS_PER_UNIT)
    blurred = _blur(halved, 3)
    features = [*moments(halved, half), *_detail(halved - blurred, half)]
    coarse = layers.AveragePooling2D(2)(blurred)
    for width in COARSE_BLURS:
        blurred = _blur(coarse, width)
        features += _detail(coarse - blurred, quarter)
        coarse = blurred
    brightness = flatten(ops.mean(layers.AveragePooling2D(2)(halved), axis=-1, keepdims=True))
    return [*features, _histogram(brightness, quarter)]


def _inside(mask: KerasTensor) -> KerasTensor:
    """Fields that lie in the cell with all their neighbours; the whole cell if there are no such fields."""
    from keras import layers, ops

    outside = ops.minimum((1.0 - mask) * FIELD_PIXELS, 1.0)
    eroded = 1.0 - layers.MaxPooling2D(3, strides=1, padding="same")(outside)
    return eroded + 1e-6 * mask + 1e-9


def _blur(maps: KerasTensor, width: int) -> KerasTensor:
    """Blur each channel by a binomial of ``width`` pixels, along one axis and then the other."""
    from keras import layers

    row: NDArray[np.float32] = reduce(np.convolve, [np.array([0.5, 0.5], np.float32)] * (width - 1))
    for shape in ((width, 1), (1, width)):
        layer = layers.DepthwiseConv2D(shape, padding="same", use_bias=False, trainable=False)
        maps = layer(maps)
        layer.set_weights([np.repeat(row.reshape(*shape, 1, 1), maps.shape[-1], axis=2)])
    return maps


def _detail(band: KerasTensor, share: KerasTensor) -> list[KerasTensor]:
    """Moments of a band of detail without the mean, which is 0. The spread grows by factors, hence its logarithm."""
    from keras import ops

    _, spread, *shape = moments(band, share)
    return [ops.log(spread), *shape]


def _histogram(brightness: KerasTensor, share: KerasTensor) -> KerasTensor:
    """Share of the cell, (batch, edges), brighter than each of ``BRIGHTNESS_EDGES``, with soft edges."""
    from keras import ops

    centre = ops.matmul(share, brightness)
    spread = ops.sqrt(ops.maximum(ops.matmul(share, brightness * brightness) - centre * centre, 0.0) + 1e-3)
    beyond = (brightness - centre) / spread - BRIGHTNESS_EDGES
    return mean(ops.sigmoid(beyond * EDGE_STEEPNESS), share)
