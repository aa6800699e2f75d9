"""Converts a Keras model to an ONNX graph, and proves that both give the same results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lambda_fn.cells import find_cell, to_model_input
from lambda_fn.manifest import DISTANCE_OUTPUT, PROBABILITY_OUTPUT
from lambda_fn.model import start_session
from lambda_fn.preprocessing import Preprocessing
from training.errors import TrainingError
from training.networks.architectures import INPUT_NAME
from training.synthetic.cell import draw_cell

if TYPE_CHECKING:
    import keras
    import onnx
    import tensorflow as tf

# The newest opset that both tf2onnx and all onnxruntime versions of the last years support.
OPSET = 17
# Threads within one inference. A function with 1,769 MB has one processor; tests/benchmarks measures a second thread.
THREADS = 1
# Sums of float32 in another order differ by about 1e-6. A wrong layer or a lost weight makes a far larger difference.
PARITY_BOUND = 1e-4
# A share of the distance. Far from all training cells, standardisation magnifies the rounding of features that hardly
# vary among them. The distance there exceeds its threshold about tenfold, so that this share does not matter.
DISTANCE_BOUND = 1e-2
# What explains a probability may differ by half of what an explanation may miss. The probability's own bound is
# stricter for all but the surest answers.
EXPLAINING_BOUND = 5e-3
BOUNDS = {PROBABILITY_OUTPUT: PARITY_BOUND, DISTANCE_OUTPUT: DISTANCE_BOUND}
# A graph that gives every image nearly the same probability would pass any comparison.
LEAST_SPREAD = 1e-3


class ParityError(TrainingError):
    """The exported graph does not agree with the Keras model."""


def to_onnx(model: keras.Model, constants: Mapping[str, NDArray[np.float32]] | None = None) -> bytes:
    """Convert a Keras model to an ONNX graph and check it; the same model gives the same bytes.

    Args:
        model: a Keras model from uint8 (batch, size, size, 3) to float32 (batch, 1), or to several such outputs by
            name. Training-only layers are inactive.
        constants: become outputs of these names that do not depend on the input: onnxruntime gives no other access to
            a graph's weights. A constant that is a weight of the model is not stored twice.

    Returns:
        The graph. Its input is ``image``, its output ``probability_all`` or the model's outputs by name, and its first
        dimension ``batch`` is free.
    """
    import onnx
    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec(model.input_shape, tf.uint8, name=INPUT_NAME)]

    def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return _by_name(model(image, training=False))

    graph, _ = tf2onnx.convert.from_function(tf.function(serve, signature, autograph=False), signature, opset=OPSET)
    _give_fixed_order(graph.graph)
    _give_fixed_names(graph.graph)
    _add_constants(graph.graph, constants or {})
    onnx.checker.check_model(graph, full_check=True)
    return bytes(graph.SerializeToString(deterministic=True))


def _by_name(outputs: Any) -> dict[str, Any]:  # noqa: ANN401 - tensors of any library
    return outputs if isinstance(outputs, dict) else {PROBABILITY_OUTPUT: outputs}


def _give_fixed_order(graph: onnx.GraphProto) -> None:
    """Order the nodes from the outputs back by their inputs: the converter orders parallel branches by chance."""
    maker = {value: node for node in graph.node for value in node.output}
    order: list[onnx.NodeProto] = []
    available: set[str] = set()
    stack = [maker[output.name] for output in reversed(graph.output)]
    while stack:
        node = stack[-1]
        missing = [maker[value] for value in node.input if value in maker and value not in available]
        if missing:
            stack.append(missing[0])
            continue
        stack.pop()
        if available.isdisjoint(node.output):
            available.update(node.output)
            order.append(node)
    del graph.node[:]
    graph.node.extend(order)


def _give_fixed_names(graph: onnx.GraphProto) -> None:
    """Rename values, nodes and the batch dimension, which the converter numbers differently in each export."""
    names = {value.name: value.name for value in (*graph.input, *graph.output)} | {"": ""}
    for position, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{position}"
        for values in (node.input, node.output):
            values[:] = [names.setdefault(value, f"value_{len(names)}") for value in values]
    for weight in graph.initializer:
        weight.name = names[weight.name]
    weights = sorted(graph.initializer, key=lambda weight: int(weight.name.removeprefix("value_")))
    del graph.initializer[:]
    graph.initializer.extend(weights)
    del graph.value_info[:]
    graph.doc_string = ""
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"


def _add_constants(graph: onnx.GraphProto, constants: Mapping[str, NDArray[np.float32]]) -> None:
    from onnx import TensorProto, helper, numpy_helper

    weights = {
        (array.shape, array.tobytes()): weight.name
        for weight in graph.initializer
        if weight.data_type == TensorProto.FLOAT
        for array in (numpy_helper.to_array(weight),)
    }
    for name, constant in constants.items():
        array = np.ascontiguousarray(constant, np.float32)
        weight = weights.get((array.shape, array.tobytes()))
        if weight is None:
            weight = f"value_of_{name}"
            graph.initializer.append(numpy_helper.from_array(array, weight))
        graph.node.append(helper.make_node("Identity", [weight], [name], name=f"Constant_{name}"))
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape))


def check_parity(model: keras.Model, graph: bytes, cells: NDArray[np.uint8], seed: int) -> float:
    """Compare a Keras model with its graph, on cells and on images of random pixels.

    Args:
        model: the Keras model.
        graph: from ``to_onnx``.
        cells: uint8 array of shape (n, size, size, 3): model input.
        seed: of the random pixels.

    Returns:
        The largest difference between two probabilities of ALL.

    Raises:
        ParityError: the difference is above ``PARITY_BOUND``; or the model gives all images the same probability, so
            that agreement proves nothing.
    """
    random = np.random.default_rng(seed).integers(0, 256, (32, *cells.shape[1:]), np.uint8)
    images = np.concatenate([cells, random])
    session = start_session(graph, THREADS)
    probabilities, parity = [], 0.0
    # The maps of all images at once would take a gigabyte.
    for batch in _batches(images):
        expected = {name: np.asarray(values) for name, values in _by_name(model.predict_on_batch(batch)).items()}
        actual = dict(zip(expected, session.run(list(expected), {INPUT_NAME: batch}), strict=True))
        for name, values in expected.items():
            # Relative above 1, for outputs that are no probabilities.
            difference = float((np.abs(values - actual[name]) / np.maximum(1, np.abs(values))).max())
            bound = BOUNDS.get(name, EXPLAINING_BOUND)
            if not difference <= bound:
                raise ParityError(
                    f"The ONNX graph differs from the Keras model in {name} by {difference:.2g}; "
                    f"at most {bound:g} is allowed."
                )
        probabilities.append(expected[PROBABILITY_OUTPUT])
        parity = max(parity, float(np.abs(expected[PROBABILITY_OUTPUT] - actual[PROBABILITY_OUTPUT]).max()))
    if np.ptp(np.concatenate(probabilities)) < LEAST_SPREAD:
        raise ParityError("The model says the same of every image; it has learned nothing that could be served.")
    return parity


def reference_probabilities(model: keras.Model, preprocessing: Preprocessing) -> list[float]:
    """The Keras model's probabilities of ``reference_cells``; anyone can compare those of a graph with them."""
    outputs = _by_name(model.predict_on_batch(reference_cells(preprocessing)))
    return [round(float(value), 6) for value in outputs[PROBABILITY_OUTPUT][:, 0]]


def reference_cells(preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Eight drawn cells, always the same, as model input of shape (8, size, size, 3)."""
    generator = np.random.default_rng(0)
    cells = [draw_cell(label, generator) for label in ("all", "hem") * 4]
    return np.stack([to_model_input(find_cell(pixels), preprocessing) for pixels in cells])


def run_graph(graph: bytes, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """A graph's outputs by name, n rows each, for uint8 images of shape (n, size, size, 3)."""
    session = start_session(graph, THREADS)
    names = [output.name for output in session.get_outputs()]
    batches = [session.run(names, {INPUT_NAME: batch}) for batch in _batches(images)]
    return {name: np.concatenate(parts) for name, parts in zip(names, zip(*batches, strict=True), strict=True)}


def _batches(images: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    return np.array_split(images, -(-len(images) // 16))
