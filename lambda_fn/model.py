"""The model that is served: its manifest and its ONNX session."""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lambda_fn.cells import Preprocessing
from lambda_fn.decisions import Prediction, Thresholds
from lambda_fn.images import Limits

ThresholdsByRate = dict[str, tuple[tuple[float, float], ...]]

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
        output_names: names of the graph's outputs, float32 of shape (batch, 1) each: probability of ALL, and where the
            model measures it the distance from its training data.
        preprocessing: how pixels become input.
        limits: which images are not even decoded.
        thresholds: at which probabilities the decision changes.
        thresholds_by_rate: for ``all_decided_normal`` and ``normal_decided_all``, pairs of an error rate and the
            threshold that keeps it, in rising order of rates; empty for a model that was not tabulated.
        threads: threads within one inference.
    """

    version: str
    sha256: str
    input_name: str
    output_names: tuple[str, ...]
    preprocessing: Preprocessing
    limits: Limits
    thresholds: Thresholds
    thresholds_by_rate: ThresholdsByRate
    threads: int

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
                output_names=_output_names([output["name"] for output in fields["outputs"]]),
                preprocessing=Preprocessing(crop=int(preprocessing["crop"]), size=int(preprocessing["size"])),
                limits=Limits(**preprocessing.get("limits", {})),
                thresholds=Thresholds(
                    operating_point=float(decision["operating_point"]),
                    normal_below=float(decision["normal_below"]),
                    all_from=float(decision["all_from"]),
                    unlike_above=float(decision.get("unlike_above", math.inf)),
                ),
                thresholds_by_rate={
                    name: tuple((float(rate), float(threshold)) for rate, threshold in pairs)
                    for name, pairs in decision.get("by_error_rate", {}).items()
                },
                threads=int(fields.get("session", {}).get("threads", 1)),
            )
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise ModelError(f"model.json is not a manifest of a model: {error!r}") from error


def _output_names(names: list[str]) -> tuple[str, ...]:
    if names not in (["probability_all"], ["probability_all", "distance"]):
        raise ValueError(f"outputs are {names}")
    return tuple(names)


def start_session(graph: bytes, threads: int) -> onnxruntime.InferenceSession:
    """A session of an ONNX graph on the processor, with so many threads within one inference."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Spinning threads wait for work at full load: on a function's fraction of a core that slows the work itself.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


class Model:
    """An ONNX session with its manifest."""

    def __init__(self, folder: Path = MODEL_FOLDER, threads: int | None = None) -> None:
        """Load ``model.json`` and ``model.onnx`` from a folder.

        Args:
            folder: where the two files lie.
            threads: threads within one inference; None takes the manifest's.

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
        self._session = start_session(graph, threads or self.manifest.threads)

    def predict(self, pixels: NDArray[np.uint8]) -> Prediction:
        """What the model says about one cell.

        Args:
            pixels: uint8 array of shape (size, size, 3), from ``cells.to_model_input``.
        """
        outputs = self._session.run(list(self.manifest.output_names), {self.manifest.input_name: pixels[None]})
        return Prediction(*(float(np.asarray(output).item()) for output in outputs))
