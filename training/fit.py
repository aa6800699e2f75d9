"""Fits a network to the training cells of a split, and stops it by subjects that it does not learn from."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.architectures import ARCHITECTURES
from training.augmentation import augment
from training.dataset import Dataset
from training.folds import Split, balanced_weights

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

CHECKPOINT = "best.keras"


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        architecture: a name in ``ARCHITECTURES``.
        epochs: at most so many.
        seed: of initial weights, order of cells and augmentation.
        patience: epochs without improvement on the stopping subjects after which training ends.
        batch_size: cells per step.
        learning_rate: of Adam, at the first step.
        decay: after t steps the learning rate is ``learning_rate / (1 + decay * t)``. This is what the argument
            ``decay`` of an optimizer meant in Keras 1 and 2, from where the baseline's 1e-3 and 1e-4 come.
    """

    architecture: str
    epochs: int
    seed: int
    patience: int = 6
    batch_size: int = 32
    learning_rate: float = 1e-3
    decay: float = 1e-4


def fit(
    dataset: Dataset, split: Split, recipe: Recipe, folder: Path, on_step: Callable[[float, float], None] | None = None
) -> keras.Model:
    """Train one network.

    Args:
        dataset: the cells.
        split: which of them to learn from, and which to stop by.
        recipe: how.
        folder: gets ``best.keras`` after each epoch that improved, so that an interrupted training leaves its best, and
            ``log.csv`` with one line per epoch.
        on_step: called after each step with the share of all epochs that is done, 0 to 1, and the running loss.

    Returns:
        The Keras model with the weights of its best epoch: the least weighted loss on the stopping subjects.
    """
    import keras

    folder.mkdir(parents=True)
    keras.utils.set_random_seed(recipe.seed)
    model = ARCHITECTURES[recipe.architecture](dataset.pixels.shape[1])
    schedule = keras.optimizers.schedules.InverseTimeDecay(recipe.learning_rate, decay_steps=1, decay_rate=recipe.decay)
    model.compile(keras.optimizers.Adam(schedule), "binary_crossentropy", weighted_metrics=["AUC"], jit_compile=False)
    steps = -(-len(split.training) // recipe.batch_size)
    model.fit(
        training_batches(dataset, split.training, recipe),
        validation_data=_cells(dataset, split.stopping).batch(recipe.batch_size * 4),
        epochs=recipe.epochs,
        shuffle=False,  # the batches come shuffled
        verbose=0,
        callbacks=[
            keras.callbacks.ModelCheckpoint(folder / CHECKPOINT, monitor="val_loss", save_best_only=True),
            keras.callbacks.EarlyStopping(monitor="val_loss", patience=recipe.patience),
            keras.callbacks.CSVLogger(folder / "log.csv"),
            *([_report_steps(on_step, recipe.epochs, steps)] if on_step else []),
        ],
    )
    return keras.models.load_model(folder / CHECKPOINT, compile=False)


def _report_steps(on_step: Callable[[float, float], None], epochs: int, steps: int) -> keras.callbacks.Callback:
    import keras

    done = itertools.count(1)
    return keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: on_step(next(done) / steps / epochs, logs["loss"])
    )


def training_batches(dataset: Dataset, indices: NDArray[np.int64], recipe: Recipe) -> tf.data.Dataset:
    """Shuffled, augmented batches; each epoch differs, and each run with the same seed has the same epochs.

    Returns:
        Batches of images (float32 of shape (batch, size, size, 3), 0 to 255), labels and weights (float32 of shape
        (batch, 1) each).
    """
    import tensorflow as tf

    shuffled = _cells(dataset, indices).shuffle(len(indices), seed=recipe.seed).batch(recipe.batch_size)
    seeds = tf.data.Dataset.random(recipe.seed, rerandomize_each_iteration=True).batch(2)
    return (
        tf.data.Dataset.zip(shuffled, seeds)
        .map(
            lambda batch, seed: (augment(batch[0], seed), batch[1], batch[2]),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        .prefetch(2)
    )


def _cells(dataset: Dataset, indices: NDArray[np.int64]) -> tf.data.Dataset:
    import tensorflow as tf

    is_all = dataset.is_all[indices]
    weights = balanced_weights(is_all, dataset.groups[indices])
    labels = is_all.astype(np.float32)
    return tf.data.Dataset.from_tensor_slices((dataset.pixels[indices], labels[:, None], weights[:, None]))


def predict(model: keras.Model, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Probability of ALL for each image.

    Args:
        model: a Keras model.
        pixels: uint8 array of shape (n, size, size, 3).

    Returns:
        float64 array of shape (n,), 0 to 1.
    """
    return np.asarray(model.predict(pixels, batch_size=64, verbose=0)[:, 0], np.float64)
