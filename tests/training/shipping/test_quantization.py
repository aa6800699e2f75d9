from collections.abc import Callable

import keras
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from lambda_fn.decisions import Thresholds
from training.shipping.graph import run_graph, to_onnx
from training.shipping.quantization import QuantizationError, check_int8, to_int8

THRESHOLDS = Thresholds(operating_point=0.4, normal_below=0.3, all_from=0.7)


@pytest.fixture(scope="module")
def graph(spread_network: keras.Model) -> bytes:
    return to_onnx(spread_network)


@pytest.fixture(scope="module")
def cells() -> NDArray[np.uint8]:
    """Squares of noise, each with its own brightness."""
    generator = np.random.default_rng(1)
    brightness = np.linspace(40, 255, 120)[:, None, None, None]
    return (generator.random((120, 32, 32, 3)) * brightness).astype(np.uint8)


@pytest.fixture(scope="module")
def int8(graph: bytes, cells: NDArray[np.uint8]) -> bytes:
    return to_int8(graph, cells[::2])


def test_the_weights_become_bytes(graph: bytes, int8: bytes) -> None:
    weights = {weight.name: weight for weight in onnx.load_from_string(int8).graph.initializer}
    kinds = [weight.data_type for weight in weights.values() if len(weight.dims) == 4]
    assert kinds == [onnx.TensorProto.INT8] * 4
    assert [v.name for v in onnx.load_from_string(int8).graph.output] == ["probability_all"]


def test_the_same_graph_and_cells_give_the_same_bytes(graph: bytes, int8: bytes, cells: NDArray[np.uint8]) -> None:
    assert to_int8(graph, cells[::2]) == int8


def test_an_8_bit_graph_that_decides_alike_passes(graph: bytes, int8: bytes, cells: NDArray[np.uint8]) -> None:
    said = run_graph(graph, cells[1::2])["probability_all"][:, 0]
    quantization = check_int8(graph, int8, cells[1::2], said > np.median(said), THRESHOLDS, calibration_cells=60)
    assert (quantization.calibration_cells, quantization.cells) == (60, 60)
    assert quantization.roc_auc_float32 == 1
    assert quantization.roc_auc_int8 > 0.995
    assert quantization.decisions_changed <= 0.02


def reorder(kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [kernel[::-1], bias]


def shift(kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [kernel, bias + 4]


@pytest.mark.parametrize(("damage", "message"), [(reorder, "the AUC from 1.0000 to 0"), (shift, "% of the decisions")])
def test_an_8_bit_graph_that_decides_otherwise_is_refused(
    damage: Callable[..., list[NDArray[np.float32]]],
    message: str,
    spread_network: keras.Model,
    graph: bytes,
    cells: NDArray[np.uint8],
) -> None:
    other = keras.models.clone_model(spread_network)
    *weights, kernel, bias = spread_network.get_weights()
    other.set_weights([*weights, *damage(kernel, bias)])
    said = run_graph(graph, cells)["probability_all"][:, 0]
    below, middle, above = (float(value) for value in np.quantile(said, (0.25, 0.5, 0.75)))
    with pytest.raises(QuantizationError, match=message):
        check_int8(graph, to_onnx(other), cells, said > middle, Thresholds(middle, below, above), calibration_cells=0)
