"""Levels by time of day, shrunk toward a smooth curve as far as their errors call for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.inference.caveat import Caveat

Floats = NDArray[np.float64]
DEVIATIONS = np.geomspace(0.01, 2.0, 24)  # candidates for the curve's standard deviation, in logs
# candidates for the range over which it stays alike, shares of the session
LENGTHS = np.array([0.1, 0.2, 0.4, 0.8])
LEAST_LEVELS = 4


@dataclass(frozen=True, eq=False)
class ProfileFit:
    """A smooth curve of log levels over the session, and all parameters given it.

    values, covariance: (p,), (p, p) of the parameters after shrinkage, levels first. curve,
    curve_errors: (N,) at the times asked for. weights: (B, B), each row sums to 1: the shrunk
    levels are weights @ estimates. effective_dof: their trace, 1 for a flat line and B without
    shrinkage. deviation, length: posterior means of the curve's standard deviation and range; NaN
    where nothing was shrunk.
    """

    values: Floats
    covariance: Floats
    curve: Floats
    curve_errors: Floats
    weights: Floats
    deviation: float
    length: float
    warnings: tuple[Caveat, ...]

    @property
    def effective_dof(self) -> float:
        """Return how many free levels the shrunk ones amount to."""
        return float(np.trace(self.weights))

    @property
    def own_weight(self) -> Floats:
        """Return the weight of each level's own estimate in its shrunk value, (B,)."""
        return np.diag(self.weights).copy()

    def summary(self) -> str:
        """Return the fit as text."""
        own = " ".join(f"{weight:.2f}" for weight in self.own_weight)
        lines = [
            "Time-of-day levels shrunk to a smooth curve (Gaussian process, restricted likelihood)",
            f"levels {len(self.weights)}  effective {self.effective_dof:.2f}",
            f"standard deviation {self.deviation:.3g}  range {self.length:.2g} of the session",
            f"weights of own estimates {own}",
        ]
        return "\n".join(lines + [f"{caveat.code}: {caveat.message}" for caveat in self.warnings])


@dataclass(frozen=True, eq=False)
class _Smoother:
    """Weights of the estimates in the levels (B, B) and in the curve (N, B).

    They are given deviation and length. unseen: the variance of what they miss of the curve itself,
    (B, B) and (N,).
    """

    likelihood: float
    weights: Floats
    curve: Floats
    unseen: Floats
    unseen_curve: Floats


def shrink_profile(
    estimates: Floats, covariance: Floats, midpoints: Floats, times: Floats
) -> ProfileFit:
    """Take the levels as noisy views of one smooth curve: return it and what it says of them.

    estimates: (p,), log levels by bucket first, then any others, with covariance (p, p); midpoints:
    (B,) of the buckets and times: (N,) asked for, shares of the session. The curve is an unknown
    mean plus a Gaussian process with Matern-5/2 covariance. Its deviation (uniform prior) and
    length are averaged over by their restricted likelihood, so that a flat curve is neither assumed
    nor excluded. The weights see each level's own error only, half of it that of the median level:
    a few clusters tell correlations so badly that optimal weights would leave the range of the
    data. The covariance is the sandwich of these weights with the whole matrix given. Other
    parameters stay. With fewer than four levels, or none with an error, nothing is shrunk and the
    curve joins them by straight lines.
    Raises: ValueError naming the argument.
    Source: Rasmussen, Williams 2006, "Gaussian Processes for Machine Learning", eqs. (2.41)-(2.42),
    (4.17); Harville 1974 for the restricted likelihood; Gelman 2006, "Prior distributions for
    variance parameters in hierarchical models", section 4.1, for the prior.
    """
    levels = len(midpoints)
    if np.shape(covariance) != (len(estimates), len(estimates)) or len(estimates) < levels:
        raise ValueError(
            f"covariance: shape {np.shape(covariance)} for {len(estimates)} estimates, {levels} "
            "levels"
        )
    exact = not np.diag(covariance)[:levels].any()  # a spread that is always the tick, say
    if exact or levels < LEAST_LEVELS:
        return _unshrunk(estimates, covariance, midpoints, times)
    of_levels = covariance[:levels, :levels]
    own, error = estimates[:levels], np.diag(_own_variance(of_levels))
    pairs = np.array([(deviation, length) for length in LENGTHS for deviation in DEVIATIONS])
    found = [_smoother(own, error, midpoints, times, pair) for pair in pairs]
    log_weight = np.array([one.likelihood for one in found]) + np.log(pairs[:, 0])
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()

    def mean(name: str) -> Floats:
        return np.asarray(
            np.tensordot(weight, np.stack([getattr(one, name) for one in found]), axes=1)
        )

    apart = np.stack([one.weights @ own for one in found]) - mean("weights") @ own
    away = np.stack([one.curve @ own for one in found]) - mean("curve") @ own
    shrink = np.eye(len(estimates))
    shrink[:levels, :levels] = mean("weights")
    spread = shrink @ covariance @ shrink.T
    spread[:levels, :levels] += mean("unseen") + (apart * weight[:, None]).T @ apart
    curve = mean("curve")
    variance = np.einsum("nb,bc,nc->n", curve, of_levels, curve) + mean("unseen_curve")
    return ProfileFit(
        values=shrink @ estimates,
        covariance=spread,
        curve=curve @ own,
        curve_errors=np.sqrt(variance + weight @ away**2),
        weights=mean("weights"),
        deviation=float(weight @ pairs[:, 0]),
        length=float(weight @ pairs[:, 1]),
        warnings=(),
    )


