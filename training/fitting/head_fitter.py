"""Fits kernel heads to the pooled features of a data set, on all cells or on those that a fold may learn from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.dataset import Dataset
from training.data.duplicates import pairs_of
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
        learns: boolean array of shape (n,): false for cells that no head learns from. They are predicted all the same.
    """

    dataset: Dataset
    features: Floats
    augmented: Floats
    mean_colour: slice
    hyperparameters: Hyperparameters
    learns: NDArray[np.bool_]

    def fit(self, indices: NDArray[np.int64]) -> KernelHead:
        """Fit a head to some of the cells: both classes weigh the same, a subject as the root of its cells."""
        indices = indices[self.learns[indices]]
        is_all = self.dataset.is_all[indices]
        subjects = np.unique(self.dataset.subjects[indices], return_inverse=True)[1]
        return fit_head(
            self.features[indices],
            self.augmented[indices],
            is_all,
            balanced_weights(is_all, subjects),
            self.mean_colour,
            self.hyperparameters,
            pairs_of(self.dataset.photographs[indices]),
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

    def fit_fold(self, split: Split) -> KernelHead:
        """Fit a head to a fold's other cells. It needs no stopping cells, and learns from them too."""
        return self.fit(learned_from(split))

    def predict(self, head: KernelHead, indices: NDArray[np.int64]) -> NDArray[np.float64]:
        """Let a head predict n of the cells.

        Returns:
            Score, support distance and colour distance of each, shape (n, 3).
        """
        features = self.features[indices]
        outputs = head.score(features), head.support_distance(features), head.colour_distance(features)
        return np.stack(outputs, axis=1).astype(np.float64)


def learned_from(split: Split) -> NDArray[np.int64]:
    """The cells of a fold that its head learns from."""
    return np.concatenate([split.training, split.stopping])
