"""Files as PyTorch wrote them before version 1.6, written here without it."""

import io
import pickle
import struct
import sys
from collections import OrderedDict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.networks.pretrained import PretrainedWeightsError
from training.networks.torch_state import read_state

DTYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


class Called:
    """Stands in a pickle for a call of a function, which the reader sees by its name."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


class Storage:
    """Stands in a pickle for the numbers of a tensor."""

    def __init__(self, kind: str, name: str, numbers: list[float]) -> None:
        self.kind, self.name, self.numbers = kind, name, np.array(numbers, DTYPES[kind])


class TorchPickler(pickle.Pickler):
    """Pickles as ``torch.save`` does: storages have a number of their own."""

    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, Storage):
            return "storage", getattr(sys.modules["torch"], obj.kind), obj.name, "cpu", len(obj.numbers), None
        return None


@pytest.fixture(autouse=True)
def _torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules with the names that the pickles of PyTorch refer to."""
    torch, utils = ModuleType("torch"), ModuleType("torch._utils")

    def _rebuild_tensor_v2(*_: Any) -> None: ...

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    for kind in DTYPES:
        setattr(torch, kind, type(kind, (), {"__module__": "torch"}))
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


def tensor(storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Called:
    return Called(sys.modules["torch._utils"]._rebuild_tensor_v2, storage, offset, shape, strides, False, OrderedDict())


def saved(state: Any, *storages: Storage) -> bytes:
    file = io.BytesIO()
    for before in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        pickle.dump(before, file, 2)
    TorchPickler(file, 2).dump(state)
    pickle.dump([storage.name for storage in storages], file, 2)
    for storage in storages:
        file.write(struct.pack("<q", len(storage.numbers)) + storage.numbers.tobytes())
    return file.getvalue()


@pytest.mark.parametrize(
    ("offset", "shape", "strides", "expected"),
    [
        (0, (2, 3), (3, 1), [[0, 1, 2], [3, 4, 5]]),
        (0, (2, 3), (1, 2), [[0, 2, 4], [1, 3, 5]]),
        (2, (2, 2), (2, 1), [[2, 3], [4, 5]]),
        (1, (2, 2), (0, 3), [[1, 4], [1, 4]]),
        (4, (), (), 4),
    ],
    ids=["in order", "strided", "offset", "repeated", "scalar"],
)
def test_numbers_stand_where_the_strides_put_them(
    offset: int, shape: tuple[int, ...], strides: tuple[int, ...], expected: Any, tmp_path: Path
) -> None:
    storage, count = Storage("FloatStorage", "7", [0, 1, 2, 3, 4, 5]), Storage("LongStorage", "8", [9])
    state = OrderedDict(kernel=tensor(storage, offset, shape, strides), batches=tensor(count, 0, (), ()))
    (tmp_path / "a.pth").write_bytes(saved(state, storage, count))
    arrays = read_state(tmp_path / "a.pth")
    assert arrays["kernel"].dtype == np.float32
    assert arrays["kernel"].tolist() == expected
    assert arrays["batches"] == 9


@pytest.mark.parametrize(
    ("offset", "shape", "strides"), [(0, (3, 3), (3, 1)), (4, (3,), (1,)), (-1, (2,), (1,)), (5, (2,), (-1,))]
)
def test_a_tensor_beyond_its_numbers_is_refused(
    offset: int, shape: tuple[int, ...], strides: tuple[int, ...], tmp_path: Path
) -> None:
    storage = Storage("FloatStorage", "7", [0, 1, 2, 3, 4, 5])
    (tmp_path / "a.pth").write_bytes(saved({"kernel": tensor(storage, offset, shape, strides)}, storage))
    with pytest.raises(PretrainedWeightsError, match="a tensor reaches beyond its storage"):
        read_state(tmp_path / "a.pth")


def test_a_pickle_that_calls_anything_else_is_refused_and_calls_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(saved({"kernel": Called(Path.touch, tmp_path / "called")}))
    with pytest.raises(PretrainedWeightsError, match="is no part of a dictionary of tensors"):
        read_state(tmp_path / "a.pth")
    assert not (tmp_path / "called").exists()


@settings(deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    storage = Storage("FloatStorage", "7", [0, 1, 2, 3, 4, 5])
    whole = bytearray(saved(OrderedDict(kernel=tensor(storage, 0, (2, 3), (3, 1))), storage))
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        del whole[place:]
    else:
        whole[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("place") / "a.pth"
    path.write_bytes(whole)
    try:
        assert all(isinstance(array, np.ndarray) for array in read_state(path).values())
    except PretrainedWeightsError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a newer file", b"\x89HDF\r\n"], ids=["empty", "zip", "other"])
def test_a_file_of_another_kind_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(
        PretrainedWeightsError, match=r"a\.pth holds no weights as PyTorch saved them before version 1\.6"
    ):
        read_state(tmp_path / "a.pth")
