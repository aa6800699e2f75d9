"""The thresholds by which a place decides, and how the two classes of its model spread."""

import json
from dataclasses import dataclass
from typing import Any

from infra import names
from infra.deployed_stack import DeployedStack
from lambda_fn.class_ranges import ClassRanges
from lambda_fn.decisions import Thresholds
from lambda_fn.manifest import ERROR_RATES, Manifest
from lambda_fn.results import ModelFacts
from lambda_fn.settings import thresholds_for, thresholds_name


@dataclass(frozen=True)
class ModelView:
    """What this version of cellflag knows of its model. Results of another model have other thresholds.

    Attributes:
        manifest: the model's manifest.
        thresholds: those of the deployment.
        thresholds_name: how results name them.
    """

    manifest: Manifest
    thresholds: Thresholds
    thresholds_name: str

    def thresholds_of(self, model: ModelFacts) -> Thresholds | None:
        """The thresholds that decided a result; None if another model did, or a laboratory's own thresholds."""
        same = model["sha256"] == self.manifest.sha256
        return (
            self.thresholds if same and model.get("thresholds", self.thresholds_name) == self.thresholds_name else None
        )

    def ranges_of(self, model_sha256: str) -> ClassRanges | None:
        """How the classes of a model spread in each measure; None if it is another model, or if it has no ranges."""
        return self.manifest.morphology if model_sha256 == self.manifest.sha256 else None


def read_model_view(stack: DeployedStack | None) -> ModelView:
    """Read the manifest, and the error rates that a deployment tolerates from its outputs.

    Raises:
        ModelError: the manifest cannot be read.
    """
    manifest = Manifest.read()
    settings: dict[str, Any] = json.loads(stack.outputs.get(names.SETTINGS_OUTPUT, "{}")) if stack else {}
    tolerated = {rate: float(settings[rate]) for rate in ERROR_RATES if settings.get(rate) is not None}
    return ModelView(manifest, thresholds_for(tolerated, manifest), thresholds_name(tolerated))
