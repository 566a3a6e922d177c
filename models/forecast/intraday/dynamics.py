"""The within-day dynamics of a log measurement, by moments, and the profile beside them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from models.forecast.intraday.profile import (
    additive_means,
    fit_profile,
    fit_sparse_profile,
    is_sparse,
)

Floats = NDArray[np.float64]
LAGS = (1, 2, 3, 5, 8, 13, 21, 34, 55)
LEAST_LAGS = 5
LEAST_PAIRS = 30  # at a lag, where most periods are empty
PRIOR_WEIGHT = 4  # measurements that the default noise weighs as much as, where they are so few
LEAST_VARIANCE = 1e-9  # of a measurement that never changes
# A state slower than the longest lag cannot be told from the level.
PHIS = 1 - np.geomspace(0.5, 0.01, 40)


@dataclass(frozen=True)
class Dynamics:
    """A stationary AR(1) a, and white noise e beside it.

    phi: a's coefficient a period; state_variance: a's, stationary; noise_variance: e's.
    """

    phi: float = 0.97
    state_variance: float = 0.06
    noise_variance: float = 0.3


def fit_dynamics(history: Floats) -> tuple[Dynamics, Floats]:
    """Return the dynamics and the time-of-day profile, (N,), of past days.

    history: (D, N) logs, NaN where missing. The dynamics are those of deviations from the period
    means, which fall short of the truth by (D - 1) / D; a single day has its profile removed
    instead. Where a tenth of the periods or more is empty, see `sparse_dynamics`.
    """
    days, (level, period) = len(history), additive_means(history)
    count = np.isfinite(history).sum(axis=0).astype(np.float64)
    if is_sparse(history):
        return sparse_dynamics(history, level, period)
    if days < 2:
        profile = fit_profile(period, count, 0.0, 0.0, days)
        return variogram_dynamics(history - profile, 1.0), profile
    dynamics = variogram_dynamics(history - period, days / (days - 1))
    return dynamics, fit_profile(
        period, count, dynamics.noise_variance, dynamics.state_variance, days
    )


def first_dynamics(seen: Floats) -> Dynamics:
    """Return the dynamics of a first day so far, (m,) logs, whose profile is not known."""
    if is_sparse(seen[None]):
        level = seen[np.isfinite(seen)].mean(keepdims=True)
        return sparse_dynamics(seen[None], level, np.zeros(len(seen)))[0]
    return variogram_dynamics(seen[None, :], 1.0)


def sparse_dynamics(history: Floats, level: Floats, period: Floats) -> tuple[Dynamics, Floats]:
    """Return dynamics and profile, (N,), of days most of whose periods are empty.

    history: (D, N) logs; level, period: additive means. A period has too few measurements for a
    mean of its own: its profile is that of `fit_sparse_profile`, and noise is what days and
    profile leave. A state that moves within the day is looked for where every lag has pairs.
    """
    known = np.isfinite(history)
    count = known.sum(axis=0).astype(np.float64)
    apart = np.where(known, history - level[:, None], 0.0)
    spread = _residual_variance(float((apart**2).sum()), known)
    means = np.divide(apart.sum(axis=0), count, out=np.zeros(len(period)), where=count > 0)
    profile = fit_sparse_profile(means, count, spread, float(count.sum()))
    rest = history - profile
    left = np.where(known, rest, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    squares = float((np.where(known, rest - left[:, None], 0.0) ** 2).sum())
    pairs = [
        int((known[:, lag:] & known[:, :-lag]).sum()) for lag in LAGS if 2 * lag <= len(period)
    ]
    if len(pairs) >= LEAST_LAGS and min(pairs) >= LEAST_PAIRS:
        return variogram_dynamics(rest, 1.0), profile
    return Dynamics(PHIS[-1], LEAST_VARIANCE, _residual_variance(squares, known)), profile


def _residual_variance(squares: float, known: NDArray[np.bool_]) -> float:
    """Return the variance within days, drawn to the default where measurements are few."""
    free = float(known.sum() - known.any(axis=1).sum())
    prior = Dynamics()
    usual = prior.noise_variance + prior.state_variance
    return (squares + PRIOR_WEIGHT * usual) / (free + PRIOR_WEIGHT)


def variogram_dynamics(rest: Floats, inflation: float) -> Dynamics:
    """Return the dynamics behind deviations from the profile, days' levels included.

    rest: (D, N), NaN where missing.
    Half the mean squared change over h periods is noise + state (1 - phi^h) whatever the level; it
    is fitted by least relative squares after multiplication by `inflation`. The defaults stand
    where fewer than five lags can be measured over at least as many periods as they span.
    """
    found = [
        (lag, (rest[:, lag:] - rest[:, :-lag]) ** 2 / 2) for lag in LAGS if 2 * lag <= rest.shape[1]
    ]
    known = [
        (lag, float(np.nanmean(square)) * inflation)
        for lag, square in found
        if np.isfinite(square).any()
    ]
    if len(known) < LEAST_LAGS:
        return Dynamics()
    lags, values = np.maximum(np.array(known).T, LEAST_VARIANCE)
    fits = []
    for phi in PHIS:
        design = np.column_stack([np.ones(len(lags)), 1 - phi**lags]) / values[:, None]
        (noise, state), miss = nnls(design, np.ones(len(lags)))
        fits.append((miss, phi, state, noise))
    _, phi, state, noise = min(fits)
    return Dynamics(float(phi), float(state), float(max(noise, LEAST_VARIANCE)))
