"""The networks that can be trained, by name.

Every network takes uint8 pixels and rescales them itself: the exported graph then holds the whole preprocessing after
the crop, and nobody can feed it a wrong value range.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

INPUT_NAME = "image"
OUTPUT_NAME = "probability_all"
DISTANCE_NAME = "distance"


def two_blocks_of_two_convolutions(size: int) -> keras.Model:
    """The historical baseline "2x2C1D": two blocks of two convolutions, then one dense unit.

    Filters are this project's choice, since the baseline's description names none: 16 and 32 let an epoch of a few
    thousand cells take seconds on two cores.

    Args:
        size: side of the input in pixels, a multiple of 4.

    Returns:
        Uncompiled Keras model from uint8 (batch, size, size, 3), 0 to 255, to float32 (batch, 1): probability of ALL.
    """
    from keras import Input, Model, layers

    image = Input((size, size, 3), dtype="uint8", name=INPUT_NAME)
    features = layers.Rescaling(1 / 255)(image)
    for filters in (16, 32):
        for _ in range(2):
            features = layers.Conv2D(filters, 3, padding="same", activation="relu")(features)
        features = layers.MaxPooling2D()(features)
    features = layers.Dropout(0.25)(layers.Flatten()(features))
    return Model(image, layers.Dense(1, activation="sigmoid", name=OUTPUT_NAME)(features))


ARCHITECTURES: dict[str, Callable[[int], keras.Model]] = {"2x2C1D": two_blocks_of_two_convolutions}
