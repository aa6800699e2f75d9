"""Every network of the zoo: how it is built, and that its ONNX graph says what it says."""

import os
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest

from lambda_fn.preprocessing import Preprocessing
from training.networks.architectures import ARCHITECTURES, ArchitectureError, freeze, network
from training.networks.pretrained import PretrainedWeightsError, backbone
from training.shipping.graph import PARITY_BOUND, check_parity, reference_cells, to_onnx

# Their export takes 10 to 20 s each on two cores.
LARGE = ("Xception", "VGG16", "ResNet50")
NAMES = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            name in LARGE and not os.environ.get("CELLFLAG_LARGE_NETWORKS"),
            reason="CELLFLAG_LARGE_NETWORKS=1 exports the large networks",
        ),
    )
    for name in ARCHITECTURES
]


def layers_of(name: str) -> list[str]:
    """Kinds of the layers that a name counts, in their order."""
    kinds = [type(layer).__name__ for layer in network(name, 32).layers]
    return [{"Conv2D": "C", "MaxPooling2D": "|", "Dense": "D", "Dropout": "~"}[k] for k in kinds if k in COUNTED]


COUNTED = ("Conv2D", "MaxPooling2D", "Dense", "Dropout")


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("1C1D", "C|D"),
        ("2C1D", "CC|D"),
        ("2x2x1C2D", "CC|CC|C|DD"),
        ("2x2x1x1C1D", "CC|CC|C|C|D"),
        ("2C3D", "CC|DDD"),
        ("2x2C1D", "CC|CC|~D"),
        ("3x3x3C1D", "CCC|CCC|CCC|~D"),
    ],
)
def test_a_name_counts_the_layers(name: str, layers: str) -> None:
    assert "".join(layers_of(name)) == layers


def test_only_one_of_the_original_table_is_trained_with_adam() -> None:
    scratch = {name: found.optimizer for name, found in ARCHITECTURES.items() if not found.pretrained}
    assert [name for name, optimizer in scratch.items() if optimizer == "adam"] == ["2x2x1x1C1D"]
    assert set(scratch.values()) == {"adam", "rmsprop"}


@pytest.mark.parametrize("name", NAMES)
def test_the_graph_of_every_architecture_says_what_the_network_says(name: str) -> None:
    size = ARCHITECTURES[name].least_size
    keras.utils.set_random_seed(3)
    model = network(name, size, "none")
    cells = np.concatenate([reference_cells(Preprocessing(288, size))] * 2)
    spread(model, cells)
    graph = to_onnx(model)
    assert check_parity(model, graph, cells, seed=0) <= PARITY_BOUND
    assert to_onnx(model) == graph, "a second export differs"
    (image,), (probability,) = (
        part for part in (onnx.load_from_string(graph).graph.input, onnx.load_from_string(graph).graph.output)
    )
    assert [d.dim_param or d.dim_value for d in image.type.tensor_type.shape.dim] == ["batch", size, size, 3]
    assert (image.name, probability.name) == ("image", "probability_all")


def spread(model: keras.Model, cells: np.ndarray) -> None:
    """Scale the last layer of an untrained network, so that its probabilities differ from image to image.

    Batch normalisation keeps features from fading away on their way through a deep network; untrained, it does nothing.
    """
    for layer in every_layer(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.gamma.assign(layer.gamma * 3)
    noise = np.random.default_rng(0).integers(0, 256, cells.shape, np.uint8)
    last = model.layers[-1]
    features = keras.Model(model.input, last.input).predict(np.concatenate([cells, noise]), verbose=0)
    kernel, _ = last.get_weights()
    scores = features @ kernel
    last.set_weights([kernel / scores.std(), -scores.mean(axis=0) / scores.std()])


def every_layer(model: keras.Model) -> list[keras.Layer]:
    return [inner for layer in model.layers for inner in (every_layer(layer) if hasattr(layer, "layers") else [layer])]


def test_a_frozen_backbone_leaves_the_last_layer_to_train_and_a_thawed_one_keeps_its_normalisation() -> None:
    model = network("MobileNet", 32, "none")
    freeze(model, frozen=True)
    assert [weight.path for weight in model.trainable_weights] == ["probability_all/kernel", "probability_all/bias"]
    freeze(model, frozen=False)
    thawed = {weight.path for weight in model.trainable_weights}
    assert "conv_pw_11/kernel" in thawed
    assert not any("bn/" in path for path in thawed)


@pytest.mark.parametrize(("name", "module"), [("VGG16", "vgg16"), ("MobileNet", "mobilenet")])
def test_colours_reach_a_network_as_it_was_pretrained(name: str, module: str) -> None:
    model = network(name, 32, "none")
    *_, before, backbone, _, _, _ = model.layers
    assert backbone.name == "backbone"
    pixels = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    expected = getattr(keras.applications, module).preprocess_input(pixels.astype(np.float32))
    assert keras.Model(model.input, before.output).predict(pixels, verbose=0) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("4x4C4D", 32, "4x4C4D is no architecture; there are 1C1D, 2C1D, 2x2x1C2D"),
        ("2x2x1x1C1D", 40, "the side must be 32 or more and a multiple of 16"),
        ("Xception", 64, "the side must be 71 or more"),
    ],
)
def test_an_architecture_that_cannot_be_is_refused(name: str, size: int, message: str) -> None:
    with pytest.raises(ArchitectureError, match=message):
        network(name, size)


def test_weights_can_be_read_from_keras_own_files(tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    whole = keras.applications.MobileNet(input_shape=(32, 32, 3), include_top=False, weights=None)
    whole.save_weights(tmp_path / "mobilenet.weights.h5")
    read = backbone("MobileNet", 32, tmp_path / "mobilenet.weights.h5", ("conv_pw_11_relu",))
    expected = whole.get_layer("conv_pw_11").get_weights()[0]
    assert (read.get_layer("conv_pw_11").get_weights()[0] == expected).all()


@pytest.mark.parametrize("name", ["weights.npz", "weights.h5", "weights.weights.h5"])
def test_a_file_that_is_none_of_weights_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("no weights", "utf-8")
    with pytest.raises(PretrainedWeightsError, match=f"{name} does not hold the weights of MobileNet"):
        backbone("MobileNet", 32, tmp_path / name)


def test_a_failed_download_says_what_else_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise Exception("URL fetch failure on https://example.org: no route")

    monkeypatch.setattr("keras.applications.ResNet50", fail)
    with pytest.raises(
        PretrainedWeightsError, match=r"cannot be downloaded .*Give the file .*or none to start from random"
    ):
        backbone("ResNet50", 32, "imagenet")
