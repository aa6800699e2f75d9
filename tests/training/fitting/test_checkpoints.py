from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from training.data.dataset import Dataset
from training.data.folds import Split
from training.fitting.checkpoints import CheckpointError
from training.fitting.network import DivergedError, fit
from training.fitting.recipes import NetworkRecipe

RECIPE = NetworkRecipe("1C1D", epochs=1, seed=5, batch_size=8)
SPLIT = Split(training=np.arange(30), stopping=np.arange(5, 40, 2), held_out=np.arange(0))


@pytest.mark.parametrize("file", ["last-0001.keras", "best-0001.keras", "log.csv"])
@pytest.mark.parametrize("content", [b"", b"no checkpoint, but some bytes", None])
def test_a_damaged_checkpoint_is_named_in_one_line_with_the_way_out(
    file: str, content: bytes | None, small_dataset: Dataset, tmp_path: Path
) -> None:
    fit(small_dataset, SPLIT, RECIPE, tmp_path)
    whole = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(whole[: len(whole) // 2] if content is None else content)
    recipe = replace(RECIPE, epochs=1 if file.startswith("best") else 2)
    with pytest.raises(CheckpointError) as error:
        fit(small_dataset, SPLIT, recipe, tmp_path)
    assert str(error.value.message) == (
        f"{tmp_path / file} is damaged: remove the folder {tmp_path} and --resume, to train it anew."
    )


@pytest.mark.parametrize("of", ["loss", "val_loss"])
def test_a_loss_that_is_not_a_number_ends_the_training_at_once(
    of: str, small_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[float] = []
    monkeypatch.setattr(keras.callbacks.CallbackList, f"on_{'train_batch' if of == 'loss' else 'epoch'}_end", spoil(of))
    with pytest.raises(
        DivergedError, match=r"the loss is not a number in epoch 1; start .* --learning-rate below 0.001"
    ):
        fit(small_dataset, SPLIT, replace(RECIPE, epochs=3), tmp_path, lambda share, _: steps.append(share))
    assert len(steps) == (0 if of == "loss" else 4)
    assert not list(tmp_path.glob("*.keras"))


def spoil(name: str):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """A callback's end of a step or an epoch, with a loss that is not a number."""
    method = "on_train_batch_end" if name == "loss" else "on_epoch_end"

    def end(callbacks: keras.callbacks.CallbackList, number: int, logs: dict[str, float] | None = None) -> None:
        for callback in callbacks.callbacks:
            getattr(callback, method)(number, {**(logs or {}), name: float("nan")})

    return end
