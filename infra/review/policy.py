"""The thresholds by which a place decides, and what the manifest of its model says of the two classes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra import names
from infra.deployed_stack import DeployedStack
from infra.review.comparison import class_ranges
from lambda_fn.decisions import Thresholds
from lambda_fn.manifest import ERROR_RATES, MANIFEST_FILE, MODEL_FOLDER, Manifest
from lambda_fn.settings import thresholds_for


@dataclass(frozen=True)
class ModelView:
    """What this version of cellflag knows of its model. Results of another model have other thresholds.

    Attributes:
        manifest: the model's manifest.
        thresholds: those of the deployment.
        ranges: quantiles of each measure by class, see ``class_ranges``.
    """

    manifest: Manifest
    thresholds: Thresholds
    ranges: Mapping[str, Mapping[str, list[float]]]

    def thresholds_of(self, model_sha256: str) -> Thresholds | None:
        """The thresholds that decided a result of a model; None if it is another model."""
        return self.thresholds if model_sha256 == self.manifest.sha256 else None


def read_model_view(stack: DeployedStack | None) -> ModelView:
    """Read the manifest, and the error rates that a deployment tolerates from its outputs.

    Raises:
        ModelError: the manifest cannot be read.
    """
    text = (MODEL_FOLDER / MANIFEST_FILE).read_text("utf-8")
    manifest = Manifest.from_json(text)
    settings: dict[str, Any] = json.loads(stack.outputs.get(names.SETTINGS_OUTPUT, "{}")) if stack else {}
    tolerated = {rate: float(settings[rate]) for rate in ERROR_RATES if settings.get(rate) is not None}
    return ModelView(manifest, thresholds_for(tolerated, manifest), class_ranges(json.loads(text)))
