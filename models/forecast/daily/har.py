"""The heterogeneous autoregression of a daily level on its last day, week and month."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WINDOWS = (1, 5, 22)
NAMES = ("const", "daily", "weekly", "monthly")
LEAST_ROWS = 20


@dataclass(frozen=True, eq=False)
class HARFit:
    """level_{t+1} = const + daily level_t + weekly (mean of 5) + monthly (mean of 22) + error.

    coefficients, standard_errors: (4,), in that order; residual_variance in squared units of the
    level; n rows.
    """

    coefficients: Floats
    standard_errors: Floats
    residual_variance: float
    r2: float
    n: int

    def forecast(self, daily: Floats) -> float:
        """Return the next day's level from at least 22 days.

        daily: NaN where missing; a window of nothing gives NaN.
        """
        return float(np.r_[1.0, lag_means(daily)[-1]] @ self.coefficients)

    def summary(self) -> str:
        """Return the fit as text."""
        rows = zip(NAMES, self.coefficients, self.standard_errors, strict=True)
        lines = [f"{name:<8}{value:>10.4f}{error:>10.4f}" for name, value, error in rows]
        return "\n".join([f"HAR  n {self.n}  R2 {self.r2:.4f}", *lines])


def fit_har(daily: Floats) -> HARFit:
    """Fit by ordinary least squares; a day whose target or lags are missing is left out.

    daily: (D,), NaN where missing.
    Raises: ValueError when fewer than 20 days have all lags.
    Source: Corsi 2009, "A simple approximate long-memory model of realized volatility", eq. (8).
    """
    import statsmodels.api as sm  # seconds to import

    lags = lag_means(daily)[:-1]
    target = daily[WINDOWS[-1] :]
    known = np.isfinite(target) & np.isfinite(lags).all(axis=1)
    if known.sum() < LEAST_ROWS:
        raise ValueError(
            f"daily: {known.sum()} days have a level and its lags, at least {LEAST_ROWS} are needed"
        )
    fit = sm.OLS(target[known], sm.add_constant(lags[known], has_constant="add")).fit()
    estimates, errors = np.asarray(fit.params), np.asarray(fit.bse)
    return HARFit(estimates, errors, float(fit.mse_resid), float(fit.rsquared), int(fit.nobs))


def lag_means(daily: Floats) -> Floats:
    """Return the means of the last 1, 5 and 22 days at the end of every day from the 22nd on.

    Shape (D - 21, 3).
    daily: (D,), NaN where missing; so is the mean of a window of nothing.
    Raises: ValueError when there are fewer than 22 days.
    """
    if len(daily) < WINDOWS[-1]:
        raise ValueError(f"daily: {len(daily)} days, at least {WINDOWS[-1]} are needed")
    known = np.isfinite(daily)
    sums = np.concatenate([[0.0], np.where(known, daily, 0.0).cumsum()])
    counts = np.concatenate([[0], known.cumsum()])
    last = np.arange(WINDOWS[-1], len(daily) + 1)
    columns = [
        np.divide(
            sums[last] - sums[last - window],
            counts[last] - counts[last - window],
            out=np.full(len(last), np.nan),
            where=counts[last] > counts[last - window],
        )
        for window in WINDOWS
    ]
    return np.column_stack(columns)
