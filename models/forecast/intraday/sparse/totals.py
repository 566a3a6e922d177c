"""The total of several periods to come, and the expected volume that liquidity is told from."""

import numpy as np
from numpy.typing import NDArray

from models.forecast.intraday.period_forecast import PeriodForecast

Floats = NDArray[np.float64]
DRAWS, SEED = 4000, 0
LEAST_SHARE = 0.05  # of the mean expected volume: liquidity is told from no less


def total_interval(
    forecast: PeriodForecast, expected: float, coverage: float, events: int
) -> tuple[float, float]:
    """Return the interval that the sum of all periods falls into with probability `coverage`.

    forecast: (N,); expected: the sum's mean, to which the draws are scaled; events: past
    measurements that the mean size rests on. Periods share the errors of the day's level, of its
    rate of occurrences and of the mean size; the noise beside them is their own.
    """
    rng = np.random.default_rng(SEED)
    shape = (DRAWS, len(forecast.log_mean))
    common = float(forecast.state_variance.min())
    own = np.sqrt(forecast.log_variance - common)
    doubt = float(np.expm1(forecast.noise_variance.mean())) / max(events, 1)
    level = np.sqrt(common + doubt) * rng.standard_normal((DRAWS, 1))
    sizes = np.exp(forecast.log_mean + level + own * rng.standard_normal(shape))
    spread = float(forecast.arrival_variance.mean())
    chance = np.minimum(forecast.occurrence, 1 - 1e-12)
    if spread > 0:
        rate = np.expm1(-spread * np.log1p(-chance)) / spread
        chance = -np.expm1(-rate * rng.gamma(1 / spread, spread, (DRAWS, 1)))
    occurs = (rng.random(shape) < chance) | (forecast.occurrence == 1)
    totals = np.where(occurs, sizes, 0.0).sum(axis=1)
    scale = expected / float(forecast.mean.sum())
    low, high = np.quantile(totals, [(1 - coverage) / 2, (1 + coverage) / 2]) * scale
    return float(low), float(high)


def liquidity_volume(volume: Floats, history: Floats) -> Floats:
    """Return expected volume, bounded below by a twentieth of the history's mean expected one.

    Thinness is a reference over it: without the bound one period in which hardly a trade is
    expected would outweigh all others in the mean that is 1.
    """
    return np.maximum(volume, LEAST_SHARE * float(np.nanmean(history)))
