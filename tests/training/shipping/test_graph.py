import keras
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from lambda_fn.model import start_session
from training.networks.architectures import network
from training.shipping.graph import PARITY_BOUND, ParityError, _give_fixed_order, check_parity, to_onnx


@pytest.fixture(scope="module")
def graph(spread_network: keras.Model) -> bytes:
    return to_onnx(spread_network)


@pytest.fixture
def cells() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 200, (70, 32, 32, 3), np.uint8)


def test_the_graph_takes_a_batch_of_bytes_and_gives_the_probability(graph: bytes) -> None:
    model = onnx.load_from_string(graph)
    (image,), (probability,) = model.graph.input, model.graph.output
    assert (image.name, probability.name) == ("image", "probability_all")
    assert image.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    dimensions = [d.dim_param or d.dim_value for d in image.type.tensor_type.shape.dim]
    assert dimensions == ["batch", 32, 32, 3]
    assert [d.dim_param or d.dim_value for d in probability.type.tensor_type.shape.dim] == ["batch", 1]


def test_the_same_model_gives_the_same_bytes(spread_network: keras.Model, graph: bytes) -> None:
    assert to_onnx(spread_network) == graph


def test_the_graph_says_what_the_model_says(
    spread_network: keras.Model, graph: bytes, cells: NDArray[np.uint8]
) -> None:
    assert check_parity(spread_network, graph, cells, seed=0) <= PARITY_BOUND


def test_a_graph_of_other_weights_is_refused(
    spread_network: keras.Model, graph: bytes, cells: NDArray[np.uint8]
) -> None:
    other = keras.models.clone_model(spread_network)
    kernel, *rest = spread_network.get_weights()
    other.set_weights([kernel * 1.01, *rest])
    with pytest.raises(ParityError, match="differs from the Keras model"):
        check_parity(other, graph, cells, seed=0)


def test_a_model_that_says_the_same_of_all_images_is_refused(cells: NDArray[np.uint8]) -> None:
    constant = network("2x2C1D", 32)
    constant.set_weights([weights * 0 for weights in constant.get_weights()])
    with pytest.raises(ParityError, match="says the same of every image"):
        check_parity(constant, to_onnx(constant), cells, seed=0)


def test_layers_that_only_act_in_training_are_silent_in_the_graph(
    spread_network: keras.Model, cells: NDArray[np.uint8]
) -> None:
    image = keras.Input((32, 32, 3), dtype="uint8", name="image")
    jittered = keras.layers.RandomFlip()(keras.layers.Dropout(0.5)(keras.ops.cast(image, "float32")))
    noisy = keras.Model(image, spread_network(jittered))
    assert check_parity(noisy, to_onnx(noisy), cells, seed=0) <= PARITY_BOUND


def test_parallel_branches_stand_in_one_order_however_the_converter_deals_them() -> None:
    image = keras.Input((8, 8, 3), dtype="uint8", name="image")
    colours = keras.ops.cast(image, "float32")
    left, right = (keras.layers.Conv2D(2, 3, strides=stride, padding="same")(colours) for stride in (1, 1))
    added = keras.layers.Add()([keras.layers.ReLU()(left), right])
    graph = onnx.load_from_string(to_onnx(keras.Model(image, keras.layers.Flatten()(added)))).graph
    expected = [node.name for node in graph.node]
    nodes = list(graph.node)
    for seed in range(5):
        shuffled = onnx.GraphProto()
        shuffled.CopyFrom(graph)
        del shuffled.node[:]
        shuffled.node.extend(nodes[i] for i in np.random.default_rng(seed).permutation(len(nodes)))
        _give_fixed_order(shuffled)
        assert [node.name for node in shuffled.node] == expected


def test_constants_are_outputs_and_weights_among_them_are_not_stored_twice(
    spread_network: keras.Model, graph: bytes, cells: NDArray[np.uint8]
) -> None:
    kernel = np.asarray(spread_network.layers[-1].get_weights()[0])
    other = np.arange(6, dtype=np.float32).reshape(2, 3)
    constants = {"head_kernel": kernel, "head_other": other}
    with_constants = to_onnx(spread_network, constants)
    assert to_onnx(spread_network, constants) == with_constants
    session = start_session(with_constants)
    outputs = session.run(["head_other", "probability_all", "head_kernel"], {"image": cells[:2]})
    assert (outputs[0] == other).all()
    assert (outputs[2] == kernel).all()
    assert outputs[1] == pytest.approx(start_session(graph).run(None, {"image": cells[:2]})[0], abs=1e-6)
    assert len(with_constants) - len(graph) < kernel.nbytes
