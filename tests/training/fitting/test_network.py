from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from training.data.dataset import Dataset
from training.data.folds import Split
from training.fitting.batches import training_batches
from training.fitting.checkpoints import Checkpoints
from training.fitting.network import fit, predict
from training.fitting.recipes import NetworkRecipe, new_network_recipe
from training.networks.architectures import ARCHITECTURES, BACKBONE, Architecture, network

RECIPE = NetworkRecipe("2x2C1D", epochs=2, seed=5, batch_size=8)
SPLIT = Split(training=np.arange(30), stopping=np.arange(5, 40, 2), held_out=np.arange(0))


def test_a_training_leaves_its_best_network_and_its_log(small_dataset: Dataset, tmp_path: Path) -> None:
    shares: list[float] = []
    network = fit(small_dataset, SPLIT, RECIPE, tmp_path / "run", lambda share, loss: shares.append(share))
    Checkpoints(tmp_path / "run").tidy()
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["best.keras", "log.csv"]
    kept = keras.models.load_model(tmp_path / "run/best.keras", compile=False)
    assert (predict(network, small_dataset.pixels) == predict(kept, small_dataset.pixels)).all()
    log = (tmp_path / "run/log.csv").read_text("utf-8").splitlines()
    assert log[0] == "epoch,phase,AUC,loss,val_AUC,val_loss"
    assert [line.split(",")[:2] for line in log[1:]] == [["1", "whole"], ["2", "whole"]]
    assert shares == pytest.approx([step / 8 for step in range(1, 9)])


def test_the_same_seed_gives_the_same_network(small_dataset: Dataset, tmp_path: Path) -> None:
    first, second = (predict(fit(small_dataset, SPLIT, RECIPE, tmp_path / n), small_dataset.pixels) for n in "ab")
    assert first == pytest.approx(second, abs=1e-4)


def test_the_best_network_is_that_of_the_least_loss_on_the_stopping_subjects(
    small_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "training.fitting.batches.augment", lambda images, seed: 255 - images
    )  # so that learning makes it worse
    fit(small_dataset, SPLIT, NetworkRecipe("2x2C1D", epochs=40, seed=5, patience=2), tmp_path / "run")
    log = np.genfromtxt(tmp_path / "run/log.csv", delimiter=",", names=True)
    assert len(log) == log["val_loss"].argmin() + 3, "training did not end two epochs after the best"


class KilledError(Exception):
    """As a kill would, it ends a training between two steps."""


def kill_at(share: float) -> Callable[[float, float], None]:
    def on_step(done: float, loss: float) -> None:
        if done >= share:
            raise KilledError

    return on_step


