"""What the stack says of the model inside the function's zip; read from its manifest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from infra.tools.paths import LAMBDA_PACKAGE


@dataclass(frozen=True)
class ShippedModel:
    """The shipped model's name, and what its manifest lets one expect of it.

    Attributes:
        version: name and date, for people; the dimension `model` of the function's metrics.
        sha256: digest of the ONNX graph.
        review_share: of cells, 0 to 1, on subjects that the model never saw.
        all_decided_normal: share of ALL cells that are decided normal there, 0 to 1.
        normal_decided_all: share of normal cells that are decided ALL there, 0 to 1.
        normal_below: a cell is decided normal below this probability of ALL.
        all_from: a cell is decided ALL from this probability on.
        thresholds_by_rate: for `all_decided_normal` and `normal_decided_all`, pairs of an error rate that can be chosen
            and the threshold that keeps it, in rising order of rates; empty for a model that was not tabulated.
    """

    version: str
    sha256: str
    review_share: float
    all_decided_normal: float
    normal_decided_all: float
    normal_below: float
    all_from: float
    thresholds_by_rate: Mapping[str, list[tuple[float, float]]]

    @classmethod
    def read(cls) -> Self:
        """From `lambda_fn/model/model.json`."""
        manifest = json.loads((LAMBDA_PACKAGE / "model" / "model.json").read_text("utf-8"))
        decision = manifest["decision"]
        shares = ("review_share", "all_decided_normal", "normal_decided_all")
        return cls(
            version=manifest["version"],
            sha256=manifest["sha256"],
            **{name: float(decision["achieved"][name]) for name in shares},
            **{name: float(decision[name]) for name in ("normal_below", "all_from")},
            thresholds_by_rate={
                name: [(float(rate), float(threshold)) for rate, threshold in pairs]
                for name, pairs in decision.get("by_error_rate", {}).items()
            },
        )

    def error_rates(self, wished: Mapping[str, float]) -> dict[str, float]:
        """The error rates to expect of a function that is deployed with these wishes.

        The function serves a wish by the highest rate of the table that does not exceed it, and lowers `normal_below`
        to `all_from` where the two would cross: `lambda_fn/settings.py`.

        Args:
            wished: rates by name; none for a rate that is left to the model.

        Returns:
            `all_decided_normal` and `normal_decided_all`, each 0 to 1.
        """
        normal_decided_all, all_from = self.normal_decided_all, self.all_from
        all_decided_normal, normal_below = self.all_decided_normal, self.normal_below
        if "normal_decided_all" in wished:
            normal_decided_all, all_from = self._served("normal_decided_all", wished["normal_decided_all"])
        if "all_decided_normal" in wished:
            all_decided_normal, normal_below = self._served("all_decided_normal", wished["all_decided_normal"])
        if all_from < normal_below:
            pairs = self.thresholds_by_rate["all_decided_normal"]
            all_decided_normal = max((rate for rate, threshold in pairs if threshold <= all_from), default=0.0)
        return {"all_decided_normal": all_decided_normal, "normal_decided_all": normal_decided_all}

    def _served(self, name: str, wish: float) -> tuple[float, float]:
        return [pair for pair in self.thresholds_by_rate[name] if pair[0] <= wish][-1]

    @property
    def description(self) -> str:
        """For a published version of the function; Lambda takes 256 characters."""
        return f"{self.version}, sha256 {self.sha256}"[:256]
