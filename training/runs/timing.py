"""How long an inference takes."""

import statistics
import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from lambda_fn.model import start_session
from training.networks.architectures import INPUT_NAME
from training.shipping.graph import THREADS


def milliseconds(graphs: Mapping[str, bytes], images: NDArray[np.uint8]) -> dict[str, float]:
    """Median time of one image in each graph, in a session as the function starts it.

    Every image goes through all graphs before the next one does. Other work on the machine then slows all of them
    alike. A graph of another input size takes images of random pixels, since pixels do not change how long it computes.

    Args:
        graphs: ONNX graphs by name.
        images: uint8 array of shape (n, size, size, 3).
    """
    sessions = {name: start_session(graph, THREADS) for name, graph in graphs.items()}
    times: dict[str, list[float]] = {name: [] for name in graphs}
    for image in (images[0], *images):  # the first run of a graph allocates its memory
        inputs = {name: _fitting(image, session) for name, session in sessions.items()}
        for name, session in sessions.items():
            start = time.perf_counter()
            session.run(None, {INPUT_NAME: inputs[name]})
            times[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(measurements[1:]) for name, measurements in times.items()}


def _fitting(image: NDArray[np.uint8], session: InferenceSession) -> NDArray[np.uint8]:
    """A batch of the image, or of random pixels if the graph takes another size."""
    shape = tuple(session.get_inputs()[0].shape[1:])
    if image.shape == shape:
        return image[None]
    return np.random.default_rng(0).integers(0, 256, (1, *shape), np.uint8)
