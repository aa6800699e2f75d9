"""The head of a model as numpy sees it: a kernel machine, and the path from a typical normal cell to another cell."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from lambda_fn.manifest import ExplainedHead

Floats = NDArray[np.float32]
# Positions along the path, and their shares of the integral, shape (nodes,) each.
Rule = tuple[NDArray[np.float64], NDArray[np.float64]]
# Nodes of the Gauss-Legendre rule along the path. With 6 nodes the sum of the contributions misses the logit by up to
# .002, with 12 by less than float32 rounds; each costs one exponential for each support vector.
NODES = 12


@dataclass(frozen=True)
class Path:
    """The way from the baseline, a typical normal cell, to a cell.

    Attributes:
        weights: by which the cell's distance from the baseline counts, in logits for each unit of a feature, shape
            (features,). Weight times distance, summed over all features, is ``logit - baseline_logit``.
        differences: features of the cell minus features of the baseline, shape (features,).
        baseline: features of the baseline, shape (features,).
        logit: of the cell's probability.
        baseline_logit: of the baseline's.
        nearest: number of the support vector, from 0, that is nearest to the cell.
        distance: squared distance to it.
        colour_distance: squared distance of the cell's mean colour from the training cells', in the same unit.
    """

    weights: NDArray[np.float64]
    differences: NDArray[np.float64]
    baseline: NDArray[np.float64]
    logit: float
    baseline_logit: float
    nearest: int
    distance: float
    colour_distance: float


class KernelMachine:
    """A radial kernel machine on standardised, clipped and projected features."""

    def __init__(self, head: ExplainedHead, constants: Mapping[str, Floats]) -> None:
        """Prepare the constants.

        Args:
            head: gamma, clip and the position of the mean colour.
            constants: float32 arrays by name. ``mean``, ``scale`` and ``baseline``, shape (features,): a feature minus
                its mean times its scale is standardised, and the baseline is standardised already. ``projection``,
                shape (features, components), and ``offset``, shape (components,), which is added. ``support``, shape
                (components, m): support vectors times -2. ``coefficients``, shape (m, 1), and ``intercept``, shape
                (1,): of the logit. ``whitening``, shape (3, 3): of mean colours, in the unit of the distance.
        """
        self._gamma, self._clip, self._colour = head.gamma, head.clip, slice(*head.mean_colour)
        self._mean, self._scale = constants["mean"], constants["scale"]
        self._projection = constants["projection"]
        self._offset = constants["offset"].astype(np.float64)
        self._support = np.ascontiguousarray(constants["support"].T) / np.float32(-2)
        self._coefficients = constants["coefficients"][:, 0].astype(np.float64)
        self._intercept = float(constants["intercept"][0])
        self._whitening = constants["whitening"]
        self._baseline = constants["baseline"]
        self._lengths = (self._support.astype(np.float64) ** 2).sum(axis=1)
        self._start = self._project(self._baseline)
        self._start_products = self._products(self._start)

    def logit(self, features: Floats) -> float:
        """The logit of a cell's probability, from its features of shape (features,)."""
        end = self._project(((features - self._mean) * self._scale).clip(-self._clip, self._clip))
        return self._logit(self._distances(end, self._products(end)))

    def path(self, features: Floats, rule: Rule | None = None) -> Path:
        """Integrate the logit's gradient along the straight path from the baseline to a cell.

        Integrated gradients (Sundararajan, Taly & Yan 2017, arXiv 1703.01365) in the components, in which the gradient
        of the machine has a closed form. A clipped feature counts by the part of its distance that was not clipped.

        Args:
            features: of the cell, float32 of shape (features,).
            rule: positions between 0, the baseline, and 1, the cell, at which the gradient is taken, and the share of
                each in the integral; None for the usual ones.
        """
        unclipped = (features - self._mean) * self._scale
        standard = unclipped.clip(-self._clip, self._clip)
        end = self._project(standard)
        end_products = self._products(end)
        step = end - self._start
        positions, shares = rule or _gauss_legendre()
        start_distances = self._distances(self._start, self._start_products)
        slopes = 2 * (self._start @ step - (end_products - self._start_products))
        curve = float(step @ step)
        kernels = (
            np.exp(-self._gamma * (start_distances[:, None] + slopes[:, None] * positions + curve * positions**2))
            * self._coefficients[:, None]
        )
        sums, averages = kernels.sum(axis=0) * shares, kernels @ shares
        pull = multiply(averages.astype(np.float32), self._support)
        gradient = sums.sum() * self._start + (sums * positions).sum() * step - pull
        gradient *= -2 * self._gamma
        weights = multiply(self._projection, gradient.astype(np.float32)).astype(np.float64) * self._scale
        beyond = np.abs(unclipped) > self._clip
        far = np.where(beyond, unclipped - self._baseline, 1.0)
        weights *= np.where(beyond & (far != 0), (standard - self._baseline) / np.where(far == 0, 1.0, far), 1.0)
        distances = self._distances(end, end_products)
        nearest = int(distances.argmin())
        colour = standard[self._colour] @ self._whitening
        return Path(
            weights=weights,
            differences=(unclipped - self._baseline) / self._scale.astype(np.float64),
            baseline=self._baseline / self._scale.astype(np.float64) + self._mean,
            logit=self._logit(distances),
            baseline_logit=self._logit(start_distances),
            nearest=nearest,
            distance=float(distances[nearest]),
            colour_distance=float(colour @ colour),
        )

    def _project(self, standard: Floats) -> NDArray[np.float64]:
        return multiply(standard, self._projection).astype(np.float64) + self._offset

    def _products(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        return multiply(self._support, point.astype(np.float32)).astype(np.float64)

    def _distances(self, point: NDArray[np.float64], products: NDArray[np.float64]) -> NDArray[np.float64]:
        """Squared distance of a point to each support vector, shape (m,)."""
        return np.asarray(np.maximum(point @ point + self._lengths - 2 * products, 0.0))

    def _logit(self, distances: NDArray[np.float64]) -> float:
        return float(np.exp(-self._gamma * distances) @ self._coefficients + self._intercept)


def multiply(one: Floats, other: Floats) -> Floats:
    """Multiply a matrix by a vector, or a vector by a matrix, in one thread.

    ``@`` starts the threads of OpenBLAS for a matrix of this size. They spin while they wait for work, which takes 8 ms
    of processor time for what takes 0.3 ms here.
    """
    return np.asarray(np.einsum("ij,j->i" if one.ndim == 2 else "i,ij->j", one, other))


@cache
def _gauss_legendre() -> Rule:
    """Positions between 0 and 1, and their shares of the integral.

    They are the eigenvalues of the matrix of the Legendre polynomials' recurrence, and the squares of the first
    components of its eigenvectors (Golub & Welsch 1969, Math. Comp. 23). The zip leaves ``numpy.polynomial`` out.
    """
    order = np.arange(1, NODES)
    beside_the_diagonal = np.diag(order / np.sqrt(4.0 * order**2 - 1), 1)
    positions, vectors = np.linalg.eigh(beside_the_diagonal + beside_the_diagonal.T)
    return (positions + 1) / 2, vectors[0] ** 2