@pytest.fixture
def tiny_pretrained(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a network that is frozen at first, small enough for a test."""

    def build(size: int, weights: str | Path) -> keras.Model:
        image = keras.Input((size, size, 3), dtype="uint8")
        colours = keras.Input((size, size, 3))
        features = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3, strides=2)(colours))
        backbone = keras.Model(colours, features, name=BACKBONE)
        pooled = keras.layers.GlobalAveragePooling2D()(backbone(keras.ops.cast(image, "float32") / 255))
        return keras.Model(image, keras.layers.Dense(1, activation="sigmoid")(keras.layers.Dropout(0.5)(pooled)))

    monkeypatch.setitem(ARCHITECTURES, "tiny", Architecture(build, "adamw", pretrained=True))
    return "tiny"


@pytest.mark.parametrize(("name", "share"), [("2x2C1D", 0.1), ("2x2C1D", 0.6), ("tiny", 0.3), ("tiny", 0.9)])
@pytest.mark.usefixtures("tiny_pretrained")
def test_a_killed_training_goes_on_as_if_it_had_not_been(
    name: str, share: float, small_dataset: Dataset, tmp_path: Path
) -> None:
    recipe = new_network_recipe(name, 32, epochs=4, seed=5)
    whole = fit(small_dataset, SPLIT, recipe, tmp_path / "whole")
    with pytest.raises(KilledError):
        fit(small_dataset, SPLIT, recipe, tmp_path / "killed", kill_at(share))
    shares: list[float] = []
    resumed = fit(small_dataset, SPLIT, recipe, tmp_path / "killed", lambda done, _: shares.append(done))
    assert min(shares) > share - 1 / 4, "an epoch that was done is done again"
    assert predict(resumed, small_dataset.pixels) == pytest.approx(predict(whole, small_dataset.pixels), abs=1e-4)
    logs = [np.genfromtxt(tmp_path / run / "log.csv", delimiter=",", names=True) for run in ("whole", "killed")]
    assert logs[1]["loss"] == pytest.approx(logs[0]["loss"], abs=1e-4)
    assert logs[1]["val_loss"] == pytest.approx(logs[0]["val_loss"], abs=1e-4)


def test_a_finished_training_is_not_repeated(small_dataset: Dataset, tmp_path: Path) -> None:
    first = fit(small_dataset, SPLIT, RECIPE, tmp_path)
    again = fit(small_dataset, SPLIT, RECIPE, tmp_path, kill_at(0))
    assert (predict(first, small_dataset.pixels) == predict(again, small_dataset.pixels)).all()


def test_a_pretrained_network_is_frozen_at_first_and_then_trained_at_a_low_rate(
    small_dataset: Dataset, tiny_pretrained: str, tmp_path: Path
) -> None:
    fit(small_dataset, SPLIT, new_network_recipe(tiny_pretrained, 32, epochs=6, seed=5), tmp_path)
    phases = [line.split(",")[1] for line in (tmp_path / "log.csv").read_text("utf-8").splitlines()]
    assert phases == ["phase", "frozen", "frozen", *["fine-tuned"] * 4]

    keras.utils.set_random_seed(5)
    before = network(tiny_pretrained, 32).get_layer(BACKBONE)
    after = keras.models.load_model(tmp_path / "last-0006.keras").get_layer(BACKBONE)
    kernel, normalisation = (
        max(float(np.abs(new - old).max()) for new, old in zip(layer.get_weights(), first.get_weights(), strict=True))
        for layer, first in zip(after.layers[1:], before.layers[1:], strict=True)
    )
    assert 0 < kernel < 1e-5 * 4 * 4 * 2, "16 steps at a rate of 1e-5"
    assert normalisation == 0


def test_epochs_of_a_frozen_backbone_leave_it_as_it_was(
    small_dataset: Dataset, tiny_pretrained: str, tmp_path: Path
) -> None:
    recipe = new_network_recipe(tiny_pretrained, 32, epochs=2, seed=5)
    fit(small_dataset, SPLIT, replace(recipe, frozen_epochs=2), tmp_path)
    keras.utils.set_random_seed(5)
    before = network(tiny_pretrained, 32).get_layer(BACKBONE).get_weights()
    after = keras.models.load_model(tmp_path / "last-0002.keras").get_layer(BACKBONE).get_weights()
    assert all((new == old).all() for new, old in zip(after, before, strict=True))


def test_what_a_gpu_trained_in_mixed_precision_computes_in_float32(
    small_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.fitting.network._has_gpu", lambda: True)
    network = fit(small_dataset, SPLIT, replace(RECIPE, epochs=1), tmp_path)
    trained = keras.models.load_model(tmp_path / "last-0001.keras", compile=False)
    assert trained.layers[2].compute_dtype == "float16"
    assert {layer.compute_dtype for layer in network.layers[1:]} == {"float32"}
    assert predict(network, small_dataset.pixels) == pytest.approx(predict(trained, small_dataset.pixels), abs=0.02)
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam", "adamw"])
def test_the_learning_rate_decays_with_every_step(optimizer: str, small_dataset: Dataset, tmp_path: Path) -> None:
    recipe = replace(RECIPE, optimizer=optimizer, epochs=1, decay=0.5)
    fit(small_dataset, SPLIT, recipe, tmp_path)
    trained = keras.models.load_model(tmp_path / "last-0001.keras").optimizer
    assert type(trained).__name__.lower() == optimizer
    assert float(trained.learning_rate) == pytest.approx(1e-3 / (1 + 0.5 * 4))


def test_each_epoch_augments_anew_and_is_the_same_whenever_it_begins(small_dataset: Dataset) -> None:
    def images(epochs: range) -> list[np.ndarray]:
        batches = training_batches(small_dataset, np.arange(12, 29), RECIPE, epochs).as_numpy_iterator()
        return [images for images, _, _ in batches]

    both, second = images(range(3, 5)), images(range(4, 5))
    assert [len(batch) for batch in both] == [8, 8, 1, 8, 8, 1]
    assert (both[0] != both[3]).any()
    assert all((one == other).all() for one, other in zip(both[3:], second, strict=True))


def test_a_batch_keeps_each_image_with_its_label_and_weight(
    small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.fitting.batches.augment", lambda images, seed: images)
    indices = np.arange(10, 35)
    label_of = {small_dataset.pixels[i].tobytes(): bool(small_dataset.is_all[i]) for i in indices}
    seen = {}
    for images, labels, weights in training_batches(small_dataset, indices, RECIPE, range(1)).as_numpy_iterator():
        for image, label, weight in zip(images, labels[:, 0], weights[:, 0], strict=True):
            seen[image.tobytes()] = bool(label)
            # 10 cells with ALL, 15 normal ones, all subjects alike: each class weighs as half of the 25 cells
            assert weight == pytest.approx(12.5 / 10 if label else 12.5 / 15)
    assert seen == label_of


@pytest.mark.parametrize(("balance", "cells_of_all"), [("weights", 30), ("downsample", 12), ("none", 30)])
def test_classes_are_balanced_as_asked_in_training_alone(
    balance: str, cells_of_all: int, small_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uneven = replace(small_dataset, is_all=np.arange(40) >= 10)
    seen: list[np.ndarray] = []
    batches = training_batches

    def listen(dataset: Dataset, indices: np.ndarray, *rest: Any) -> Any:
        seen.append(indices)
        return batches(dataset, indices, *rest)

    monkeypatch.setattr("training.fitting.network.training_batches", listen)
    split = Split(np.arange(40), np.arange(5, 40), np.arange(0))
    recipe = replace(RECIPE, balance=balance, epochs=1)
    fit(uneven, split, recipe, tmp_path)
    assert uneven.is_all[seen[0]].sum() == cells_of_all
    assert (~uneven.is_all[seen[0]]).sum() == 10
    _, _, weights = next(iter(batches(uneven, split.training, replace(recipe, batch_size=40), range(1))))
    even = np.ptp(np.asarray(weights)) == 0
    assert even == (balance != "weights")


def test_the_network_takes_bytes_and_gives_one_probability(spread_network: keras.Model) -> None:
    assert spread_network.input_shape == (None, 32, 32, 3)
    assert spread_network.inputs[0].dtype == "uint8"
    probabilities = predict(spread_network, np.random.default_rng(0).integers(0, 256, (9, 32, 32, 3), np.uint8))
    assert probabilities.shape == (9,)
    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert [type(layer).__name__ for layer in spread_network.layers].count("Conv2D") == 4
