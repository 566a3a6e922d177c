"""Predicted states as a law is fitted to them: moved to the mean of what came of them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.impact.book.cost_law import CostLawFit
from models.inference.covariance import Covariance, Influence

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SINGULAR = 1e-9  # least eigenvalue of the predictions' correlation that is not rounding


@dataclass(frozen=True, eq=False)
class StateSlopes:
    """How states follow their predictions away from what is usual at their time of day.

    deviation: (m, n) log predictions less their means in the time-of-day bucket; slopes: (m, m),
    of each state's log outcome, by row, on all deviations; influence: of each cluster on the
    slopes, row by row, (G, m m).
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


def state_slopes(predicted: Floats, realized: Floats, bucket: Ints, cluster: Ints) -> StateSlopes:
    """Regress log outcomes on log predictions, all less their means by time-of-day bucket.

    predicted, realized: (m, n), NaN or 0 where unknown; bucket: (n,), those with levels of their
    own in the law; cluster: (n,). A prediction with an error of its own makes a law's coefficient
    too small; one moved by these slopes differs from the state by an error that no prediction
    correlates with (Berkson's). Each bucket keeps its mean, which the law's level stands for.
    Predictions stay where they never differ apart from each other, or nothing came of them.
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
        apart = np.array([_apart(each, known, bucket) for each in x])
        power = apart @ apart.T
        scale = np.sqrt(np.maximum(np.diag(power), np.finfo(float).tiny))
        if np.linalg.eigvalsh(power / np.outer(scale, scale))[0] < SINGULAR:
            continue
        beside = _apart(outcome, known, bucket)
        slopes[place] = np.linalg.solve(power, apart @ beside)
        scores = np.zeros((len(labels), states))
        np.add.at(scores, code, (apart * (beside - slopes[place] @ apart)).T)
        influence[:, place] = np.linalg.solve(power, scores.T).T
    values = influence.reshape(len(labels), -1)
    found = Influence(labels, values, np.full(values.shape[1], len(labels) - 1.0))
    deviation = np.array([_apart(each, told, bucket, np.nan) for each in x])
    return StateSlopes(deviation, slopes, found)


def _apart(value: Floats, known: NDArray[np.bool_], bucket: Ints, unknown: float = 0.0) -> Floats:
    """Return known rows less their means by bucket, and `unknown` for the others."""
    total, number = (
        np.bincount(bucket, weight, bucket.max() + 1)
        for weight in (np.where(known, value, 0.0), known.astype(np.float64))
    )
    mean = total / np.maximum(number, 1)
    return np.where(known, value - mean[bucket], unknown)


def with_slopes_errors(fit: CostLawFit, sensitivity: Floats, slopes: StateSlopes) -> CostLawFit:
    """Return the law with the errors of the slopes that its states were moved by.

    sensitivity: (m m, q), derivative of the law's values in the slopes. Each cluster acts on the
    values through the slopes beside its own walks.
    Source: Newey, McFadden 1994, "Large sample estimation and hypothesis testing", section 6.1,
    for two steps.
    """
    other = slopes.influence
    labels = np.union1d(fit.influence.labels, other.labels)
    values = np.zeros((len(labels), len(fit.values)))
    values[np.searchsorted(labels, fit.influence.labels)] = fit.influence.values
    values[np.searchsorted(labels, other.labels)] += other.values @ sensitivity
    influence = replace(fit.influence, labels=labels, values=values)
    covariance = Covariance(fit.names, influence.covariance, fit.covariance.dof)
    return replace(fit, influence=influence, covariance=covariance)
