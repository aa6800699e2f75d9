"""The thresholds by which a place decides, and how the two classes of its model spread."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from infra import names
from infra.deployed_stack import DeployedStack
from lambda_fn.class_ranges import ClassRanges
from lambda_fn.decisions import Thresholds
from lambda_fn.manifest import ERROR_RATES, ErrorRate, Manifest
from lambda_fn.own_thresholds import MANIFEST
from lambda_fn.results import ModelFacts
from lambda_fn.settings import thresholds_for, thresholds_name


@dataclass(frozen=True)
class ModelView:
    """What this version of cellflag knows of its model. Results of another model have other thresholds.

    Attributes:
        manifest: the model's manifest.
        thresholds: those of the deployment: the model's, or the laboratory's own.
        thresholds_name: how results name them. Results of older versions name none, and count as decided by them.
        reviewers: number of people who are to answer each cell.
        promised: the promised error rates by name, each 0 to 1.
    """

    manifest: Manifest
    thresholds: Thresholds
    thresholds_name: str
    reviewers: int = 1
    promised: Mapping[ErrorRate, float] = field(default_factory=dict)

    def thresholds_of(self, model: ModelFacts) -> Thresholds | None:
        """The thresholds that decided a result; None if another model did, or thresholds that are not known."""
        name = model.get("thresholds", self.thresholds_name)
        if model["sha256"] != self.manifest.sha256:
            return None
        return self.thresholds if name == self.thresholds_name else _of_rates(name, self.manifest)

    def ranges_of(self, model_sha256: str) -> ClassRanges | None:
        """How the classes of a model spread in each measure; None if it is another model, or if it has no ranges."""
        return self.manifest.morphology if model_sha256 == self.manifest.sha256 else None


def read_model_view(stack: DeployedStack | None) -> ModelView:
    """Read the manifest, and from a deployment's outputs its thresholds and its number of reviewers.

    Raises:
        ModelError: the manifest cannot be read.
    """
    manifest = Manifest.read()
    settings: dict[str, Any] = json.loads(stack.outputs.get(names.SETTINGS_OUTPUT, "{}")) if stack else {}
    tolerated = {rate: float(settings[rate]) for rate in ERROR_RATES if settings.get(rate) is not None}
    thresholds, name = thresholds_for(tolerated, manifest), thresholds_name(tolerated)
    if own := settings.get("own_thresholds"):
        edges = {edge: float(own[edge]) for edge in ("operating_point", "normal_below", "all_from")}
        thresholds, name = replace(manifest.thresholds, **edges), str(own["version"])
    promised = {**manifest.promised, **settings.get("promised", {})}
    return ModelView(manifest, thresholds, name, int(settings.get("reviewers", 1)), promised)


def _of_rates(name: str, manifest: Manifest) -> Thresholds | None:
    """The thresholds of a name like "manifest, all_decided_normal 0.02", once in force; None of another."""
    first, *rest = name.split(", ")
    try:
        tolerated = {rate: float(value) for rate, value in (part.split(" ") for part in rest)}
    except ValueError:
        return None
    if first != MANIFEST or not tolerated.keys() <= set(ERROR_RATES):
        return None
    return thresholds_for(cast(dict[ErrorRate, float], tolerated), manifest)
