from pathlib import Path

import keras
import numpy as np
import pytest

from training.dataset import Dataset
from training.fit import Recipe, fit, predict, training_batches
from training.folds import Split

RECIPE = Recipe("2x2C1D", epochs=2, seed=5, batch_size=8)
SPLIT = Split(training=np.arange(30), stopping=np.arange(5, 40, 2), held_out=np.arange(0))


def test_a_training_leaves_its_best_network_and_its_log(small_dataset: Dataset, tmp_path: Path) -> None:
    shares: list[float] = []
    network = fit(small_dataset, SPLIT, RECIPE, tmp_path / "run", lambda share, loss: shares.append(share))
    kept = keras.models.load_model(tmp_path / "run/best.keras", compile=False)
    assert (predict(network, small_dataset.pixels) == predict(kept, small_dataset.pixels)).all()
    log = (tmp_path / "run/log.csv").read_text("utf-8").splitlines()
    assert log[0] == "epoch,AUC,loss,val_AUC,val_loss"
    assert [line.split(",")[0] for line in log[1:]] == ["0", "1"]
    assert shares == pytest.approx([step / 8 for step in range(1, 9)])


def test_the_same_seed_gives_the_same_network(small_dataset: Dataset, tmp_path: Path) -> None:
    first, second = (predict(fit(small_dataset, SPLIT, RECIPE, tmp_path / n), small_dataset.pixels) for n in "ab")
    assert first == pytest.approx(second, abs=1e-4)


def test_the_best_network_is_that_of_the_least_loss_on_the_stopping_subjects(
    small_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.fit.augment", lambda images, seed: 255 - images)  # so that learning makes it worse
    fit(small_dataset, SPLIT, Recipe("2x2C1D", epochs=40, seed=5, patience=2), tmp_path / "run")
    log = np.genfromtxt(tmp_path / "run/log.csv", delimiter=",", names=True)
    assert len(log) == log["val_loss"].argmin() + 3, "training did not end two epochs after the best"


def test_an_interrupted_training_leaves_its_best_network(small_dataset: Dataset, tmp_path: Path) -> None:
    def interrupt(share: float, loss: float) -> None:
        if share > 0.7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(small_dataset, SPLIT, RECIPE, tmp_path / "run", interrupt)
    network = keras.models.load_model(tmp_path / "run/best.keras", compile=False)
    assert predict(network, small_dataset.pixels).shape == (40,)


def test_each_epoch_augments_anew_and_each_run_repeats_the_epochs(small_dataset: Dataset) -> None:
    def two_epochs() -> list[np.ndarray]:
        batches = training_batches(small_dataset, np.arange(12, 28), RECIPE)
        return [np.concatenate([images for images, _, _ in batches.as_numpy_iterator()]) for _ in range(2)]

    first, second = two_epochs()
    again = two_epochs()
    assert first.shape == (16, 32, 32, 3)
    assert (first != second).any()
    assert (first == again[0]).all()
    assert (second == again[1]).all()


def test_a_batch_keeps_each_image_with_its_label_and_weight(
    small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.fit.augment", lambda images, seed: images)
    indices = np.arange(10, 35)
    label_of = {small_dataset.pixels[i].tobytes(): bool(small_dataset.is_all[i]) for i in indices}
    seen = {}
    for images, labels, weights in training_batches(small_dataset, indices, RECIPE).as_numpy_iterator():
        for image, label, weight in zip(images, labels[:, 0], weights[:, 0], strict=True):
            seen[image.tobytes()] = bool(label)
            # 10 cells with ALL, 15 normal ones, all subjects alike: each class weighs as half of the 25 cells
            assert weight == pytest.approx(12.5 / 10 if label else 12.5 / 15)
    assert seen == label_of


def test_the_network_takes_bytes_and_gives_one_probability(spread_network: keras.Model) -> None:
    assert spread_network.input_shape == (None, 32, 32, 3)
    assert spread_network.inputs[0].dtype == "uint8"
    probabilities = predict(spread_network, np.random.default_rng(0).integers(0, 256, (9, 32, 32, 3), np.uint8))
    assert probabilities.shape == (9,)
    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert [type(layer).__name__ for layer in spread_network.layers].count("Conv2D") == 4
