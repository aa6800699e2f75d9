"""What a deployment chooses: names of the function's environment variables, and the policy that they make.

The stack writes what is read here, so this module imports the standard library alone.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from lambda_fn.decisions import Policy, Thresholds
from lambda_fn.errors import SettingsError
from lambda_fn.manifest import ErrorRate, Manifest

RESULTS_BUCKET: Final = "RESULTS_BUCKET"
# The deployment's name, a dimension of every metric; Powertools for AWS Lambda gives the variable its name.
SERVICE_NAME: Final = "POWERTOOLS_SERVICE_NAME"
REVIEW_EVERYTHING: Final = "REVIEW_EVERYTHING"
# The environment variable of each error rate that a deployment may tolerate.
ERROR_RATE_VARIABLES: Final[Mapping[ErrorRate, str]] = {
    "all_decided_normal": "ALL_DECIDED_NORMAL",
    "normal_decided_all": "NORMAL_DECIDED_ALL",
}


def policy(environment: Mapping[str, str], manifest: Manifest) -> Policy:
    """The deployment's policy: the manifest's thresholds, unless the environment tolerates other error rates.

    Args:
        environment: may hold ``REVIEW_EVERYTHING`` (``true`` or ``false``), ``ALL_DECIDED_NORMAL`` and
            ``NORMAL_DECIDED_ALL`` (rates, 0 to 1). A rate between two of the manifest's counts as the lower one.
        manifest: of the model that is served.

    Raises:
        SettingsError: a value cannot be used, or the manifest has no threshold for so low a rate.
    """
    everything = environment.get(REVIEW_EVERYTHING, "false")
    if everything not in ("true", "false"):
        raise SettingsError(f"{REVIEW_EVERYTHING} is {everything!r}; it must be true or false")
    tolerated = {
        rate: _tolerated(environment[variable], rate, manifest)
        for rate, variable in ERROR_RATE_VARIABLES.items()
        if environment.get(variable)
    }
    return Policy(thresholds_for(tolerated, manifest), review_everything=everything == "true")


def thresholds_for(tolerated: Mapping[ErrorRate, float], manifest: Manifest) -> Thresholds:
    """The manifest's thresholds, moved to the error rates that a deployment tolerates.

    Args:
        tolerated: rates by name, each at least the lowest of the manifest's table; a rate that is left out stays as
            the manifest has it.
        manifest: of the model.
    """
    shipped = manifest.thresholds
    all_from = _threshold("normal_decided_all", tolerated, manifest, shipped.all_from)
    normal_below = _threshold("all_decided_normal", tolerated, manifest, shipped.normal_below)
    # If both rates are kept without any review, the scores between the two thresholds count as ALL: to miss it would be
    # worse.
    normal_below = min(normal_below, all_from)
    operating_point = min(max(shipped.operating_point, normal_below), all_from)
    return replace(shipped, operating_point=operating_point, normal_below=normal_below, all_from=all_from)


def expected_error_rates(tolerated: Mapping[ErrorRate, float], manifest: Manifest) -> dict[ErrorRate, float]:
    """The error rates to expect of a function that is deployed with tolerated ones.

    Args:
        tolerated: as in ``thresholds_for``.
        manifest: of the model.

    Returns:
        Both rates, each 0 to 1: tabulated ones for what is tolerated, else what the manifest's thresholds achieved.

    Raises:
        ModelError: the manifest does not say what its thresholds achieved.
    """
    achieved = manifest.achieved_shares()
    expected: dict[ErrorRate, float] = {
        "all_decided_normal": achieved.all_decided_normal,
        "normal_decided_all": achieved.normal_decided_all,
    }
    wanted_below = manifest.thresholds.normal_below
    for name, rate in tolerated.items():
        if pair := manifest.tabulated(name, rate):
            expected[name] = pair[0]
            wanted_below = pair[1] if name == "all_decided_normal" else wanted_below
    thresholds = thresholds_for(tolerated, manifest)
    if thresholds.normal_below < wanted_below:  # lowered to ``all_from``, it misses fewer ALL cells than is tolerated
        pairs = manifest.thresholds_by_rate.get("all_decided_normal", ())
        rates = [rate for rate, threshold in pairs if threshold <= thresholds.all_from]
        expected["all_decided_normal"] = max(rates, default=0.0)
    return expected


def _threshold(name: ErrorRate, tolerated: Mapping[ErrorRate, float], manifest: Manifest, otherwise: float) -> float:
    pair = manifest.tabulated(name, tolerated[name]) if name in tolerated else None
    return pair[1] if pair else otherwise


def _tolerated(value: str, name: ErrorRate, manifest: Manifest) -> float:
    variable, rates = ERROR_RATE_VARIABLES[name], manifest.rates(name)
    try:
        rate = float(value)
    except ValueError:
        raise SettingsError(f"{variable} is {value!r}; it must be a number between 0 and 1") from None
    if not rates or not rates[0] <= rate < 1:
        least = f"from {rates[0]:g} up to below 1" if rates else "absent: this model was not tabulated"
        raise SettingsError(f"{variable} is {value}; with this model it must be {least}")
    return rate
