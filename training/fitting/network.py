"""Fits a network to the training cells of a split, and stops it by subjects that it does not learn from."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.data.dataset import Dataset
from training.data.folds import Split
from training.errors import TrainingError
from training.fitting.balance import downsample
from training.fitting.batches import steps_of_an_epoch, stopping_batches, training_batches
from training.fitting.checkpoints import Checkpoints
from training.fitting.recipes import NetworkRecipe
from training.networks.architectures import OPTIMIZERS, freeze, network
from training.networks.pretrained import NO_WEIGHTS

if TYPE_CHECKING:
    import keras

OnStep = Callable[[float, float], None]


class DivergedError(TrainingError):
    """A training whose loss is not a number."""


@dataclass(frozen=True)
class _Phase:
    """A part of a training: its last epoch, its learning rate, and whether pretrained layers stay as they are."""

    name: str
    until: int
    learning_rate: float
    frozen: bool = False


def _phases(recipe: NetworkRecipe) -> list[_Phase]:
    if not recipe.frozen_epochs:
        return [_Phase("whole", recipe.epochs, recipe.learning_rate)]
    return [
        _Phase("frozen", min(recipe.frozen_epochs, recipe.epochs), recipe.learning_rate, frozen=True),
        _Phase("fine-tuned", recipe.epochs, recipe.fine_tuning_rate),
    ]


def fit(
    dataset: Dataset,
    split: Split,
    recipe: NetworkRecipe,
    folder: Path,
    on_step: OnStep = lambda share, loss: None,
    weights: str | Path = NO_WEIGHTS,
) -> keras.Model:
    """Train one network, or go on with an interrupted training in the same folder.

    The order of the cells and their augmentation depend on the seed and the epoch alone, and the optimizer's state is
    kept: an interrupted training ends as an uninterrupted one.

    Args:
        dataset: the cells.
        split: which of them to learn from, and which to stop by.
        recipe: how to train.
        folder: gets the files that ``Checkpoints`` writes after each epoch.
        on_step: called after each step with the share of all epochs that is done, 0 to 1, and the running loss.
        weights: of a pretrained network, as ``pretrained.backbone`` takes them.

    Returns:
        The Keras model with the weights of its best epoch, computing in float32. The best epoch has the least weighted
        loss on the stopping subjects.

    Raises:
        DivergedError: the loss is not a number.
        CheckpointError: a file of the interrupted training is damaged.
    """
    if recipe.balance == "downsample":
        split = replace(split, training=downsample(split.training, dataset.is_all, recipe.seed))
    checkpoints = Checkpoints(folder)
    training = _Training(dataset, split, recipe, checkpoints, on_step)
    phases = _phases(recipe)
    for phase, later in itertools.zip_longest(phases, phases[1:]):
        over = checkpoints.epochs >= phase.until or (later and checkpoints.epochs_of(later.name))
        if not over and checkpoints.epochs_since_best(phase.name) < recipe.patience:
            training.run(phase, weights)
    return _in_float32(checkpoints.load_best(), recipe, dataset.pixels.shape[1])


@dataclass(frozen=True)
class _Training:
    """The parts that all phases of a training share."""

    dataset: Dataset
    split: Split
    recipe: NetworkRecipe
    checkpoints: Checkpoints
    on_step: OnStep

    def run(self, phase: _Phase, weights: str | Path) -> None:
        """Train until the end of a phase, or until nothing improves."""
        import keras

        model = self._model(phase, weights)
        first_epoch = self.checkpoints.epochs
        steps = steps_of_an_epoch(self.split.training, self.recipe)
        step_numbers = itertools.count(first_epoch * steps + 1)

        def begin_epoch(epoch: int, logs: dict[str, float]) -> None:
            # A saved network does not record the state of its dropout.
            for number, layer in enumerate(model.layers):
                if hasattr(layer, "seed_generator"):
                    layer.seed_generator.state.assign([self.recipe.seed + number, epoch * steps])

        def end_epoch(epoch: int, logs: dict[str, float]) -> None:
            self._require_finite(logs["val_loss"], epoch)
            self.checkpoints.keep(model, phase.name, logs)
            model.stop_training = self.checkpoints.epochs_since_best(phase.name) >= self.recipe.patience

        def end_step(batch: int, logs: dict[str, float]) -> None:
            step = next(step_numbers)
            self._require_finite(logs["loss"], (step - 1) // steps)
            self.on_step(step / steps / self.recipe.epochs, logs["loss"])

        model.fit(
            training_batches(self.dataset, self.split.training, self.recipe, range(first_epoch, phase.until)),
            steps_per_epoch=steps,
            validation_data=stopping_batches(self.dataset, self.split.stopping, self.recipe),
            initial_epoch=first_epoch,
            epochs=phase.until,
            shuffle=False,  # the batches come shuffled
            verbose=0,
            callbacks=[
                keras.callbacks.LambdaCallback(
                    on_epoch_begin=begin_epoch, on_epoch_end=end_epoch, on_train_batch_end=end_step
                )
            ],
        )

    def _require_finite(self, loss: float, epoch: int) -> None:
        """End a training whose loss is not a number: no later step can mend it.

        Raises:
            DivergedError: it is not.
        """
        if not math.isfinite(loss):
            raise DivergedError(
                f"{self.checkpoints.folder}: the loss is not a number in epoch {epoch + 1}; start a new run with a "
                f"--learning-rate below {self.recipe.learning_rate:g}, or with another --optimizer."
            )

    def _model(self, phase: _Phase, weights: str | Path) -> keras.Model:
        """The network of a phase: its own latest, else the best of the phase before, else a new one."""
        import keras

        recipe = self.recipe
        if self.checkpoints.epochs_of(phase.name):
            return self.checkpoints.load_last()
        if self.checkpoints.epochs:
            model = self.checkpoints.load_best()
        else:
            keras.utils.set_random_seed(recipe.seed)
            with _precision():
                model = network(recipe.architecture, self.dataset.pixels.shape[1], weights)
        if recipe.frozen_epochs:
            freeze(model, phase.frozen)
        schedule = keras.optimizers.schedules.InverseTimeDecay(phase.learning_rate, 1, recipe.decay)
        optimizer = getattr(keras.optimizers, OPTIMIZERS[recipe.optimizer])(schedule)
        model.compile(optimizer, "binary_crossentropy", weighted_metrics=["AUC"], jit_compile=False)
        return model


@contextmanager
def _precision() -> Iterator[None]:
    """Let networks that are built within compute in float16 on a GPU, which is faster; their weights stay float32."""
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


def _in_float32(trained: keras.Model, recipe: NetworkRecipe, size: int) -> keras.Model:
    """A network, computing in float32: the graph of a mixed precision network would compute in float16."""
    model = network(recipe.architecture, size, NO_WEIGHTS)
    for layer, source in zip(_all_layers(model), _all_layers(trained), strict=True):
        layer.set_weights(source.get_weights())
    return model


def _all_layers(model: keras.Model) -> Iterator[keras.Layer]:
    """Layers without those that hold others; a model's own list of weights depends on which of them are frozen."""
    for layer in model.layers:
        yield from _all_layers(layer) if hasattr(layer, "layers") else (layer,)


def predict(model: keras.Model, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Probability of ALL for each image.

    Args:
        model: a Keras model.
        pixels: uint8 array of shape (n, size, size, 3).

    Returns:
        float64 array of shape (n,), 0 to 1.
    """
    return np.asarray(model.predict(pixels, batch_size=64, verbose=0)[:, 0], np.float64)
