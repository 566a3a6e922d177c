"""The within-day dynamics of a log measurement, by moments, and the profile beside them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from models.forecast.intraday.profile import additive_means, fit_profile

Floats = NDArray[np.float64]
LAGS = (1, 2, 3, 5, 8, 13, 21, 34, 55)
LEAST_LAGS = 5
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
    instead.
    """
    days, period = len(history), additive_means(history)[1]
    count = np.isfinite(history).sum(axis=0).astype(np.float64)
    if days < 2:
        profile = fit_profile(period, count, 0.0, 0.0, days)
        return variogram_dynamics(history - profile, 1.0), profile
    dynamics = variogram_dynamics(history - period, days / (days - 1))
    return dynamics, fit_profile(
        period, count, dynamics.noise_variance, dynamics.state_variance, days
    )


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
