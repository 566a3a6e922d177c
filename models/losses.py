"""Losses that rank forecasts and fits."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def gamma_deviance(observed: Floats, predicted: Floats) -> Floats:
    """Return each observation's unit Gamma deviance; NaN for a 0, whose deviance is infinite.

    observed: (n,) >= 0; predicted: (n,) > 0. Average with `nanmean` and count the NaN.
    Source: McCullagh, Nelder 1989, "Generalized Linear Models", section 8.3.
    """
    ratio = np.where(observed > 0, observed / predicted, np.nan)
    return 2 * (ratio - 1 - np.log(ratio))


def qlike_losses(realized: Floats, forecast: Floats) -> Floats:
    """Return each variance forecast's QLIKE loss, (n,); realized, forecast: (n,) > 0.

    Source: Patton 2011, "Volatility forecast comparison using imperfect volatility proxies", eq.
    (24).
    """
    ratio = realized / forecast
    return np.asarray(ratio - np.log(ratio) - 1)


def qlike(realized: Floats, forecast: Floats) -> float:
    """Return the mean QLIKE loss of the pairs that are known and positive, NaN without any."""
    known = (realized > 0) & (forecast > 0)
    return float(qlike_losses(realized[known], forecast[known]).mean()) if known.any() else np.nan
