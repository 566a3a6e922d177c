"""The VWAP curve: how the day's volume is expected to accumulate."""

import numpy as np
from numpy.typing import NDArray

from models.forecast.intraday.period_forecast import PeriodForecast

Floats = NDArray[np.float64]


def expected_volume_curve(ahead: PeriodForecast, history: Floats) -> Floats:
    """Return the expected cumulative share of a day's volume after each period, (N,).

    ahead: the day's forecast, (N,); history: (D, N) logs of past days, NaN where nothing traded.
    The average of the forecast's curve and of the past days' own: the first is smooth, the second
    knows where volume is concentrated.
    """
    curves = [ahead.occurrence * np.exp(ahead.log_mean)]
    if len(history):
        volumes = np.where(np.isfinite(history), np.exp(history), 0.0)
        traded = volumes[volumes.sum(axis=1) > 0]
        curves += [(traded / traded.sum(axis=1, keepdims=True)).mean(axis=0)] if len(traded) else []
    return np.asarray(np.mean([each.cumsum() / each.sum() for each in curves], axis=0))
