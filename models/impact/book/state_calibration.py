"""Predicted states as a law is fitted to them: moved to the mean of what came of them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.impact.book.cost_law import CostLawFit
from models.impact.book.two_way import apart
from models.inference.covariance import ClusterSums, Covariance, Influence, jackknifed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SINGULAR = 1e-9  # least eigenvalue of the predictions' correlation that is not rounding


@dataclass(frozen=True, eq=False)
class StateSlopes:
    """How states follow their predictions away from what is usual at their time of day and on
    their day.

    deviation: (m, n) log predictions less what is usual in the bucket and on the day; slopes:
    (m, m), of each state's log outcome, by row, on all deviations; influence: of each cluster on
    the slopes, row by row, (G, m m), as leaving it out moves them (`jackknifed`).
    """

    deviation: Floats
    slopes: Floats
    influence: Influence

    @property
    def standard_errors(self) -> Floats:
        """Return the slopes' standard errors, (m, m), 0 where they are not estimated."""
        return np.linalg.norm(self.influence.values, axis=0).reshape(self.slopes.shape)

    def factors(self, slopes: Floats) -> Floats:
        """Return what moves predictions to usual + slopes (prediction - usual) in logs, (m, n)."""
        return np.exp((slopes - np.eye(len(slopes))) @ self.deviation)


def state_slopes(
    predicted: Floats, realized: Floats, bucket: Ints, day: Ints, cluster: Ints
) -> StateSlopes:
    """Regress log outcomes on log predictions, all less their effects of bucket and day.

    predicted, realized: (m, n), NaN or 0 where unknown; bucket, day: (n,), which have levels of
    their own in the law; cluster: (n,). A prediction with an error of its own makes a law's
    coefficient too small; one moved by these slopes differs from the state by an error that no
    prediction correlates with (Berkson's). Buckets and days keep theirs, which the law's levels
    stand for. Predictions stay where they never differ apart from each other, or nothing came of
    them.
    Source: Carroll et al. 2006, "Measurement Error in Nonlinear Models", sections 4.1-4.4,
    regression calibration.
    """
    x, y = (np.log(np.where(each > 0, each, np.nan)) for each in (predicted, realized))
    states, told = len(x), np.asarray(np.isfinite(np.array(x)).all(axis=0))
    labels, code = np.unique(cluster, return_inverse=True)
    slopes = np.eye(states)
    influence = np.zeros((len(labels), states, states))
    for place, outcome in enumerate(y):
        known = told & np.isfinite(outcome)
        beside, *others = (_apart(each, known, bucket, day) for each in (outcome, *x))
        moved = np.array(others)
        power = moved @ moved.T
        scale = np.sqrt(np.maximum(np.diag(power), np.finfo(float).tiny))
        alone = len(np.unique(code[known])) < 2
        if alone or np.linalg.eigvalsh(power / np.outer(scale, scale))[0] < SINGULAR:
            continue
        slopes[place] = np.linalg.solve(power, moved @ beside)
        effects = _effects(bucket[known], day[known])
        design = np.column_stack([effects, moved[:, known].T])
        sums = _sums(design, (beside - slopes[place] @ moved)[known], day[known], code[known])
        own = jackknifed(sums, np.eye(design.shape[1])[-states:])
        influence[sums.labels, place] = own.values
    values = influence.reshape(len(labels), -1)
    found = Influence(labels, values, np.full(values.shape[1], len(labels) - 1.0))
    deviation = np.array([_apart(each, told, bucket, day, np.nan) for each in x])
    return StateSlopes(deviation, slopes, found)


def _effects(bucket: Ints, day: Ints) -> Floats:
    """Return columns that span what buckets do within days, (n, r)."""
    marks = np.eye(bucket.max() + 1)[bucket]
    inside = marks - _day_means(marks, day)
    share, axes = np.linalg.eigh(inside.T @ inside)
    return np.asarray(marks @ axes[:, share > SINGULAR * len(day)])


def _day_means(value: Floats, day: Ints) -> Floats:
    """Return each row's means over its day; value: (n, p)."""
    code = np.unique(day, return_inverse=True)[1]
    sums = np.zeros((code.max() + 1, value.shape[1]))
    np.add.at(sums, code, value)
    return np.asarray((sums / np.bincount(code)[:, None])[code])


def _sums(design: Floats, error: Floats, day: Ints, cluster: Ints) -> ClusterSums:
    """Return the equations of least squares within days by cluster; design: (n, p)."""
    labels, first, code = np.unique(cluster, return_index=True, return_inverse=True)
    inside = design - _day_means(design, day)
    own, scores = np.zeros((2, len(labels), design.shape[1]))
    information = np.zeros((len(labels), *2 * design.shape[1:]))
    np.add.at(scores, code, inside * error[:, None])
    np.add.at(information, code, inside[:, :, None] * inside[:, None, :])
    np.add.at(own, code, inside)
    whole = np.unique(day, return_inverse=True)[1]
    others = np.bincount(whole)[whole[first]] - np.bincount(code)
    others = np.maximum(others, 1)[:, None]  # the errors of a day of one cluster sum to zero
    alone = scores + own / others * np.bincount(code, error)[:, None]
    return ClusterSums(labels, scores, -information, information, alone=alone)


def _apart(
    value: Floats, known: NDArray[np.bool_], bucket: Ints, day: Ints, unknown: float = 0.0
) -> Floats:
    """Return known rows less their effects of bucket and day, and `unknown` for the others."""
    filled = np.where(known, value, 0.0)
    return np.where(known, apart(filled, known.astype(np.float64), bucket, day), unknown)


def with_slopes_errors(fit: CostLawFit, sensitivity: Floats, slopes: StateSlopes) -> CostLawFit:
    """Return the law with the errors of the slopes that its states were moved by.

    sensitivity: (m m, q), derivative of the law's values in the slopes. Each cluster acts on the
    values through the slopes beside its own walks. What is held keeps no error.
    Source: Newey, McFadden 1994, "Large sample estimation and hypothesis testing", section 6.1,
    for two steps.
    """
    other = slopes.influence
    labels = np.union1d(fit.influence.labels, other.labels)
    values = np.zeros((len(labels), len(fit.values)))
    values[np.searchsorted(labels, fit.influence.labels)] = fit.influence.values
    estimated = fit.covariance.standard_errors > 0
    values[np.searchsorted(labels, other.labels)] += other.values @ sensitivity * estimated
    influence = replace(fit.influence, labels=labels, values=values)
    covariance = Covariance(fit.names, influence.covariance, fit.covariance.dof)
    return replace(fit, influence=influence, covariance=covariance)
