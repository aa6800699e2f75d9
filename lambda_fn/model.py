"""The model that is served: its manifest and its ONNX session."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lambda_fn.cells import Preprocessing
from lambda_fn.decisions import Thresholds

MODEL_FOLDER = Path(__file__).parent / "model"


class ModelError(Exception):
    """A model folder that cannot be served: incomplete, damaged, or not the one that its manifest describes."""


@dataclass(frozen=True)
class Manifest:
    """What the function needs to know of its model; read from ``model.json``.

    Attributes:
        version: the model's name and date, for people.
        sha256: digest of ``model.onnx``.
        input_name: name of the graph's input, uint8 of shape (batch, size, size, 3), 0 to 255.
        output_name: name of the graph's output, float32 of shape (batch, 1): probability of ALL.
        preprocessing: how pixels become input.
        thresholds: at which probabilities the decision changes.
    """

    version: str
    sha256: str
    input_name: str
    output_name: str
    preprocessing: Preprocessing
    thresholds: Thresholds

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Read a manifest; raises ``ModelError`` where a part is missing or of the wrong kind."""
        try:
            fields: dict[str, Any] = json.loads(text)
            decision, preprocessing = fields["decision"], fields["preprocessing"]
            return cls(
                version=fields["version"],
                sha256=fields["sha256"],
                input_name=fields["input"]["name"],
                output_name=fields["outputs"][0]["name"],
                preprocessing=Preprocessing(crop=int(preprocessing["crop"]), size=int(preprocessing["size"])),
                thresholds=Thresholds(
                    operating_point=float(decision["operating_point"]),
                    normal_below=float(decision["normal_below"]),
                    all_from=float(decision["all_from"]),
                ),
            )
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise ModelError(f"model.json is not a manifest of a model: {error!r}") from error


class Model:
    """An ONNX session with its manifest."""

    def __init__(self, folder: Path = MODEL_FOLDER, threads: int = 1) -> None:
        """Load ``model.json`` and ``model.onnx`` from a folder.

        Args:
            folder: where the two files lie.
            threads: threads within one inference; a Lambda with 1,769 MB has one core.

        Raises:
            ModelError: a file is missing, or the digest of ``model.onnx`` is not the manifest's.
        """
        try:
            self.manifest = Manifest.from_json((folder / "model.json").read_text("utf-8"))
            graph = (folder / "model.onnx").read_bytes()
        except FileNotFoundError as error:
            raise ModelError(f"{Path(error.filename).name} is missing from the model folder") from error
        digest = hashlib.sha256(graph).hexdigest()
        if digest != self.manifest.sha256:
            raise ModelError(f"model.onnx has digest {digest}, but model.json names {self.manifest.sha256}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Spinning threads wait for work at full load: on a function's fraction of a core that slows the work itself.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def probabilities(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probability of ALL for each image.

        Args:
            batch: uint8 array of shape (n, size, size, 3), from ``cells.to_model_input``.

        Returns:
            float32 array of shape (n,), 0 to 1.
        """
        (output,) = self._session.run([self.manifest.output_name], {self.manifest.input_name: batch})
        return np.asarray(output, np.float32).reshape(len(batch))
