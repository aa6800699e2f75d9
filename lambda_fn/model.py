"""The model that is served: a manifest and an ONNX session."""

import hashlib
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lambda_fn.decisions import Prediction
from lambda_fn.errors import ModelError
from lambda_fn.manifest import GRAPH_FILE, MANIFEST_FILE, MODEL_FOLDER, Manifest


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

    def predict(self, pixels: NDArray[np.uint8]) -> Prediction:
        """Predict one cell.

        Args:
            pixels: uint8 array of shape (size, size, 3), from ``cells.to_model_input``.
        """
        outputs = self._session.run(list(self.manifest.output_names), {self.manifest.input_name: pixels[None]})
        return Prediction(*(float(np.asarray(output).item()) for output in outputs))
