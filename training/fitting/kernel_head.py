"""A support vector machine on pooled features, fitted by scikit-learn and served as layers of the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.svm import SVC

from training.networks.architectures import DISTANCE_NAME, OUTPUT_NAME

if TYPE_CHECKING:
    from keras import KerasTensor

COMPONENTS = 300
# A feature that lies further out than this many standard deviations says "other", not "more".
CLIP = 6.0
# Share of the variation that a mere turn of the cell causes, 0 to 1, that is evened out.
NUISANCE = 0.7
# Features that hardly vary among the training cells stay small: standardised in full, the rounding of another processor
# or library would weigh as much as a real difference.
LEAST_SPREAD = 0.01
# Of the variance of standardised mean colours: keeps the distance finite where colours hardly differ.
COLOUR_RIDGE = 0.01
PENALTY = 3.0
GAMMA = 1.0

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class KernelHead:
    """Standardise, clip, project, compare with the support vectors.

    Attributes:
        mean: of each feature, shape (features,).
        scale: 1 / standard deviation of each feature, ``LEAST_SPREAD`` at least, shape (features,).
        projection: principal components, shape (features, components); projected training cells have mean squared
            length 1, so that ``GAMMA`` means the same whatever the features.
        offset: subtracted after projection, shape (components,).
        support: support vectors, shape (m, components).
        coefficients: of the support vectors, shape (m,).
        intercept: of the score.
        mean_colour: where the mean red, green and blue stand among the features.
        whitening: makes standardised mean colours of training cells vary by 1 in each direction, shape (3, 3).
    """

    mean: Floats
    scale: Floats
    projection: Floats
    offset: Floats
    support: Floats
    coefficients: Floats
    intercept: float
    mean_colour: slice
    whitening: Floats

    def project(self, features: Floats) -> Floats:
        """From features of shape (n, features) to components of shape (n, components)."""
        projected: Floats = _standardise(features, self.mean, self.scale) @ self.projection - self.offset
        return projected

    def score(self, features: Floats) -> NDArray[np.float64]:
        """Signed scores of shape (n,) of features of shape (n, features); positive for ALL."""
        projected = self.project(features)
        kernel = np.exp(-GAMMA * _squared_distances(projected, self.support))
        return np.asarray(kernel @ self.coefficients + self.intercept, np.float64)

    def nearest(self, features: Floats) -> Floats:
        """Squared distance, shape (n,), of each cell to the support vector that is nearest."""
        nearest: Floats = _squared_distances(self.project(features), self.support).min(axis=1)
        return nearest

    def stain(self, features: Floats) -> Floats:
        """Squared distance, shape (n,), of each cell's mean colour from the training cells' (Mahalanobis 1936)."""
        standard = _standardise(features, self.mean, self.scale)[:, self.mean_colour]
        squares: Floats = ((standard @ self.whitening) ** 2).sum(axis=1)
        return squares

    def layers(self, features: KerasTensor, slope: float, bias: float, stain_share: float) -> dict[str, KerasTensor]:
        """The same computation as layers of a network, which gives what is served.

        Args:
            features: float32 tensor of shape (batch, features).
            slope: of the probability's logit over the score.
            bias: the logit where the score is 0.
            stain_share: how much a distance by ``stain`` is worth in the unit of ``nearest``.

        Returns:
            ``probability_all``, shape (batch, 1), and ``distance``, shape (batch, 1): what ``nearest`` gives or, where
            that is more, ``stain_share`` of what ``stain`` gives.
        """
        from keras import layers, ops

        standard = ops.clip((features - self.mean) * self.scale, -CLIP, CLIP)
        projected = _dense(standard, self.projection, -self.offset)
        lengths = ops.sum(projected * projected, axis=-1, keepdims=True)
        crossed = _dense(projected, -2 * self.support.T, (self.support**2).sum(axis=1))
        distances = ops.maximum(crossed + lengths, 0.0)
        constant = np.array([slope * self.intercept + bias], np.float32)
        whitened = _dense(standard[:, self.mean_colour], self.whitening * np.sqrt(stain_share), np.zeros(3, np.float32))
        stain = ops.sum(whitened * whitened, axis=-1, keepdims=True)
        logit = _dense(ops.exp(-GAMMA * distances), slope * self.coefficients[:, None], constant)
        return {
            OUTPUT_NAME: layers.Activation("sigmoid", name=OUTPUT_NAME)(logit),
            DISTANCE_NAME: ops.maximum(ops.min(distances, axis=-1, keepdims=True), stain),
        }


def _dense(values: KerasTensor, kernel: Floats, bias: Floats) -> KerasTensor:
    from keras import layers

    layer = layers.Dense(kernel.shape[1], trainable=False)
    result = layer(values)
    layer.set_weights([kernel, bias])
    return result


def _standardise(features: Floats, mean: Floats, scale: Floats) -> Floats:
    return ((features - mean) * scale).clip(-CLIP, CLIP)


def _squared_distances(one: Floats, other: Floats) -> Floats:
    product = (one * one).sum(axis=1)[:, None] + (other * other).sum(axis=1) - 2 * one @ other.T
    return np.asarray(np.maximum(product, 0), np.float32)


def fit_head(
    features: Floats,
    turned: Floats,
    is_all: NDArray[np.bool_],
    weights: Floats,
    mean_colour: slice,
    components: int = COMPONENTS,
) -> KernelHead:
    """Fit a head.

    Args:
        features: of each cell, shape (n, features).
        turned: of the same cells, turned, mirrored and moved by chance, shape (n, features).
        is_all: boolean array of shape (n,).
        weights: of each cell, shape (n,), mean 1.
        mean_colour: where the mean red, green and blue stand among the features.
        components: how many principal components are kept, fewer where there are fewer cells.
    """
    mean, spread = features.mean(axis=0), features.std(axis=0)
    scale = (1 / np.maximum(spread, LEAST_SPREAD)).astype(np.float32)

    standard = _standardise(features, mean, scale)
    pca = PCA(min(components, *features.shape), random_state=0).fit(standard)
    principal = pca.components_.T
    change = (_standardise(turned, mean, scale) - standard) @ principal
    projection = principal @ _whitening_of(change)
    projected = standard @ projection - pca.mean_ @ projection
    length = np.sqrt((projected**2).sum(axis=1).mean())
    machine = SVC(C=PENALTY, gamma=GAMMA, cache_size=1000).fit(projected / length, is_all, sample_weight=weights)
    return KernelHead(
        mean=mean,
        scale=scale,
        projection=(projection / length).astype(np.float32),
        offset=(pca.mean_ @ projection / length).astype(np.float32),
        support=machine.support_vectors_.astype(np.float32),
        coefficients=machine.dual_coef_[0].astype(np.float32),
        intercept=float(machine.intercept_[0]),
        mean_colour=mean_colour,
        whitening=_whitening_of_colours(standard[:, mean_colour]),
    )


def _whitening_of_colours(standard: Floats) -> Floats:
    values, vectors = np.linalg.eigh(np.cov(standard, rowvar=False))
    return np.asarray(vectors / np.sqrt(values + COLOUR_RIDGE), np.float32)


def _whitening_of(change: Floats) -> Floats:
    """A map, shape (components, components), that shrinks the directions along which a turn moves a cell.

    Within-class covariance normalisation (Hatch, Kajarekar & Stolcke 2006, Interspeech), where the pictures of one cell
    are the class, with a share of the identity, so that no direction is lost.
    """
    covariance = change.T @ change
    covariance *= len(covariance) / np.trace(covariance)
    values, vectors = np.linalg.eigh((1 - NUISANCE) * np.eye(len(covariance)) + NUISANCE * covariance)
    return np.asarray(vectors / np.sqrt(values), np.float32)
