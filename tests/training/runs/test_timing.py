from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from training.networks.architectures import network
from training.runs.timing import milliseconds
from training.shipping.graph import run_graph, to_onnx

Images = NDArray[np.uint8]


@pytest.mark.parametrize(
    "use",
    [lambda graph, images: milliseconds({"a": graph}, images), run_graph],
    ids=["timing", "parity"],
)
def test_every_session_has_the_options_that_the_function_gives_it(
    use: Callable[[bytes, Images], Any], spread_network: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = []
    session = onnxruntime.InferenceSession

    def listen(graph: bytes, options: onnxruntime.SessionOptions | None = None, **others: Any) -> Any:
        recorded.append(options)
        return session(graph, options, **others)

    monkeypatch.setattr(onnxruntime, "InferenceSession", listen)
    use(to_onnx(spread_network), np.zeros((2, 32, 32, 3), np.uint8))
    (options,) = recorded
    assert options is not None
    assert options.intra_op_num_threads == 1
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_each_graph_has_a_time(spread_network: keras.Model) -> None:
    graph = to_onnx(spread_network)
    times = milliseconds({"first": graph, "second": graph}, np.zeros((3, 32, 32, 3), np.uint8))
    assert times.keys() == {"first", "second"}
    assert min(times.values()) > 0


def test_a_graph_of_another_input_size_is_timed_too(spread_network: keras.Model) -> None:
    graphs = {"of this size": to_onnx(spread_network), "of another": to_onnx(network("2x2C1D", 64))}
    assert milliseconds(graphs, np.zeros((2, 32, 32, 3), np.uint8)).keys() == graphs.keys()
