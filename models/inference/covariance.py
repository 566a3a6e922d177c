"""Sampling covariance of estimates, robust to dependence within clusters."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.inference.day_shifts import Days, DayShifts, day_shifts

Floats = NDArray[np.float64]
# of the information outside one cluster: below it the cluster alone decides, its score is zero
OWN_DIRECTION = 1e-8


@dataclass(frozen=True, eq=False)
class Covariance:
    """A covariance matrix with its parameters' names; a parameter that was fixed has zeros.

    Shapes: names (p,), matrix (p, p), dof (p,): degrees of freedom of t for each estimate, normal
    without them.
    """

    names: tuple[str, ...]
    matrix: Floats
    dof: Floats | None = None

    @property
    def standard_errors(self) -> Floats:
        """Return the square roots of the diagonal, shape (p,)."""
        return np.sqrt(np.diag(self.matrix))

    def reach(self, level: float = 0.95) -> Floats:
        """Return how far the intervals go to either side of the estimates, shape (p,)."""
        dof = np.inf if self.dof is None else self.dof
        return np.asarray(stats.t.ppf((1 + level) / 2, dof)) * self.standard_errors

    def delta(self, jacobian: Floats) -> Floats:
        """Return the covariance of functions of the parameters, shape (q, q).

        jacobian: (q, p), their derivatives at the estimate.
        Source: the delta method, e.g. van der Vaart 1998, "Asymptotic Statistics", theorem 3.1.
        """
        return jacobian @ self.matrix @ jacobian.T


def clustered(bread: Floats, scores: Floats, cluster: NDArray[np.int64]) -> Floats:
    """Return the sandwich covariance of a Z-estimator with clustered scores, (p, p).

    Scores may depend on each other within clusters. bread: (p, p), derivative of the summed scores;
    scores: (n, p); cluster: (n,), any labels. The correction for few clusters is G / (G - 1).
    Raises: ValueError with fewer than two clusters.
    Source: Liang, Zeger 1986, "Longitudinal data analysis using generalized linear models", eq.
    (6).
    """
    labels, code = np.unique(cluster, return_inverse=True)
    if len(labels) < 2:
        raise ValueError(f"cluster: {len(labels)} found, at least 2 are needed for standard errors")
    sums = np.column_stack([np.bincount(code, column, len(labels)) for column in scores.T])
    meat = sums.T @ sums * len(labels) / (len(labels) - 1)
    half = np.linalg.solve(bread, meat)
    return np.linalg.solve(bread, half.T)


@dataclass(frozen=True, eq=False)
class ClusterSums:
    """A Z-estimator's equations summed by cluster.

    labels: (G,) of the clusters, not negative; scores: (G, p); slopes: (G, p, p), derivative of the
    scores in the parameters; information: (G, p, p), symmetric, the expected value of minus the
    slopes; days: of the clusters, where they are parts of days; alone: (G, p), each cluster's score
    with what is estimated of its day estimated without it, where that is no parameter.
    """

    labels: NDArray[np.int64]
    scores: Floats
    slopes: Floats
    information: Floats
    days: Days | None = None
    alone: Floats | None = None


@dataclass(frozen=True, eq=False)
class Influence:
    """What each cluster did to estimates; their covariance is values' values.

    labels: (G,), negative those of rows that stand for what moves from day to day; values: (G, q);
    dof: (q,) degrees of freedom of each variance, 0 where it is 0; shifts: of the days, where they
    are no clusters, and responses: (D, r, q), of the functions to a unit of each.
    """

    labels: NDArray[np.int64]
    values: Floats
    dof: Floats
    shifts: DayShifts | None = None
    responses: Floats | None = None

    @property
    def covariance(self) -> Floats:
        """Return the covariance, (q, q)."""
        return self.values.T @ self.values

    @property
    def between(self) -> Floats:
        """Return the rows of what moves from day to day, (m, q)."""
        return self.values[self.labels < 0]


def jackknifed(sums: ClusterSums, transform: Floats) -> Influence:
    """Return clusters' influence on linear functions, corrected for few and uneven clusters.

    transform: (q, p), the functions. Each cluster's score is divided by the share of information
    that the other clusters hold, which makes its influence that of leaving it out, to first order;
    the degrees of freedom are those of Satterthwaite under independent cells. For least squares
    this is CR3, the cluster jackknife. Where the clusters are parts of several days, what moves
    from day to day is added (`models.inference.day_shifts`).
    Raises: ValueError with fewer than two clusters.
    Source: Bell, McCaffrey 2002, "Bias reduction in standard errors for linear regression with
    multi-stage samples", sections 2 and 4; MacKinnon, Nielsen, Webb 2023, "Cluster-robust
    inference: a guide to empirical practice", section 2.4, for the form with the inverse in the
    parameters' space.
    """
    if len(sums.labels) < 2:
        raise ValueError(
            f"cluster: {len(sums.labels)} found, at least 2 are needed for standard errors"
        )
    lower = np.linalg.cholesky(sums.information.sum(axis=0))
    inverse = np.linalg.inv(lower)
    own = inverse @ sums.information @ inverse.T
    share, axes = np.linalg.eigh(own)
    left = 1 - share
    factor = np.where(left > OWN_DIRECTION, 1 / np.maximum(left, OWN_DIRECTION), 0.0)
    adjust = lower @ (axes * factor[:, None, :]) @ np.swapaxes(axes, 1, 2) @ inverse
    pull = -np.linalg.solve(sums.slopes.sum(axis=0).T, transform.T)
    scores = sums.scores if sums.alone is None else sums.alone
    adjusted = np.einsum("gij,gj->gi", adjust, scores)
    values = adjusted @ pull
    reached = np.einsum("gji,jq->giq", adjust, pull)
    weighted = sums.information @ reached
    dof = np.zeros(len(transform))
    for place in np.flatnonzero((values != 0).any(axis=0)):
        dof[place] = _dof(inverse, reached[:, :, place], weighted[:, :, place])
    found = Influence(sums.labels, values, dof)
    if sums.days is None or not sums.days.several:
        return found
    return _with_days(found, day_shifts(sums.days, sums.scores, adjusted, sums.information), pull)


def _dof(inverse: Floats, reached: Floats, weighted: Floats) -> float:
    """Return Satterthwaite's degrees of freedom; reached, weighted: (G, p), without and with each
    cluster's information.
    """
    apart = weighted @ inverse.T
    gram = -apart @ apart.T
    gram[np.diag_indices_from(gram)] += (reached * weighted).sum(axis=1)
    return float(np.trace(gram) ** 2 / (gram**2).sum())


def _with_days(within: Influence, shifts: DayShifts, pull: Floats) -> Influence:
    """Add to the influence of blocks that of days; pull: (p, q), of the summed scores.

    Along the directions in which days differ the degrees of freedom are the days', in the others
    the blocks' (Satterthwaite 1946).
    """
    rows = shifts.influence(pull)
    values = np.concatenate([within.values, rows])
    variance = (values**2).sum(axis=0)
    seen, dof = shifts.seen(pull)
    seen = np.minimum(seen, variance)
    some = variance > 0
    spread = seen[some] ** 2 / dof[some] + (variance - seen)[some] ** 2 / within.dof[some]
    found = np.zeros(len(variance))
    found[some] = variance[some] ** 2 / spread
    labels = np.concatenate([within.labels, -1 - np.arange(len(rows))])
    return Influence(labels, values, found, shifts, np.swapaxes(shifts.pushes, 1, 2) @ pull)
