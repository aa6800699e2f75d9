"""Weights of the frozen network that has learned nothing."""

from pathlib import Path

import numpy as np


def write_backbone(folder: Path) -> Path:
    """Write a file as of pretrained weights, random ones, with which features do not fade away from layer to layer."""
    import keras

    keras.utils.set_random_seed(5)
    network = keras.applications.MobileNet(input_shape=(64, 64, 3), include_top=False, weights=None)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.gamma.assign(layer.gamma * 3)
    arrays = {
        f"{layer.name}__{'depthwise_' if isinstance(layer, keras.layers.DepthwiseConv2D) else ''}{weight.name}": weight
        for layer in network.layers
        for weight in layer.weights
    }
    path = folder / "weights.npz"
    np.savez(path, allow_pickle=False, **{name: np.asarray(weight) for name, weight in arrays.items()})
    return path
