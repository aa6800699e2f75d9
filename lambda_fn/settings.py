"""What a deployment chooses, read from the function's environment."""

from collections.abc import Mapping

from lambda_fn.decisions import Policy, Thresholds
from lambda_fn.model import Manifest

REVIEW_EVERYTHING = "REVIEW_EVERYTHING"
# Environment variable, and the error rate of the manifest that it lowers or raises.
ERROR_RATES = {"ALL_DECIDED_NORMAL": "all_decided_normal", "NORMAL_DECIDED_ALL": "normal_decided_all"}


class SettingsError(Exception):
    """The environment asks for what cannot be done; the message names the variable, and what may stand there."""


def policy(environment: Mapping[str, str], manifest: Manifest) -> Policy:
    """The deployment's policy: the manifest's thresholds, unless the environment tolerates other error rates.

    Args:
        environment: may hold ``REVIEW_EVERYTHING`` (``true`` or ``false``), ``ALL_DECIDED_NORMAL`` and
            ``NORMAL_DECIDED_ALL`` (rates, 0 to 1). A rate between two of the manifest's counts as the lower one.
        manifest: of the model that is served.

    Raises:
        SettingsError: a value is no such thing, or the manifest knows no threshold that keeps so low a rate.
    """
    everything = environment.get(REVIEW_EVERYTHING, "false")
    if everything not in ("true", "false"):
        raise SettingsError(f"{REVIEW_EVERYTHING} is {everything!r}; it must be true or false")
    given = manifest.thresholds
    chosen = {name: _threshold(environment[name], name, manifest) for name in ERROR_RATES if environment.get(name)}
    all_from = chosen.get("NORMAL_DECIDED_ALL", given.all_from)
    # Where both rates are kept without any review, what lies between counts as ALL: missing it would be worse.
    normal_below = min(chosen.get("ALL_DECIDED_NORMAL", given.normal_below), all_from)
    operating_point = min(max(given.operating_point, normal_below), all_from)
    return Policy(
        Thresholds(operating_point, normal_below, all_from, given.unlike_above), review_everything=everything == "true"
    )


def _threshold(value: str, name: str, manifest: Manifest) -> float:
    pairs = manifest.thresholds_by_rate.get(ERROR_RATES[name], ())
    try:
        tolerated = float(value)
    except ValueError:
        raise SettingsError(f"{name} is {value!r}; it must be a number between 0 and 1") from None
    kept = [threshold for rate, threshold in pairs if rate <= tolerated < 1]
    if not kept:
        least = f"from {pairs[0][0]:g} up to below 1" if pairs else "absent: this model was not tabulated"
        raise SettingsError(f"{name} is {value}; with this model it must be {least}")
    return kept[-1]
