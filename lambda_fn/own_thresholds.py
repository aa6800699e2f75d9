"""Thresholds that a laboratory chose from its own labels: the file ``thresholds.json`` of ``cellflag recalibrate``.

Writer and reader of the format stand here together. All three packages read this module, so it imports the standard
library alone.
"""

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from lambda_fn.decisions import Explain, Policy, Thresholds
from lambda_fn.errors import SettingsError
from lambda_fn.manifest import ERROR_RATES, ErrorRate, Manifest

SCHEMA: Final = "cellflag/thresholds/1"
# Results decided by the manifest's thresholds have this in place of a version.
MANIFEST: Final = "manifest"


@dataclass(frozen=True)
class MadeFrom:
    """The labels behind thresholds.

    Attributes:
        labels_all: cells that people labelled ALL.
        labels_normal: cells that people labelled normal.
        slides_all: slides with cells labelled ALL.
        slides_normal: slides with cells labelled normal.
    """

    labels_all: int
    labels_normal: int
    slides_all: int
    slides_normal: int


@dataclass(frozen=True)
class OwnThresholds:
    """Thresholds for one model in one laboratory.

    Attributes:
        version: name of these thresholds, written into each result that they decide.
        model_version: version of the model that they are for.
        model_sha256: digest of that model. They mean nothing for another one.
        operating_point: as in ``decisions.Thresholds``.
        normal_below: as in ``decisions.Thresholds``.
        all_from: as in ``decisions.Thresholds``.
        chosen_for: the error rates that the labels carry, by name. A rate that is missing has the manifest's threshold.
        review_share: expected share of cells that go to review, 0 to 1.
        made_from: the labels behind them.
        made_at: when they were chosen, ISO 8601 in UTC.
    """

    version: str
    model_version: str
    model_sha256: str
    operating_point: float
    normal_below: float
    all_from: float
    chosen_for: dict[ErrorRate, float]
    review_share: float
    made_from: MadeFrom
    made_at: str

    def __post_init__(self) -> None:
        """Raise ``ValueError`` if the thresholds are not in rising order, or a rate or the version cannot be used."""
        Thresholds(self.operating_point, self.normal_below, self.all_from)
        shares = (self.review_share, *self.chosen_for.values())
        if not set(self.chosen_for) <= set(ERROR_RATES) or not all(0 <= share <= 1 for share in shares):
            raise ValueError(f"rates are {self.chosen_for}, review_share is {self.review_share}")
        if not self.version or self.version.startswith(MANIFEST):
            raise ValueError(f"version is {self.version!r}")

    def thresholds_for(self, manifest: Manifest) -> Thresholds:
        """Return the thresholds, with the manifest's limit of distance, which no label changes.

        Raises:
            SettingsError: they were chosen for another model.
        """
        if self.model_sha256 != manifest.sha256:
            raise SettingsError(
                f"the thresholds {self.version} were chosen for the model {self.model_version}, and {manifest.version} "
                "is served: leave the file out, or make a new one with `cellflag recalibrate`"
            )
        return replace(
            manifest.thresholds,
            operating_point=self.operating_point,
            normal_below=self.normal_below,
            all_from=self.all_from,
        )

    def to_json(self, indent: int | None = None) -> str:
        """Return the text of the file; without ``indent`` on one line, for a variable of the environment."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=indent, allow_nan=False)


def policy_of(file: Path | None, manifest: Manifest, explain: Explain = Policy.explain) -> Policy:
    """Return the policy by which a command decides: by the thresholds of a file, or else by the manifest's.

    Raises:
        SettingsError: the file holds none, or those of another model.
        OSError: it cannot be read.
    """
    if file is None:
        return Policy(manifest.thresholds, explain=explain)
    try:
        own = read_own_thresholds(file.read_text("utf-8"))
        return Policy(own.thresholds_for(manifest), explain=explain, thresholds_name=own.version)
    except (SettingsError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: {error}") from error


def read_own_thresholds(text: str) -> OwnThresholds:
    """Read the text of a ``thresholds.json``.

    Raises:
        SettingsError: it is none.
    """
    try:
        content: dict[str, Any] = json.loads(text)
        if content.pop("schema") != SCHEMA:
            raise ValueError(f"schema is not {SCHEMA}")
        for name in ("operating_point", "normal_below", "all_from", "review_share"):
            content[name] = float(content[name])
            if not math.isfinite(content[name]):
                raise ValueError(f"{name} is no number")
        content["chosen_for"] = {name: float(rate) for name, rate in content["chosen_for"].items()}
        return OwnThresholds(**{**content, "made_from": MadeFrom(**content["made_from"])})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"these are no thresholds of `cellflag recalibrate`: {error!r}") from error
