"""Batches of cells with labels and weights, for a network to learn from or to be stopped by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.data.dataset import Dataset
from training.fitting.augmentation import augment
from training.fitting.balance import balanced_weights
from training.fitting.recipes import NetworkRecipe

if TYPE_CHECKING:
    import tensorflow as tf


def steps_of_an_epoch(indices: NDArray[np.int64], recipe: NetworkRecipe) -> int:
    """Number of training batches that hold every cell once; the last one may be smaller."""
    return -(-len(indices) // recipe.batch_size)


def training_batches(
    dataset: Dataset, indices: NDArray[np.int64], recipe: NetworkRecipe, epochs: range
) -> tf.data.Dataset:
    """Shuffled, augmented batches; each epoch differs, and epoch n is the same whenever it begins.

    Returns:
        Batches of images (float32 of shape (batch, size, size, 3), 0 to 255), labels and weights (float32 of shape
        (batch, 1) each), of one epoch after the other.
    """
    import tensorflow as tf

    with tf.device("CPU:0"):  # which makes the batches
        pixels, labels, weights = (tf.constant(values) for values in _arrays(dataset, indices, recipe))

    def shuffled(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.argsort(tf.random.stateless_uniform((len(indices),), tf.stack([recipe.seed, epoch])))
        return tf.data.Dataset.from_tensor_slices(order).batch(recipe.batch_size)

    def batch(step: tf.Tensor, members: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        images = augment(tf.gather(pixels, members), tf.stack([recipe.seed, step]))
        return images, tf.gather(labels, members), tf.gather(weights, members)

    in_order = tf.data.Dataset.range(epochs.start, epochs.stop).flat_map(shuffled)
    first_step = epochs.start * steps_of_an_epoch(indices, recipe)
    return in_order.enumerate(first_step).map(batch, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def stopping_batches(dataset: Dataset, indices: NDArray[np.int64], recipe: NetworkRecipe) -> tf.data.Dataset:
    """Batches as ``training_batches`` gives them, but in order and with images as they are."""
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(_arrays(dataset, indices, recipe)).batch(recipe.batch_size * 4)


def _arrays(
    dataset: Dataset, indices: NDArray[np.int64], recipe: NetworkRecipe
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    is_all = dataset.is_all[indices]
    weights = np.ones(len(indices), np.float32)
    if recipe.balance == "weights":
        weights = balanced_weights(is_all, dataset.groups[indices])
    return dataset.pixels[indices], is_all.astype(np.float32)[:, None], weights[:, None]
