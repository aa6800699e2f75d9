"""A support vector machine on pooled features, fitted by scikit-learn and served as layers of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.svm import SVC

from lambda_fn.manifest import DISTANCE_OUTPUT, LOGIT_OUTPUT, PROBABILITY_OUTPUT

if TYPE_CHECKING:
    from keras import KerasTensor

# In standard deviations. A feature that lies further out shows another kind of image, and is not more of the same.
CLIP = 6.0
# In units of the features. A feature that hardly varies among the training cells stays small: standardised in full, the
# rounding of another processor or library would weigh as much as a real difference.
LEAST_SPREAD = 0.01
# Added to the variance of standardised mean colours, so that the distance stays finite if colours hardly differ.
COLOUR_RIDGE = 0.01

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Hyperparameters:
    """What shapes a head; part of its recipe.

    Attributes:
        components: principal components that remain, at most.
        penalty: C of the support vector machine, above 0.
        gamma: of its radial kernel ``exp(-gamma * distance ** 2)``, above 0.
        nuisance: share of the variation by rotating, mirroring and moving a cell that is evened out, 0 to 1.
        stain: share of the variation between two stain normalisations of one photograph that is evened out, 0 to 1.
            Together the two are below 1.
    """

    components: int = 300
    penalty: float = 3.0
    gamma: float = 1.0
    nuisance: float = 0.85
    stain: float = 0.05


@dataclass(frozen=True)
class KernelHead:
    """A fitted head: it standardises, clips and projects features, and compares them with the support vectors.

    Attributes:
        mean: of each feature, shape (features,).
        scale: 1 / standard deviation of each feature, which is ``LEAST_SPREAD`` at least, shape (features,).
        projection: principal components, shape (features, components). Projected training cells have mean squared
            length 1, so that ``gamma`` means the same for all features.
        offset: subtracted after projection, shape (components,).
        gamma: of the kernel.
        support: support vectors, shape (m, components).
        coefficients: of the support vectors, shape (m,).
        intercept: of the score.
        mean_colour: position of the mean red, green and blue among the features.
        whitening: gives the standardised mean colours of training cells variance 1 in each direction, shape (3, 3).
    """

    mean: Floats
    scale: Floats
    projection: Floats
    offset: Floats
    gamma: float
    support: Floats
    coefficients: Floats
    intercept: float
    mean_colour: slice
    whitening: Floats

    def project(self, features: Floats) -> Floats:
        """Components of shape (n, components) of features of shape (n, features)."""
        projected: Floats = self.standardise(features) @ self.projection - self.offset
        return projected

    def standardise(self, features: Floats) -> Floats:
        """Features of shape (n, features) in standard deviations from the training cells' mean, clipped."""
        return _standardise(features, self.mean, self.scale)

    def score(self, features: Floats) -> NDArray[np.float64]:
        """Signed scores of shape (n,) of features of shape (n, features); positive for ALL."""
        projected = self.project(features)
        kernel = np.exp(-self.gamma * _squared_distances(projected, self.support))
        return np.asarray(kernel @ self.coefficients + self.intercept, np.float64)

    def support_distance(self, features: Floats) -> Floats:
        """Squared distance, shape (n,), of each cell to its nearest support vector."""
        nearest: Floats = _squared_distances(self.project(features), self.support).min(axis=1)
        return nearest

    def colour_distance(self, features: Floats) -> Floats:
        """Squared distance, shape (n,), of each cell's mean colour from the training cells' (Mahalanobis 1936)."""
        standard = _standardise(features, self.mean, self.scale)[:, self.mean_colour]
        squares: Floats = ((standard @ self.whitening) ** 2).sum(axis=1)
        return squares

    def layers(self, features: KerasTensor, slope: float, bias: float, colour_share: float) -> dict[str, KerasTensor]:
        """Build layers of a network that compute the same: the head as it is served.

        Args:
            features: float32 tensor of shape (batch, features).
            slope: of the probability's logit over the score.
            bias: the logit at a score of 0.
            colour_share: factor from a colour distance to a support distance.

        Returns:
            ``probability_all``, shape (batch, 1); ``distance``, shape (batch, 1): the support distance, or the colour
            distance times ``colour_share`` if that is more; and ``logit``, shape (batch, 1), of the probability.
        """
        from keras import layers, ops

        standard = ops.clip((features - self.mean) * self.scale, -CLIP, CLIP)
        projected = _dense(standard, self.projection, -self.offset)
        lengths = ops.sum(projected * projected, axis=-1, keepdims=True)
        crossed = _dense(projected, -2 * self.support.T, (self.support**2).sum(axis=1))
        distances = ops.maximum(crossed + lengths, 0.0)
        constant = np.array([slope * self.intercept + bias], np.float32)
        whitening = self.whitening * np.sqrt(colour_share)
        whitened = _dense(standard[:, self.mean_colour], whitening, np.zeros(3, np.float32))
        colour_distance = ops.sum(whitened * whitened, axis=-1, keepdims=True)
        logit = _dense(ops.exp(-self.gamma * distances), slope * self.coefficients[:, None], constant)
        return {
            PROBABILITY_OUTPUT: layers.Activation("sigmoid", name=PROBABILITY_OUTPUT)(logit),
            DISTANCE_OUTPUT: ops.maximum(ops.min(distances, axis=-1, keepdims=True), colour_distance),
            LOGIT_OUTPUT: logit,
        }

    def constants(self, slope: float, bias: float, colour_share: float, baseline: Floats) -> dict[str, Floats]:
        """The constants of the served head, in the form in which ``layers`` holds them, so that a graph shares them.

        Args:
            slope: as ``layers`` takes it.
            bias: as ``layers`` takes it.
            colour_share: as ``layers`` takes it.
            baseline: standardised features of the cell that explanations start from, shape (features,).

        Returns:
            Arrays by the names under which ``lambda_fn.kernel_machine`` looks for them.
        """
        return {
            "mean": self.mean,
            "scale": self.scale,
            "projection": self.projection,
            "offset": -self.offset,
            "support": -2 * self.support.T,
            "coefficients": slope * self.coefficients[:, None],
            "intercept": np.array([slope * self.intercept + bias], np.float32),
            "whitening": self.whitening * np.sqrt(colour_share),
            "baseline": baseline,
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
    augmented: Floats,
    is_all: NDArray[np.bool_],
    weights: Floats,
    mean_colour: slice,
    hyperparameters: Hyperparameters,
    pairs: NDArray[np.int64] | None = None,
) -> KernelHead:
    """Fit a head.

    Args:
        features: of each cell, shape (n, features).
        augmented: of the same cells, rotated, mirrored and moved by chance, shape (n, features).
        is_all: boolean array of shape (n,).
        weights: of each cell, shape (n,), mean 1.
        mean_colour: position of the mean red, green and blue among the features.
        hyperparameters: shape the head.
        pairs: indices of cells of one photograph, shape (pairs, 2), as ``duplicates.pairs_of`` gives them.
    """
    mean, spread = features.mean(axis=0), features.std(axis=0)
    scale = (1 / np.maximum(spread, LEAST_SPREAD)).astype(np.float32)

    standard = _standardise(features, mean, scale)
    pca = PCA(min(hyperparameters.components, *features.shape), random_state=0).fit(standard)
    principal = pca.components_.T
    change = (_standardise(augmented, mean, scale) - standard) @ principal
    restained = np.zeros((0, standard.shape[1])) if pairs is None else standard[pairs[:, 0]] - standard[pairs[:, 1]]
    changes = ((change, hyperparameters.nuisance), (restained @ principal, hyperparameters.stain))
    projection = principal @ _whitening_of_changes(changes)
    projected = standard @ projection - pca.mean_ @ projection
    length = np.sqrt((projected**2).sum(axis=1).mean())
    machine = SVC(C=hyperparameters.penalty, gamma=hyperparameters.gamma, cache_size=1000)
    machine.fit(projected / length, is_all, sample_weight=weights)
    return KernelHead(
        mean=mean,
        scale=scale,
        projection=(projection / length).astype(np.float32),
        offset=(pca.mean_ @ projection / length).astype(np.float32),
        gamma=hyperparameters.gamma,
        support=machine.support_vectors_.astype(np.float32),
        coefficients=machine.dual_coef_[0].astype(np.float32),
        intercept=float(machine.intercept_[0]),
        mean_colour=mean_colour,
        whitening=_whitening_of_colours(standard[:, mean_colour]),
    )


def _whitening_of_colours(standard: Floats) -> Floats:
    values, vectors = np.linalg.eigh(np.cov(standard, rowvar=False))
    return np.asarray(vectors / np.sqrt(values + COLOUR_RIDGE), np.float32)


def _whitening_of_changes(changes: Sequence[tuple[Floats, float]]) -> Floats:
    """A map, shape (components, components), that shrinks the directions in which a cell moves though it stays itself.

    Within-class covariance normalisation (Hatch, Kajarekar & Stolcke 2006, Interspeech) with the pictures of one cell
    as the class, and with a share of the identity, so that no direction is lost. The identity also takes the share of
    a change of which there is no example.

    Args:
        changes: of each kind, differences between two pictures of one cell, shape (m, components), and its share.
    """
    mixed = np.zeros((changes[0][0].shape[1],) * 2)
    identity = 1.0
    for change, share in changes:
        covariance = change.T @ change
        if np.trace(covariance) > 0:
            mixed += share * len(covariance) / np.trace(covariance) * covariance
            identity -= share
    values, vectors = np.linalg.eigh(identity * np.eye(len(mixed)) + mixed)
    return np.asarray(vectors / np.sqrt(values), np.float32)
