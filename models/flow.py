"""Permanent impact by the flow route: how far the mid moves with signed volume."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.caveat import Caveat

Floats = NDArray[np.float64]
ONE_SIDED = 1.645  # the 5 % point of a normal: below it an estimate cannot be told from zero
LEAST_PERIODS = 10


@dataclass(frozen=True)
class FlowFit:
    """Kyle's lambda, here gamma: currency / share^2.

    gamma: what to use, 0 where the estimate was negative or cannot be told from zero; estimate: as regressed;
    standard_error: of the estimate, robust to autocorrelation; intercept: currency / share a period; r2; n
    and n_excluded periods; lags of the Newey-West window.
    """

    gamma: float
    estimate: float
    standard_error: float
    intercept: float
    r2: float
    n: int
    n_excluded: int
    lags: int
    warnings: tuple[Caveat, ...]

    def summary(self) -> str:
        """Return the fit as text."""
        lines = [
            "Permanent impact (mid change on signed volume, Newey-West errors)",
            f"gamma {self.gamma:.4g}  estimate {self.estimate:.4g}  s.e. {self.standard_error:.2g}",
            f"R2 {self.r2:.3f}  n {self.n}  excluded {self.n_excluded}  lags {self.lags}",
        ]
        return "\n".join(lines + [f"{caveat.code}: {caveat.message}" for caveat in self.warnings])


def fit_permanent(mid_change: Floats, signed_volume: Floats) -> FlowFit:
    """Regress mid changes on signed volume, period by period in time order.

    mid_change: (n,) currency / share, NaN where a mid is missing (excluded and counted); signed_volume: (n,)
    shares, buyer- less seller-initiated.
    Without any signed volume gamma is 0, with a caveat.
    Raises: ValueError when lengths differ or fewer than ten periods are known.
    Source: Kyle 1985, "Continuous auctions and insider trading"; Newey, West 1987 for the errors, with the
    window of Newey, West 1994, 4 (n / 100)^(2/9).
    """
    import statsmodels.api as sm  # seconds to import

    if np.shape(mid_change) != np.shape(signed_volume):
        raise ValueError(f"signed_volume: shape {np.shape(signed_volume)}, mid_change has {np.shape(mid_change)}")
    known = np.isfinite(mid_change) & np.isfinite(signed_volume)
    n = int(known.sum())
    if n < LEAST_PERIODS:
        raise ValueError(f"mid_change: {n} periods are known, at least {LEAST_PERIODS} are needed for gamma")
    lags = int(4 * (n / 100) ** (2 / 9))
    if np.ptp(signed_volume[known]) == 0:
        message = "signed volume is the same in every period, as without sides of trades; permanent impact is set to 0"
        return FlowFit(
            gamma=0.0, estimate=0.0, standard_error=0.0, intercept=float(mid_change[known].mean()), r2=0.0, n=n,
            n_excluded=int((~known).sum()), lags=lags, warnings=(Caveat("gamma_not_identified", message),))
    design = sm.add_constant(signed_volume[known])
    fit = sm.OLS(mid_change[known], design).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True})
    intercept, estimate = (float(value) for value in fit.params)
    error = float(fit.bse[1])
    caveats = _caveats(estimate, error)
    return FlowFit(
        gamma=0.0 if caveats else estimate, estimate=estimate, standard_error=error, intercept=intercept,
        r2=float(fit.rsquared), n=n, n_excluded=int((~known).sum()), lags=lags, warnings=caveats)


def _caveats(estimate: float, error: float) -> tuple[Caveat, ...]:
    found = f"estimate {estimate:.3g}, standard error {error:.2g}; permanent impact is set to 0"
    if estimate < 0:
        return (Caveat("gamma_negative", f"mids move against signed volume: {found}"),)
    if estimate < ONE_SIDED * error:
        return (Caveat("gamma_not_identified", f"permanent impact cannot be told from zero: {found}"),)
    return ()
