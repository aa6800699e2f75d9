"""The model that is served: a manifest and an ONNX session."""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lambda_fn.decisions import Prediction
from lambda_fn.errors import ModelError
from lambda_fn.explanations import explain
from lambda_fn.kernel_machine import Floats, KernelMachine
from lambda_fn.manifest import (
    FEATURES_OUTPUT,
    GRAPH_FILE,
    LOGIT_OUTPUT,
    MANIFEST_FILE,
    MODEL_FOLDER,
    ExplainedHead,
    Manifest,
)
from lambda_fn.results import ExplanationFacts, ExplanationMissing

# Outputs of a prediction by name, which onnxruntime keeps in its own memory until someone reads them.
Activations = Mapping[str, onnxruntime.OrtValue]


def start_session(graph: bytes | Path, threads: int = 0) -> onnxruntime.InferenceSession:
    """Start a session of an ONNX graph on the processor, with the options that the function serves with.

    Args:
        graph: the graph, or the file that holds it.
        threads: threads within one inference; 0 takes one for each core.

    Returns:
        The session. ``run(None, {input_name: pixels})`` returns all outputs, in the order of ``get_outputs()``, each of
        which has a ``name``.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Spinning threads wait for work at full load. On the fraction of a core that a function has, they slow the work.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


class Model:
    """A model, ready to score cells.

    Attributes:
        folder: the folder that the model was loaded from.
        manifest: the model's description.
    """

    def __init__(self, folder: Path = MODEL_FOLDER, threads: int | None = None) -> None:
        """Load ``model.json`` and ``model.onnx`` from a folder.

        Args:
            folder: the folder with the two files.
            threads: threads within one inference; None takes the manifest's number.

        Raises:
            ModelError: a file is missing, or ``model.onnx`` has another digest than the manifest.
        """
        self.folder = folder
        self.manifest = Manifest.read(folder)
        try:
            graph = (folder / GRAPH_FILE).read_bytes()
        except FileNotFoundError as error:
            raise ModelError(f"{GRAPH_FILE} is missing from the model folder") from error
        digest = hashlib.sha256(graph).hexdigest()
        if digest != self.manifest.sha256:
            raise ModelError(f"{GRAPH_FILE} has digest {digest}, but {MANIFEST_FILE} names {self.manifest.sha256}")
        self._session = start_session(graph, threads or self.manifest.threads)

    @property
    def explains(self) -> bool:
        """Whether the model's outputs explain its probabilities."""
        return self.manifest.explanation is not None

    @cached_property
    def _machine(self) -> KernelMachine:
        """The head, read from the graph when the first cell is explained."""
        return KernelMachine(self._head(), self.constants())

    def constants(self) -> dict[str, Floats]:
        """The constants of the head by name, which the graph gives as outputs for any image.

        Raises:
            ModelError: the model has no outputs that explain its probabilities.
        """
        head, side = self._head(), self.manifest.preprocessing.size
        image = np.zeros((1, side, side, 3), np.uint8)
        arrays = self._session.run(list(head.constants.values()), {self.manifest.input_name: image})
        return dict(zip(head.constants, arrays, strict=True))

    def _head(self) -> ExplainedHead:
        if self.manifest.explanation is None:
            raise ModelError(f"{self.manifest.version} has no outputs that explain its probabilities")
        return self.manifest.explanation

    def predict_with_activations(self, pixels: NDArray[np.uint8]) -> tuple[Prediction, Activations]:
        """Predict one cell, and keep what explains the prediction. That costs nothing unless it is explained.

        Args:
            pixels: as ``predict`` takes them.

        Raises:
            ModelError: the model has no outputs that explain its probabilities.
        """
        maps = {name: None for pooled in self._head().maps for name in (pooled.maps, pooled.shares)}
        names = [*self.manifest.output_names, LOGIT_OUTPUT, FEATURES_OUTPUT, *maps]
        image = onnxruntime.OrtValue.ortvalue_from_numpy(pixels[None])
        values = dict(
            zip(names, self._session.run_with_ort_values(names, {self.manifest.input_name: image}), strict=True)
        )
        outputs = [values.pop(name) for name in self.manifest.output_names]
        return Prediction(*(float(output.numpy().item()) for output in outputs)), values

    def explain(
        self, activations: Activations, square: tuple[int, int], side: int | None = None
    ) -> ExplanationFacts | ExplanationMissing:
        """Explain a prediction.

        Args:
            activations: from ``predict_with_activations``.
            square: top and left of the square that the model saw, from ``cells.square_around``.
            side: of this square, px of the image; None for the manifest's ``crop``.

        Returns:
            The explanation, or a reason why there is none.
        """
        arrays = {name: value.numpy()[0] for name, value in activations.items()}
        logit, features = float(arrays.pop(LOGIT_OUTPUT).item()), arrays.pop(FEATURES_OUTPUT)
        place = (*square, side or self.manifest.preprocessing.crop)
        return explain(self._head(), self._machine, arrays, logit, features, place)

    def predict(self, pixels: NDArray[np.uint8]) -> Prediction:
        """Predict one cell.

        Args:
            pixels: uint8 array of shape (size, size, 3), from ``cells.to_model_input``.
        """
        outputs = self._session.run(list(self.manifest.output_names), {self.manifest.input_name: pixels[None]})
        return Prediction(*(float(np.asarray(output).item()) for output in outputs))
