"""Inference beside the sandwich: cluster bootstrap, and one covariance over two fits."""

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from models.inference.bootstrap import Bootstrap, DrawMap, block_bootstrap
from models.inference.covariance import ClusterSums, Covariance, Influence

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def one_step_bootstrap(
    values: Floats,
    sums: ClusterSums,
    transform: Floats,
    repetitions: int,
    seed: int,
    between: Floats | None = None,
    mapped: DrawMap = map,
) -> Bootstrap:
    """Draw clusters with replacement and move the estimates by one Newton step on what was drawn.

    values: (q,) estimates; transform: (q, p), their derivative in the equations' parameters;
    between: (m, q), rows whose cross product is the covariance that days add to their parts', drawn
    as normal. The
    step uses the information of the drawn clusters, so that it goes beyond the sandwich in their
    unevenness, not in the law's curvature; their slopes themselves may be indefinite where a
    parameter is imprecise.
    Raises: ValueError with fewer than two clusters, or when most replicates are singular.
    Source: Cameron, Gelbach, Miller 2008 for the clusters; Davidson, MacKinnon 1999, "Bootstrap
    testing in nonlinear models", for the single step.
    """
    slope = np.linalg.solve(sums.slopes.sum(axis=0), sums.information.sum(axis=0))
    estimate = partial(_stepped, values, sums, transform @ slope)
    drawn = block_bootstrap(estimate, np.arange(len(sums.labels)), repetitions, seed, mapped)
    if between is None or not len(between):
        return drawn
    shocks = np.random.default_rng([seed, 1]).normal(size=(len(drawn.estimates), len(between)))
    return replace(drawn, estimates=drawn.estimates + shocks @ between)


def _stepped(values: Floats, sums: ClusterSums, slope: Floats, drawn: Ints) -> Floats:
    weight = np.bincount(drawn, minlength=len(sums.labels)).astype(np.float64)
    try:
        step = np.linalg.solve(np.tensordot(weight, sums.information, 1), weight @ sums.scores)
    except np.linalg.LinAlgError:
        raise ValueError("drawn: these clusters do not determine the estimates") from None
    return np.asarray(values - slope @ step)


def slope_influence(x: Floats, y: Floats, cluster: Ints) -> Influence:
    """Return what each cluster did to the slope of y on x and a constant.

    x, y, cluster: (n,), NaN are left out.
    Source: Huber 1981, "Robust Statistics", section 1.3, for least squares.
    """
    known = np.isfinite(x) & np.isfinite(y)
    labels, code = np.unique(cluster[known], return_inverse=True)
    apart = x[known] - x[known].mean()
    power = (apart**2).sum()
    if not power > 0:
        return Influence(labels, np.zeros((len(labels), 1)), np.zeros(1))
    slope = (apart * y[known]).sum() / power
    error = y[known] - y[known].mean() - slope * apart
    values = np.zeros((len(labels), 1))
    np.add.at(values[:, 0], code, apart * error / power)
    return Influence(labels, values, np.array([len(labels) - 1.0]))


def joined(
    covariance: Covariance, influence: Influence, name: str, other: Influence, error: float
) -> Covariance:
    """Return the covariance of a fit and of one more estimate on the same clusters.

    influence: on the fit's parameters; other: on the one to be added, (G, 1), by cluster; error:
    its standard error, as its own estimator found it. Their correlations come from the clusters'
    influence on both, so that the whole is positive semidefinite.
    """
    labels = np.union1d(influence.labels, other.labels)
    both = np.zeros((len(labels), len(covariance.names) + 1))
    both[np.searchsorted(labels, influence.labels), :-1] = influence.values
    both[np.searchsorted(labels, other.labels), -1] = other.values[:, 0]
    found = np.linalg.norm(both[:, -1])
    both[:, -1] *= error / found if found > 0 else 0.0
    matrix = both.T @ both
    matrix[-1, -1] = error**2
    dof = None if covariance.dof is None else np.append(covariance.dof, other.dof)
    return Covariance((*covariance.names, name), matrix, dof)
