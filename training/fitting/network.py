"""Fits a network to the training cells of a split, and stops it by subjects that it does not learn from."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.data.dataset import Dataset
from training.data.folds import Split
from training.fitting.augmentation import augment
from training.fitting.balance import BALANCES, balanced_weights, downsample
from training.fitting.checkpoints import Checkpoints
from training.networks.architectures import OPTIMIZERS, freeze, network
from training.networks.pretrained import NO_WEIGHTS

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; part of its manifest.

    Attributes:
        architecture: a name in ``ARCHITECTURES``.
        epochs: at most so many.
        seed: of initial weights, order of cells and augmentation.
        optimizer: a name in ``OPTIMIZERS``.
        patience: epochs without improvement on the stopping subjects after which training, or its phase, ends.
        batch_size: cells per step.
        learning_rate: at the first step.
        decay: after t steps the learning rate is ``learning_rate / (1 + decay * t)``. This is what the argument
            ``decay`` of an optimizer meant in Keras 1 and 2, from where the baseline's 1e-3 and 1e-4 come.
        pretrained_on: where the first weights come from; empty for random ones.
        frozen_epochs: at most so many of the epochs train the last layer alone. They come first.
        fine_tuning_rate: learning rate at the first step that trains the pretrained layers as well.
        balance: a name in ``BALANCES``: weigh classes and subjects, leave ALL cells out of the training by chance, or
            nothing.
        temperature: what the finished network's logits are divided by, chosen on out-of-fold predictions.
        shift: what is then added to them.
    """

    architecture: str
    epochs: int
    seed: int
    optimizer: str = "rmsprop"
    patience: int = 6
    batch_size: int = 32
    learning_rate: float = 1e-3
    decay: float = 1e-4
    pretrained_on: str = ""
    frozen_epochs: int = 0
    fine_tuning_rate: float = 1e-5
    balance: str = BALANCES[0]
    temperature: float = 1.0
    shift: float = 0.0


@dataclass(frozen=True)
class _Phase:
    """A part of a training: until which epoch, at which rate, and whether pretrained layers stay as they are."""

    name: str
    until: int
    learning_rate: float
    frozen: bool = False


def _phases(recipe: Recipe) -> list[_Phase]:
    if not recipe.frozen_epochs:
        return [_Phase("whole", recipe.epochs, recipe.learning_rate)]
    return [
        _Phase("frozen", min(recipe.frozen_epochs, recipe.epochs), recipe.learning_rate, frozen=True),
        _Phase("fine-tuned", recipe.epochs, recipe.fine_tuning_rate),
    ]


def fit(
    dataset: Dataset,
    split: Split,
    recipe: Recipe,
    folder: Path,
    on_step: Callable[[float, float], None] = lambda share, loss: None,
    weights: str | Path = NO_WEIGHTS,
) -> keras.Model:
    """Train one network, or go on where a training in the same folder was interrupted.

    The order of the cells and their augmentation depend on the seed and the epoch alone, and the optimizer's state is
    kept: a training that was interrupted ends as one that was not.

    Args:
        dataset: the cells.
        split: which of them to learn from, and which to stop by.
        recipe: how.
        folder: gets what ``Checkpoints`` keeps after each epoch.
        on_step: called after each step with the share of all epochs that is done, 0 to 1, and the running loss.
        weights: of a pretrained network, as ``pretrained.backbone`` takes them.

    Returns:
        The Keras model with the weights of its best epoch, computing in float32: the least weighted loss on the
        stopping subjects.
    """
    if recipe.balance == "downsample":
        split = replace(split, training=downsample(split.training, dataset.is_all, recipe.seed))
    kept = Checkpoints(folder)
    phases = _phases(recipe)
    for phase, later in itertools.zip_longest(phases, phases[1:]):
        over = kept.epochs >= phase.until or (later and kept.epochs_of(later.name))
        if not over and kept.epochs_since_best(phase.name) < recipe.patience:
            _train(_model(kept, phase, dataset, recipe, weights), kept, phase, dataset, split, recipe, on_step)
    return _in_float32(kept.best, recipe, dataset.pixels.shape[1])


def _model(kept: Checkpoints, phase: _Phase, dataset: Dataset, recipe: Recipe, weights: str | Path) -> keras.Model:
    """The network that a phase goes on with: its own last one, else the best of the phase before, else a new one."""
    import keras

    if kept.epochs_of(phase.name):
        return keras.models.load_model(kept.last)
    if kept.epochs:
        model = keras.models.load_model(kept.best, compile=False)
    else:
        keras.utils.set_random_seed(recipe.seed)
        with _precision():
            model = network(recipe.architecture, dataset.pixels.shape[1], weights)
    if recipe.frozen_epochs:
        freeze(model, phase.frozen)
    schedule = keras.optimizers.schedules.InverseTimeDecay(phase.learning_rate, decay_steps=1, decay_rate=recipe.decay)
    optimizer = getattr(keras.optimizers, OPTIMIZERS[recipe.optimizer])(schedule)
    model.compile(optimizer, "binary_crossentropy", weighted_metrics=["AUC"], jit_compile=False)
    return model


