"""The spread of each class in the numbers of the cells' morphology, for a model's manifest."""

import numpy as np

from lambda_fn.class_ranges import SHARES, ClassRanges
from lambda_fn.decisions import Label
from lambda_fn.morphology_facts import QUANTITIES
from training.data.dataset import Dataset

# A quantity that was measured on fewer cells of a class gets no quantiles.
MIN_CELLS = 20


def class_ranges(dataset: Dataset) -> ClassRanges | None:
    """Return the quantiles of each quantity by class, over all cells; None if no cell was measured."""
    if dataset.measured is None:
        return None
    of_class: dict[Label, np.ndarray] = {
        "ALL": dataset.measured[dataset.is_all],
        "normal": dataset.measured[~dataset.is_all],
    }
    return ClassRanges(
        shares=SHARES,
        cells={label: len(values) for label, values in of_class.items()},
        quantiles={label: _quantiles(values) for label, values in of_class.items()},
    )


def _quantiles(values: np.ndarray) -> dict[str, tuple[float, ...]]:
    """Return the quantiles of each column that was measured often enough."""
    columns = {name: column[~np.isnan(column)] for name, column in zip(QUANTITIES, values.T, strict=True)}
    return {
        name: tuple(round(float(value), 4) for value in np.quantile(column, SHARES))
        for name, column in columns.items()
        if len(column) >= MIN_CELLS
    }
