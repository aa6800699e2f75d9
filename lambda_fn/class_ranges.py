"""How the two classes spread in each number of a cell's morphology: quantiles of the cells that a model learned from.

All three packages read this module, so it imports the standard library alone.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambda_fn.decisions import Label

# Shares of the cells of a class that lie below each quantile.
SHARES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
LABELS: tuple[Label, ...] = ("ALL", "normal")


@dataclass(frozen=True)
class ClassRanges:
    """Quantiles of each number by class; part of the model's manifest, as ``morphology``.

    Attributes:
        shares: of the quantiles, in rising order.
        cells: number of measured cells of each class.
        quantiles: for each class and each of ``morphology_facts.QUANTITIES`` that was measured, a value for each share.
    """

    shares: tuple[float, ...]
    cells: Mapping[Label, int]
    quantiles: Mapping[Label, Mapping[str, tuple[float, ...]]]

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "ClassRanges":
        """Read the ranges from a manifest's plain values.

        Raises:
            ValueError, KeyError, TypeError: a part is missing or of the wrong kind, or quantiles fall.
        """
        shares = tuple(float(share) for share in fields["shares"])
        quantiles = {
            label: {name: tuple(float(value) for value in values) for name, values in fields[label].items()}
            for label in LABELS
        }
        for values in (shares, *(each for of_class in quantiles.values() for each in of_class.values())):
            if len(values) != len(shares) or list(values) != sorted(values):
                raise ValueError(f"quantiles {values} do not rise, or are not {len(shares)}")
        return cls(shares, {label: int(fields["cells"][label]) for label in LABELS}, quantiles)

    def as_fields(self) -> dict[str, Any]:
        """Return the ranges as plain values for a manifest."""
        return {
            "shares": list(self.shares),
            "cells": dict(self.cells),
            **{label: {name: list(values) for name, values in self.quantiles[label].items()} for label in LABELS},
        }

    def share_below(self, label: Label, name: str, value: float) -> float | None:
        """Return the largest share of a class that certainly lies below a value.

        Returns:
            One of ``shares``; 0 if the value is below the lowest quantile, None if the class was not measured.
        """
        values = self.quantiles[label].get(name)
        if values is None:
            return None
        return (0.0, *self.shares)[bisect_right(values, value)]