def _train(
    model: keras.Model,
    kept: Checkpoints,
    phase: _Phase,
    dataset: Dataset,
    split: Split,
    recipe: Recipe,
    on_step: Callable[[float, float], None],
) -> None:
    import keras

    steps = -(-len(split.training) // recipe.batch_size)
    done = itertools.count(kept.epochs * steps + 1)

    def begin(epoch: int, figures: dict[str, float]) -> None:
        # A saved network does not say how often it has drawn what to drop.
        for number, layer in enumerate(model.layers):
            if hasattr(layer, "seed_generator"):
                layer.seed_generator.state.assign([recipe.seed + number, epoch * steps])

    def keep(epoch: int, figures: dict[str, float]) -> None:
        kept.keep(model, phase.name, figures)
        model.stop_training = kept.epochs_since_best(phase.name) >= recipe.patience

    model.fit(
        training_batches(dataset, split.training, recipe, range(kept.epochs, phase.until)),
        steps_per_epoch=steps,
        validation_data=_cells(dataset, split.stopping, recipe).batch(recipe.batch_size * 4),
        initial_epoch=kept.epochs,
        epochs=phase.until,
        shuffle=False,  # the batches come shuffled
        verbose=0,
        callbacks=[
            keras.callbacks.LambdaCallback(
                on_epoch_begin=begin,
                on_epoch_end=keep,
                on_train_batch_end=lambda batch, logs: on_step(next(done) / steps / recipe.epochs, logs["loss"]),
            )
        ],
    )


@contextmanager
def _precision() -> Iterator[None]:
    """Networks built within compute in float16 where a GPU does so faster, and keep float32 weights."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if _has_gpu() else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _has_gpu() -> bool:
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def _in_float32(path: Path, recipe: Recipe, size: int) -> keras.Model:
    """The network in a file as it is exported: in mixed precision its graph would compute in float16."""
    import keras

    trained = keras.models.load_model(path, compile=False)
    model = network(recipe.architecture, size, NO_WEIGHTS)
    for layer, source in zip(_all_layers(model), _all_layers(trained), strict=True):
        layer.set_weights(source.get_weights())
    return model


def _all_layers(model: keras.Model) -> Iterator[keras.Layer]:
    """Layers without those that hold others; a model's own list of weights depends on which of them are frozen."""
    for layer in model.layers:
        yield from _all_layers(layer) if hasattr(layer, "layers") else (layer,)


def training_batches(dataset: Dataset, indices: NDArray[np.int64], recipe: Recipe, epochs: range) -> tf.data.Dataset:
    """Shuffled, augmented batches; each epoch differs, and epoch n is the same whenever it begins.

    Returns:
        Batches of images (float32 of shape (batch, size, size, 3), 0 to 255), labels and weights (float32 of shape
        (batch, 1) each), of one epoch after the other.
    """
    import tensorflow as tf

    steps = -(-len(indices) // recipe.batch_size)
    with tf.device("CPU:0"):  # where the batches are made
        pixels, labels, weights = (tf.constant(values) for values in _arrays(dataset, indices, recipe))

    def shuffled(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.argsort(tf.random.stateless_uniform((len(indices),), tf.stack([recipe.seed, epoch])))
        return tf.data.Dataset.from_tensor_slices(order).batch(recipe.batch_size)

    def batch(step: tf.Tensor, chosen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        images = augment(tf.gather(pixels, chosen), tf.stack([recipe.seed, step]))
        return images, tf.gather(labels, chosen), tf.gather(weights, chosen)

    in_order = tf.data.Dataset.range(epochs.start, epochs.stop).flat_map(shuffled)
    return in_order.enumerate(epochs.start * steps).map(batch, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def _cells(dataset: Dataset, indices: NDArray[np.int64], recipe: Recipe) -> tf.data.Dataset:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(_arrays(dataset, indices, recipe))


def _arrays(
    dataset: Dataset, indices: NDArray[np.int64], recipe: Recipe
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    is_all = dataset.is_all[indices]
    weights = np.ones(len(indices), np.float32)
    if recipe.balance == "weights":
        weights = balanced_weights(is_all, dataset.groups[indices])
    return dataset.pixels[indices], is_all.astype(np.float32)[:, None], weights[:, None]


def predict(model: keras.Model, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Probability of ALL for each image.

    Args:
        model: a Keras model.
        pixels: uint8 array of shape (n, size, size, 3).

    Returns:
        float64 array of shape (n,), 0 to 1.
    """
    return np.asarray(model.predict(pixels, batch_size=64, verbose=0)[:, 0], np.float64)
