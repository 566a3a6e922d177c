"""Losses that rank forecasts and fits, and the seasonal baseline that any of them has to beat."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def gamma_deviance(observed: Floats, predicted: Floats) -> Floats:
    """Return each observation's unit Gamma deviance; NaN where the observation is 0, whose deviance
    is infinite.

    observed: (n,) >= 0; predicted: (n,) > 0. Average with `nanmean` and count the NaN.
    Source: McCullagh, Nelder 1989, "Generalized Linear Models", section 8.3.
    """
    ratio = np.where(observed > 0, observed / predicted, np.nan)
    return 2 * (ratio - 1 - np.log(ratio))


def qlike(realized: Floats, forecast: Floats) -> float:
    """Return the mean QLIKE loss of variance forecasts over the pairs where both are known and
    positive.

    Source: Patton 2011, "Volatility forecast comparison using imperfect volatility proxies", eq.
    (24).
    """
    known = (realized > 0) & (forecast > 0)
    ratio = realized[known] / forecast[known]
    return float((ratio - np.log(ratio) - 1).mean()) if known.any() else float("nan")


def mse_log(realized: Floats, forecast: Floats) -> float:
    """Return the mean squared difference of logarithms over the pairs where both are known and
    positive.
    """
    known = (realized > 0) & (forecast > 0)
    return (
        float((np.log(realized[known] / forecast[known]) ** 2).mean())
        if known.any()
        else float("nan")
    )


def seasonal_baseline(history: Floats) -> Floats:
    """Return for every day and period the mean of that period over the days before; first day: the
    day's mean so far.

    history: (D, N), NaN where missing; the result too, where nothing came before.
    """
    known = np.isfinite(history)
    filled = np.where(known, history, 0.0)
    before = np.zeros(history.shape)
    count = np.zeros(history.shape)
    before[1:], count[1:] = filled.cumsum(axis=0)[:-1], known.cumsum(axis=0)[:-1]
    before[0, 1:], count[0, 1:] = filled[0].cumsum()[:-1], known[0].cumsum()[:-1]
    return np.divide(before, count, out=np.full(history.shape, np.nan), where=count > 0)
