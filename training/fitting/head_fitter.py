"""Fits kernel heads to the pooled features of a data set, on all cells or on those that a fold may learn from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.dataset import Dataset
from training.data.folds import Split
from training.fitting.balance import balanced_weights
from training.fitting.kernel_head import Floats, Hyperparameters, KernelHead, fit_head


@dataclass(frozen=True)
class HeadFitter:
    """Fits heads that differ in their training cells alone.

    Attributes:
        dataset: n labelled cells.
        features: of each cell, shape (n, features).
        augmented: of the same cells, rotated, mirrored and moved by chance, shape (n, features).
        mean_colour: position of the mean red, green and blue among the features.
        hyperparameters: shape the heads.
    """

    dataset: Dataset
    features: Floats
    augmented: Floats
    mean_colour: slice
    hyperparameters: Hyperparameters

    def fit(self, indices: NDArray[np.int64]) -> KernelHead:
        """Fit a head to some of the cells: both classes weigh the same, a subject as the root of its cells."""
        is_all = self.dataset.is_all[indices]
        subjects = np.unique(self.dataset.subjects[indices], return_inverse=True)[1]
        return fit_head(
            self.features[indices],
            self.augmented[indices],
            is_all,
            balanced_weights(is_all, subjects),
            self.mean_colour,
            self.hyperparameters,
        )

    def typical_normal_cell(self, head: KernelHead, indices: NDArray[np.int64] | None = None) -> Floats:
        """Mean standardised features, shape (features,), of normal cells: the cell that explanations start from.

        Args:
            head: standardises.
            indices: the cells that the head learned from; None for all.
        """
        cells = np.arange(len(self.features)) if indices is None else indices
        normal = cells[~self.dataset.is_all[cells]]
        return np.asarray(head.standardise(self.features[normal]).mean(axis=0), np.float32)

    def predict_held_out(self, split: Split) -> NDArray[np.float64]:
        """Fit a head to a fold's other cells, and let it predict the held-out ones.

        A head needs no stopping cells, and learns from them too.

        Returns:
            Score, support distance and colour distance of each held-out cell, shape (held out, 3).
        """
        head = self.fit(np.concatenate([split.training, split.stopping]))
        features = self.features[split.held_out]
        outputs = head.score(features), head.support_distance(features), head.colour_distance(features)
        return np.stack(outputs, axis=1).astype(np.float64)
