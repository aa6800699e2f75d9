"""The error rates that are promised for a laboratory's results, and where they are written."""

import json

from infra import names
from infra.deployed_stack import DeployedStack
from infra.errors import InfraError
from lambda_fn.manifest import ErrorRate, Manifest
from lambda_fn.results import ModelFacts


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


def _of_settings(stack: DeployedStack | None) -> dict[ErrorRate, float]:
    text = stack.outputs.get(names.SETTINGS_OUTPUT) if stack else None
    rates: dict[ErrorRate, float] = json.loads(text).get("promised", {}) if text else {}
    return rates
