"""The function's environment variables, and the policy that a deployment sets with them.

The stack writes these variables and reads this module too, so it imports the standard library alone.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast, get_args

from lambda_fn.decisions import Explain, Policy, Thresholds
from lambda_fn.errors import SettingsError
from lambda_fn.manifest import ErrorRate, Manifest
from lambda_fn.own_thresholds import MANIFEST, read_own_thresholds

RESULTS_BUCKET: Final = "RESULTS_BUCKET"
# The deployment's name, a dimension of every metric. Powertools for AWS Lambda defines the name of the variable.
SERVICE_NAME: Final = "POWERTOOLS_SERVICE_NAME"
REVIEW_EVERYTHING: Final = "REVIEW_EVERYTHING"
UM_PER_PX: Final = "UM_PER_PX"
EXPLAIN: Final = "EXPLAIN"
# The text of the file that ``thresholds_file`` names, on one line.
THRESHOLDS: Final = "THRESHOLDS"
AUDIT_SHARE: Final = "AUDIT_SHARE"
AUDIT_SALT: Final = "AUDIT_SALT"

# Reads wait for S3 while the processor scores images, so many may run at once. Each image that is read ahead may take
# ``Limits.file_bytes`` of memory.
READ_AHEAD: Final = 8

# Micrometres a pixel. At the largest, a white blood cell would be one pixel wide.
SMALLEST_UM_PER_PX: Final = 0.001
LARGEST_UM_PER_PX: Final = 10.0
EXPLAIN_CHOICES: Final[tuple[str, ...]] = get_args(Explain)

# The variable that sets each error rate that a deployment tolerates.
ERROR_RATE_VARIABLES: Final[Mapping[ErrorRate, str]] = {
    "all_decided_normal": "ALL_DECIDED_NORMAL",
    "normal_decided_all": "NORMAL_DECIDED_ALL",
}


def policy(environment: Mapping[str, str], manifest: Manifest) -> Policy:
    """Return the deployment's policy: the manifest's thresholds, unless the environment sets other error rates.

    Args:
        environment: may hold ``REVIEW_EVERYTHING`` (``true`` or ``false``), ``EXPLAIN`` (``flagged``, ``all`` or
            ``none``), ``ALL_DECIDED_NORMAL`` and ``NORMAL_DECIDED_ALL`` (rates, 0 to 1). A rate between two rates of
            the manifest counts as the lower one. ``THRESHOLDS`` are the laboratory's own, in place of such rates.
            ``UM_PER_PX`` is the scale of the images, in micrometres a pixel, whatever the files state. ``AUDIT_SHARE``,
            0 to 1, of the decided cells is audited, which needs an ``AUDIT_SALT``.
        manifest: the manifest of the model that is served.

    Raises:
        SettingsError: a value cannot be used, a rate is lower than all rates of the manifest, or the laboratory's own
            thresholds are for another model.
    """
    everything = environment.get(REVIEW_EVERYTHING, "false")
    if everything not in ("true", "false"):
        raise SettingsError(f"{REVIEW_EVERYTHING} is {everything!r}; it must be true or false")
    explain = environment.get(EXPLAIN, Policy.explain)
    if explain not in EXPLAIN_CHOICES:
        raise SettingsError(f"{EXPLAIN} is {explain!r}; it must be one of {', '.join(EXPLAIN_CHOICES)}")
    tolerated = {
        rate: _tolerated(environment[variable], rate, manifest)
        for rate, variable in ERROR_RATE_VARIABLES.items()
        if environment.get(variable)
    }
    thresholds, name = thresholds_for(tolerated, manifest), thresholds_name(tolerated)
    if environment.get(THRESHOLDS):
        if tolerated:
            raise SettingsError(f"{THRESHOLDS} goes without {' and '.join(ERROR_RATE_VARIABLES.values())}")
        own = read_own_thresholds(environment[THRESHOLDS])
        thresholds, name = own.thresholds_for(manifest), own.version
    return Policy(
        thresholds,
        review_everything=everything == "true",
        explain=cast(Explain, explain),
        um_per_px=_scale(environment.get(UM_PER_PX, "")),
        thresholds_name=name,
        audit_share=_audit_share(environment),
        audit_salt=environment.get(AUDIT_SALT, ""),
    )


def thresholds_name(tolerated: Mapping[ErrorRate, float]) -> str:
    """Return how results name the manifest's thresholds for these tolerated rates."""
    return ", ".join([MANIFEST, *(f"{name} {rate:g}" for name, rate in sorted(tolerated.items()))])


