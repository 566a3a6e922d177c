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


def tweedie_deviance(observed: Floats, predicted: Floats) -> Floats:
    """Return each observation's unit Tweedie deviance of power 3/2, which a 0 has too, (n,).

    observed: (n,) >= 0; predicted: (n,) > 0. Unit: the root of theirs. Power 3/2 is that of a sum
    of as many gamma sizes as a Poisson count tells.
    Source: Jorgensen 1997, "The Theory of Dispersion Models", section 4.2.
    """
    return np.asarray(4 * (np.sqrt(observed) - np.sqrt(predicted)) ** 2 / np.sqrt(predicted))


def variance_losses(logs: Floats, forecast: Floats) -> Floats:
    """Return log h + RV / h less what does not depend on h, so that it is QLIKE where RV > 0.

    logs: of RV, any shape, -inf where it is 0, NaN where unknown; forecast: h > 0. Where RV is 0
    and QLIKE infinite, the mean of log RV + 1 over the positive ones is taken off instead:
    differences between forecasts are those of log h + RV / h everywhere.
    Source: Patton 2011, "Volatility forecast comparison using imperfect volatility proxies", eq.
    (24) and proposition 4.
    """
    moved = np.isfinite(logs)
    usual = float(logs[moved].mean()) + 1 if moved.any() else 1.0
    log_ratio = logs - np.log(forecast)
    return np.asarray(
        np.where(np.isneginf(logs), np.log(forecast) - usual, np.exp(log_ratio) - log_ratio - 1)
    )