def _own_variance(error: Floats) -> Floats:
    """Return each level's variance without what all levels share, averaged with the median, (B,).

    It is that of the distances from the mean level, from which independent errors would have their
    own back.
    """
    count = len(error)
    contrast = np.eye(count) - 1 / count
    apart = np.diag(contrast @ error @ contrast)
    own = np.maximum((apart - apart.sum() / (count - 1) / count) / (1 - 2 / count), 0.0)
    return np.asarray((own + np.median(own)) / 2)


def _smoother(
    own: Floats, error: Floats, midpoints: Floats, times: Floats, pair: Floats
) -> _Smoother:
    """Return the weights and the log restricted likelihood, given deviation and length."""
    prior, across = _matern(midpoints, midpoints, pair), _matern(times, midpoints, pair)
    total = error + prior
    inverse = np.linalg.inv(total)
    column = inverse.sum(axis=1)
    precision = column.sum()
    residual = inverse - np.outer(column, column) / precision  # of what the mean leaves
    left = error @ residual
    curve = column / precision + across @ residual
    unseen = (
        pair[0] ** 2
        - 2 * (curve * across).sum(axis=1)
        + np.einsum("nb,bc,nc->n", curve, prior, curve)
    )
    return _Smoother(
        likelihood=-0.5
        * float(np.linalg.slogdet(total)[1] + np.log(precision) + own @ residual @ own),
        weights=np.eye(len(own)) - left,
        curve=curve,
        unseen=left @ prior @ left.T,
        unseen_curve=np.maximum(unseen, 0.0),
    )


def _matern(one: Floats, other: Floats, pair: Floats) -> Floats:
    deviation, length = pair
    distance = np.sqrt(5.0) * np.abs(one[:, None] - other) / length
    return np.asarray(deviation**2 * (1 + distance + distance**2 / 3) * np.exp(-distance))


def _unshrunk(
    estimates: Floats, covariance: Floats, midpoints: Floats, times: Floats
) -> ProfileFit:
    levels = len(midpoints)
    joined = np.stack([np.interp(times, midpoints, unit) for unit in np.eye(levels)], axis=-1)
    variance = np.einsum("nb,bc,nc->n", joined, covariance[:levels, :levels], joined)
    message = (
        f"{levels} time-of-day levels are too few to shrink to a curve, or exact: each "
        "stands for itself"
    )
    return ProfileFit(
        values=estimates,
        covariance=covariance,
        curve=joined @ estimates[:levels],
        curve_errors=np.sqrt(variance),
        weights=np.eye(levels),
        deviation=np.nan,
        length=np.nan,
        warnings=(Caveat("profile_not_shrunk", message),) if levels > 1 else (),
    )