def thresholds_for(tolerated: Mapping[ErrorRate, float], manifest: Manifest) -> Thresholds:
    """Return the manifest's thresholds, moved to the error rates that a deployment tolerates.

    Args:
        tolerated: rates by name, each at least the lowest rate of the manifest's table. If a rate is left out, its
            threshold stays as it is.
        manifest: the model's manifest.
    """
    shipped = manifest.thresholds
    all_from = _threshold("normal_decided_all", tolerated, manifest, shipped.all_from)
    normal_below = _threshold("all_decided_normal", tolerated, manifest, shipped.normal_below)
    # If the two thresholds cross, no review is needed. The scores between them count as ALL: missing it would be worse.
    normal_below = min(normal_below, all_from)
    operating_point = min(max(shipped.operating_point, normal_below), all_from)
    return replace(shipped, operating_point=operating_point, normal_below=normal_below, all_from=all_from)


def expected_error_rates(tolerated: Mapping[ErrorRate, float], manifest: Manifest) -> dict[ErrorRate, float]:
    """Return the error rates to expect from a function that is deployed with these tolerated rates.

    Args:
        tolerated: rates by name, as ``thresholds_for`` takes them.
        manifest: the model's manifest.

    Returns:
        Both rates, each 0 to 1. A tolerated rate becomes the rate of the manifest's table that is used for it; any
        other is the rate that the manifest's own thresholds achieved.

    Raises:
        ModelError: the manifest does not state what its thresholds achieved.
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
    if thresholds.normal_below < wanted_below:  # lowered to ``all_from``, fewer ALL cells are missed
        pairs = manifest.thresholds_by_rate.get("all_decided_normal", ())
        rates = [rate for rate, threshold in pairs if threshold <= thresholds.all_from]
        expected["all_decided_normal"] = max(rates, default=0.0)
    return expected


def _threshold(name: ErrorRate, tolerated: Mapping[ErrorRate, float], manifest: Manifest, otherwise: float) -> float:
    pair = manifest.tabulated(name, tolerated[name]) if name in tolerated else None
    return pair[1] if pair else otherwise


def _scale(value: str) -> float | None:
    """Read the micrometres a pixel; None if they are not set."""
    if not value:
        return None
    try:
        scale = float(value)
    except ValueError:
        scale = math.nan
    if not SMALLEST_UM_PER_PX <= scale <= LARGEST_UM_PER_PX:
        limits = f"{SMALLEST_UM_PER_PX:g} to {LARGEST_UM_PER_PX:g}"
        raise SettingsError(f"{UM_PER_PX} is {value!r}; it must be a number from {limits}")
    return scale


def _audit_share(environment: Mapping[str, str]) -> float:
    """Read the share of decided cells to audit; 0 if it is not set."""
    value = environment.get(AUDIT_SHARE, "0")
    try:
        share = float(value)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise SettingsError(f"{AUDIT_SHARE} is {value!r}; it must be a number from 0 to 1")
    # Without a secret, anybody could compute which images are drawn.
    if share and not environment.get(AUDIT_SALT):
        raise SettingsError(f"{AUDIT_SHARE} is {value}; it needs {AUDIT_SALT}, which must not be empty")
    return share


def _tolerated(value: str, name: ErrorRate, manifest: Manifest) -> float:
    variable, rates = ERROR_RATE_VARIABLES[name], manifest.rates(name)
    try:
        rate = float(value)
    except ValueError:
        raise SettingsError(f"{variable} is {value!r}; it must be a number between 0 and 1") from None
    if not rates or not rates[0] <= rate < 1:
        least = f"from {rates[0]:g} up to below 1" if rates else "absent: its manifest has no thresholds by error rate"
        raise SettingsError(f"{variable} is {value}; with this model it must be {least}")
    return rate
