"""Sampling covariance of estimates, robust to dependence within clusters."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Covariance:
    """A covariance matrix with its parameters' names; a parameter that was fixed has zeros.

    Shapes: names (p,), matrix (p, p).
    """

    names: tuple[str, ...]
    matrix: Floats

    @property
    def standard_errors(self) -> Floats:
        """Return the square roots of the diagonal, shape (p,)."""
        return np.sqrt(np.diag(self.matrix))

    def delta(self, jacobian: Floats) -> Floats:
        """Return the covariance of functions of the parameters, shape (q, q).

        jacobian: (q, p), their derivatives at the estimate.
        Source: the delta method, e.g. van der Vaart 1998, "Asymptotic Statistics", theorem 3.1.
        """
        return jacobian @ self.matrix @ jacobian.T


def clustered(bread: Floats, scores: Floats, cluster: NDArray[np.int64]) -> Floats:
    """Return the sandwich covariance of a Z-estimator whose scores are dependent within clusters, shape (p, p).

    bread: (p, p), derivative of the summed scores; scores: (n, p); cluster: (n,), any labels. The correction
    for few clusters is G / (G - 1).
    Raises: ValueError with fewer than two clusters.
    Source: Liang, Zeger 1986, "Longitudinal data analysis using generalized linear models", eq. (6).
    """
    labels, code = np.unique(cluster, return_inverse=True)
    if len(labels) < 2:
        raise ValueError(f"cluster: {len(labels)} found, at least 2 are needed for standard errors")
    sums = np.column_stack([np.bincount(code, column, len(labels)) for column in scores.T])
    meat = sums.T @ sums * len(labels) / (len(labels) - 1)
    half = np.linalg.solve(bread, meat)
    return np.linalg.solve(bread, half.T)
