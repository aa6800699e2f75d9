"""The error rates that are promised for a laboratory's results, and where they are written."""

import json
from typing import Any

from infra import names
from infra.deployed_stack import DeployedStack
from infra.errors import InfraError
from lambda_fn.manifest import ERROR_RATES, ErrorRate, Manifest
from lambda_fn.results import ModelFacts
from lambda_fn.settings import thresholds_name


def promised_rates(model: ModelFacts, stack: DeployedStack | None) -> dict[ErrorRate, float]:
    """The rates that the thresholds of a model were chosen for, each 0 to 1.

    A deployment whose settings tolerate other rates, or that has thresholds of its own, promises these.

    Raises:
        InfraError: another model than the one in this package gave the results, or its manifest states no rates.
        ModelError: the manifest cannot be read.
    """
    manifest = Manifest.read()
    if manifest.sha256 != model["sha256"]:
        raise InfraError(
            f"the newest results are of the model {model['version']}, and this version of cellflag has "
            f"{manifest.version}: deploy it, or use the version that is deployed."
        )
    rates = {**manifest.promised, **_of_settings(stack)}
    if not rates:
        raise InfraError(f"the manifest of {manifest.version} does not state which error rates it promises.")
    return rates


def thresholds_in_force(stack: DeployedStack) -> str:
    """The name of the thresholds that a deployment's settings put in force, as its results have it."""
    settings = _settings(stack)
    own: str | None = settings.get("own_thresholds", {}).get("version")
    return own or thresholds_name({name: settings[name] for name in ERROR_RATES if name in settings})


def _of_settings(stack: DeployedStack | None) -> dict[ErrorRate, float]:
    rates: dict[ErrorRate, float] = _settings(stack).get("promised", {}) if stack else {}
    return rates


def _settings(stack: DeployedStack) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads(stack.outputs.get(names.SETTINGS_OUTPUT, "{}"))
    return settings
