"""Layers that compute statistics of a network's maps over the cell alone, so that no background dilutes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras import KerasTensor

# Keeps divisions and roots finite for values that hardly vary, and does not move others.
TINY = 1e-6


def shares(mask: KerasTensor) -> KerasTensor:
    """Share of each position in a mean over the mask.

    Args:
        mask: shape (batch, height, width, 1), 0 to 1.

    Returns:
        Shape (batch, 1, height * width), of sum 1, or nearly 0 for an empty mask.
    """
    from keras import layers, ops

    flat = layers.Reshape((1, mask.shape[1] * mask.shape[2]))(mask)
    return flat / (ops.sum(flat, axis=-1, keepdims=True) + TINY)


def flatten(maps: KerasTensor) -> KerasTensor:
    """Reshape (batch, height, width, channels) to (batch, height * width, channels)."""
    from keras import layers

    _, height, width, channels = maps.shape
    return layers.Reshape((height * width, channels))(maps)


def mean(values: KerasTensor, share: KerasTensor) -> KerasTensor:
    """Mean of each channel, shape (batch, channels), of flat values weighted by shares."""
    from keras import ops

    return ops.matmul(share, values)[:, 0]


def mean_and_spread(values: KerasTensor, share: KerasTensor) -> list[KerasTensor]:
    """Mean and standard deviation of each channel, shape (batch, channels) each, of flat values."""
    from keras import ops

    centre, square = mean(values, share), mean(values * values, share)
    return [centre, ops.sqrt(ops.maximum(square - centre * centre, 0.0) + TINY)]


def moments(maps: KerasTensor, share: KerasTensor) -> list[KerasTensor]:
    """Mean, standard deviation, skewness, logarithm of kurtosis, and correlation of each channel with the next one.

    Args:
        maps: shape (batch, height, width, channels).
        share: from ``shares``, of the same height and width.

    Returns:
        Five tensors of shape (batch, channels).
    """
    from keras import layers, ops

    # There are few channels and many positions: onnxruntime is several times faster with the positions innermost.
    values = layers.Permute((2, 1))(flatten(maps))
    column = layers.Permute((2, 1))(share)
    centre = ops.matmul(values, column)
    values = values - centre

    def average(of: KerasTensor) -> KerasTensor:
        return ops.matmul(of, column)[..., 0]

    square = values * values
    variance = average(square) + 10 * TINY
    spread = ops.sqrt(variance)
    skewness = average(square * values) / (variance * spread)
    kurtosis = ops.log(average(square * square) / (variance * variance) + 1e-3)
    next_values, next_spread = (ops.concatenate([of[:, 1:], of[:, :1]], axis=1) for of in (values, spread))
    correlation = average(values * next_values) / (spread * next_spread)
    return [centre[..., 0], spread, skewness, kurtosis, correlation]
