"""Weights in a file of PyTorch, read without PyTorch, which alone would take more space than all else that trains.

The file is as ``torch.save`` wrote it before version 1.6: pickles of a magic number, a version, the system, the tensors
and the names of their storages, then the length and the numbers of each storage.
"""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from training.networks.pretrained import PretrainedWeightsError

State = dict[str, NDArray[Any]]

# Pickles before the tensors.
_PREFACE = 3
_LENGTH = np.dtype("<i8")
# Errors that reading a damaged pickle can end with.
_DAMAGES = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    TypeError,
    ValueError,
    pickle.PickleError,
)


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage; offset and strides count its numbers."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _tensor(storage: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> _Tensor:
    return _Tensor(storage, offset, shape, strides)


# All that the pickle of a dictionary of tensors may call. Any other call could run any code.
_ALLOWED: dict[tuple[str, str], Callable[..., Any] | np.dtype[Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
}


class _TensorUnpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.dtypes: dict[str, np.dtype[Any]] = {}

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - as the base class has it
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a dictionary of tensors")
        return _ALLOWED[module, name]

    def persistent_load(self, identifier: tuple[Any, ...]) -> str:
        _, dtype, storage, *_ = identifier
        self.dtypes[storage] = dtype
        return str(storage)


def read_state(path: Path) -> State:
    """Read a dictionary of tensors.

    Args:
        path: file of ``torch.save``.

    Returns:
        Arrays by the tensors' names, float32 or int64.

    Raises:
        PretrainedWeightsError: there is no such file, it is damaged, or it holds something else.
    """
    try:
        with path.open("rb") as file:
            for _ in range(_PREFACE):
                _TensorUnpickler(file).load()
            tensors = _TensorUnpickler(file)
            state = tensors.load()
            storages = {name: _read_numbers(file, tensors.dtypes[name]) for name in _TensorUnpickler(file).load()}
        return {name: _lay_out(tensor, storages[tensor.storage]) for name, tensor in state.items()}
    except _DAMAGES as error:
        raise PretrainedWeightsError(
            f"{path} holds no weights as PyTorch saved them before version 1.6: {error or 'it ends too early'}."
        ) from error


def _read_numbers(file: BinaryIO, dtype: np.dtype[Any]) -> NDArray[Any]:
    length = int(np.frombuffer(file.read(_LENGTH.itemsize), _LENGTH)[0])
    rest = os.fstat(file.fileno()).st_size - file.tell()
    if not 0 <= length * dtype.itemsize <= rest:
        raise ValueError(f"{length} numbers are announced, and {rest} bytes follow")
    return np.frombuffer(file.read(length * dtype.itemsize), dtype)


def _lay_out(tensor: _Tensor, numbers: NDArray[Any]) -> NDArray[Any]:
    """The numbers of a tensor in its shape.

    They need not lie in the order of its axes: TensorFlow's order remains in weights that were converted from it.
    """
    last = tensor.offset + sum(
        (length - 1) * stride for length, stride in zip(tensor.shape, tensor.strides, strict=True)
    )
    if tensor.offset < 0 or min(tensor.strides, default=0) < 0 or last >= len(numbers):
        raise ValueError("a tensor reaches beyond its storage")
    strides = [stride * numbers.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides).copy()
