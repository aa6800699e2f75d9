"""Random changes of training cells that keep their class; early stopping, export and serving never apply them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lambda_fn.cells import BACKGROUND_LEVEL

if TYPE_CHECKING:
    import tensorflow as tf

# Factors are from 1 - x to 1 + x. A cell's colour depends more on its subject and slide than on its class; random
# colours keep the network from relying on it.
BRIGHTNESS = 0.25
CONTRAST = 0.25
CHANNEL = 0.15
# Rotation by any angle resamples, which blurs the finest texture: the other half of the cells keep their pixels.
FREE_ROTATION_SHARE = 0.5


def augment(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Flip, rotate and recolour a batch; the black background stays black.

    Args:
        images: uint8 tensor of shape (batch, size, size, 3), 0 to 255.
        seed: integer tensor of shape (2,); the same seed makes the same changes.

    Returns:
        float32 tensor of the same shape, 0 to 255.
    """
    import tensorflow as tf

    flips, quarters, rotation, colours = tf.unstack(tf.random.split(seed, 4))
    return recolour(rotate(rotate_quarters(flip(tf.cast(images, tf.float32), flips), quarters), rotation), colours)


def flip(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Mirror each image left to right, top to bottom, both or neither."""
    import tensorflow as tf

    across, down = tf.unstack(tf.random.split(seed, 2))
    return tf.image.stateless_random_flip_up_down(tf.image.stateless_random_flip_left_right(images, across), down)


def rotate_quarters(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Swap rows and columns of half of the images; with the flips, this gives all rotations by quarters."""
    import tensorflow as tf

    return tf.where(_chance(images, seed, 0.5), tf.transpose(images, (0, 2, 1, 3)), images)


def rotate(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Rotate ``FREE_ROTATION_SHARE`` of the images by any angle around their centre."""
    import tensorflow as tf

    which, angles = tf.unstack(tf.random.split(seed, 2))
    angle = tf.random.stateless_uniform(tf.shape(images)[:1], angles, -math.pi, math.pi)
    cosine, sine, zero = tf.cos(angle), tf.sin(angle), tf.zeros_like(angle)
    centre = tf.cast(tf.shape(images)[1] - 1, tf.float32) / 2
    across, down = centre * (1 - cosine + sine), centre * (1 - cosine - sine)
    rotated = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([cosine, -sine, across, sine, cosine, down, zero, zero], axis=1),
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return tf.where(_chance(images, which, FREE_ROTATION_SHARE), rotated, images)


def recolour(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Change brightness, contrast and colour balance of each cell in its own way."""
    import tensorflow as tf

    brightness, contrast, channel = tf.unstack(tf.random.split(seed, 3))
    cell = tf.cast(tf.reduce_max(images, axis=-1, keepdims=True) > BACKGROUND_LEVEL, tf.float32)
    area = tf.maximum(tf.reduce_sum(cell, axis=(1, 2), keepdims=True), 1.0)
    mean = tf.reduce_sum(images * cell, axis=(1, 2), keepdims=True) / area
    spread = (images - mean) * _factors(images, contrast, CONTRAST, channels=1) + mean
    gain = _factors(images, brightness, BRIGHTNESS, channels=1) * _factors(images, channel, CHANNEL, channels=3)
    return tf.clip_by_value(spread * gain, 0.0, 255.0) * cell


def _chance(images: tf.Tensor, seed: tf.Tensor, share: float) -> tf.Tensor:
    import tensorflow as tf

    return tf.random.stateless_uniform((tf.shape(images)[0], 1, 1, 1), seed) < share


def _factors(images: tf.Tensor, seed: tf.Tensor, width: float, channels: int) -> tf.Tensor:
    import tensorflow as tf

    return tf.random.stateless_uniform((tf.shape(images)[0], 1, 1, channels), seed, 1 - width, 1 + width)
