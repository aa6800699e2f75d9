"""What the stack says of the model inside the function's zip; read from its manifest."""

import json
from dataclasses import dataclass
from typing import Self

from infra.paths import LAMBDA_PACKAGE


@dataclass(frozen=True)
class ShippedModel:
    """The shipped model's name, and what its manifest lets one expect of it.

    Attributes:
        version: name and date, for people; the dimension `model` of the function's metrics.
        sha256: digest of the ONNX graph.
        review_share: of cells, 0 to 1, on subjects that the model never saw.
        all_decided_normal: share of ALL cells that are decided normal there, 0 to 1.
        normal_decided_all: share of normal cells that are decided ALL there, 0 to 1.
    """

    version: str
    sha256: str
    review_share: float
    all_decided_normal: float
    normal_decided_all: float

    @classmethod
    def read(cls) -> Self:
        """From `lambda_fn/model/model.json`."""
        manifest = json.loads((LAMBDA_PACKAGE / "model" / "model.json").read_text("utf-8"))
        achieved = manifest["decision"]["achieved"]
        shares = (float(achieved[name]) for name in ("review_share", "all_decided_normal", "normal_decided_all"))
        return cls(manifest["version"], manifest["sha256"], *shares)

    @property
    def description(self) -> str:
        """For a published version of the function; Lambda takes 256 characters."""
        return f"{self.version}, sha256 {self.sha256}"[:256]
