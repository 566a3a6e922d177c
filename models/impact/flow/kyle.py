"""Impact by the flow route: how far the mid moves with the period's flow."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.inference.caveat import ONE_SIDED, Caveat

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LEAST_PERIODS = 10
VOLUME = "signed volume"


@dataclass(frozen=True)
class FlowFit:
    """Mid change on a flow; Kyle's lambda, here gamma, where that is signed volume.

    Unit: currency / share^2. gamma: what to use, 0 where the estimate was negative or cannot be
    told from zero; estimate: as regressed; standard_error: of the estimate, robust to
    autocorrelation; intercept: currency / share a period; r2; n and n_excluded periods; lags of the
    Newey-West window; flow: what was regressed on.
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
    flow: str = VOLUME

    def summary(self) -> str:
        """Return the fit as text."""
        lines = [
            f"Permanent impact (mid change on {self.flow}, Newey-West errors)",
            f"gamma {self.gamma:.4g}  estimate {self.estimate:.4g}  s.e. {self.standard_error:.2g}",
            f"R2 {self.r2:.3f}  n {self.n}  excluded {self.n_excluded}  lags {self.lags}",
        ]
        return "\n".join(lines + [f"{caveat.code}: {caveat.message}" for caveat in self.warnings])


@dataclass(frozen=True)
class WindowFits:
    """One regression a window, in order.

    A window with fewer than ten known periods, or no move or flow, is left out. window: (W,)
    labels; fits: (W,); n_excluded: windows left out.
    """

    window: Ints
    fits: tuple[FlowFit, ...]
    n_excluded: int

    def values(self, name: str) -> Floats:
        """Return one number of every fit, (W,)."""
        return np.array([getattr(fit, name) for fit in self.fits], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Shrunk:
    """Estimates drawn toward what they have in common.

    value, standard_error, weight: (W,); weight: the share of each value that is its own estimate;
    common: the mean they are drawn to, with common_error; spread: standard deviation of the true
    values; effective: degrees of freedom used, from 1 (one common value) to W.
    """

    value: Floats
    standard_error: Floats
    weight: Floats
    common: float
    common_error: float
    spread: float
    effective: float


def fit_permanent(mid_change: Floats, signed_volume: Floats, flow: str = VOLUME) -> FlowFit:
    """Regress mid changes on signed volume, period by period in time order.

    mid_change: (n,) currency / share, NaN where a mid is missing (excluded and counted);
    signed_volume: (n,) shares, buyer- less seller-initiated, or another flow, which `flow` then
    names. Without any flow, or any move, gamma is 0, with a caveat.
    Raises: ValueError when lengths differ or fewer than ten periods are known.
    Source: Kyle 1985, "Continuous auctions and insider trading"; Newey, West 1987 for the errors,
    with the window of Newey, West 1994, 4 (n / 100)^(2/9).
    """
    if np.shape(mid_change) != np.shape(signed_volume):
        raise ValueError(
            f"signed_volume: shape {np.shape(signed_volume)}, mid_change has {np.shape(mid_change)}"
        )
    known = np.isfinite(mid_change) & np.isfinite(signed_volume)
    n, n_excluded = int(known.sum()), int((~known).sum())
    if n < LEAST_PERIODS:
        raise ValueError(
            f"mid_change: {n} periods are known, at least {LEAST_PERIODS} are needed for gamma"
        )
    if min(np.ptp(signed_volume[known]), np.ptp(mid_change[known])) == 0:
        return _without_moves(mid_change[known], signed_volume[known], n_excluded, flow)
    fit = newey_west_regression(mid_change[known], signed_volume[known])
    intercept, estimate = (float(value) for value in fit.params)
    error = float(fit.bse[1])
    caveats = gamma_caveats(estimate, error, flow)
    return FlowFit(
        gamma=0.0 if caveats else estimate,
        estimate=estimate,
        standard_error=error,
        intercept=intercept,
        r2=float(fit.rsquared),
        n=n,
        n_excluded=n_excluded,
        lags=newey_west_lags(n),
        warnings=caveats,
        flow=flow,
    )


def _without_moves(change: Floats, volume: Floats, n_excluded: int, flow: str) -> FlowFit:
    """Return the fit of periods in which the flow, or else the mid's move, is always the same."""
    same = (
        "the move of the mid is the same in every period"
        if np.ptp(volume)
        else f"{flow} is the same in every period, as without sides of trades"
    )
    message = f"{same}; the impact of {flow} is set to 0"
    return FlowFit(
        gamma=0.0,
        estimate=0.0,
        standard_error=0.0,
        intercept=float(change.mean()),
        r2=0.0,
        n=len(change),
        n_excluded=n_excluded,
        lags=newey_west_lags(len(change)),
        warnings=(Caveat(f"{_kind(flow)}_not_identified", message),),
        flow=flow,
    )


def newey_west_regression(change: Floats, flows: Floats) -> Any:
    """Return the regression of mid changes, (n,), on a constant and flows, (n,) or (n, k).

    Source: Newey, West 1987, "A simple, positive semi-definite, heteroskedasticity and
    autocorrelation consistent covariance matrix", for the errors.
    """
    import statsmodels.api as sm  # seconds to import

    return sm.OLS(change, sm.add_constant(flows)).fit(
        cov_type="HAC",
        cov_kwds={"maxlags": newey_west_lags(len(change)), "use_correction": True},
    )


def newey_west_lags(n: int) -> int:
    """Return the lags of the errors' window for n periods.

    Source: Newey, West 1994, "Automatic lag selection in covariance matrix estimation".
    """
    return int(4 * (n / 100) ** (2 / 9))


def gamma_caveats(estimate: float, error: float, flow: str = VOLUME) -> tuple[Caveat, ...]:
    """Return why an estimate is not used, if it is not.

    The codes begin with gamma, or with imbalance for other flows.
    """
    kind = _kind(flow)
    found = f"estimate {estimate:.3g}, standard error {error:.2g}; the impact is set to 0"
    if estimate < 0:
        return (Caveat(f"{kind}_negative", f"mids move against {flow}: {found}"),)
    if estimate < ONE_SIDED * error:
        return (
            Caveat(
                f"{kind}_not_identified", f"the impact of {flow} cannot be told from zero: {found}"
            ),
        )
    return ()


def _kind(flow: str) -> str:
    return "gamma" if flow == VOLUME else "imbalance"


def fit_windows(
    mid_change: Floats, signed_volume: Floats, window: Ints, flow: str = VOLUME
) -> WindowFits:
    """Regress mid changes on a flow within every window.

    Windows are half-hours of a day, or times of day over many days. mid_change, signed_volume: (n,)
    as in `fit_permanent`; window: (n,) labels.
    Raises: ValueError when no window can be fitted.
    Source: Cont, Kukanov, Stoikov 2014, "The price impact of order book events", section 3.
    """
    known = np.isfinite(mid_change) & np.isfinite(signed_volume)
    labels, fits = np.unique(window), {}
    for label in labels:
        rows = window == label
        used = rows & known
        if (
            used.sum() >= LEAST_PERIODS
            and min(np.ptp(mid_change[used]), np.ptp(signed_volume[used])) > 0
        ):
            fits[label] = fit_permanent(mid_change[rows], signed_volume[rows], flow)
    if not fits:
        raise ValueError(no_window(len(labels)))
    return WindowFits(np.array(list(fits)), tuple(fits.values()), len(labels) - len(fits))


def no_window(windows: int) -> str:
    """Return why none of so many windows could be fitted."""
    return f"window: none of {windows} has {LEAST_PERIODS} known periods in which mid and flow vary"


def shrink(estimate: Floats, standard_error: Floats) -> Shrunk:
    """Draw independent estimates toward their common mean as far as their errors call for.

    estimate, standard_error: (W,); the errors must be positive. The share of the common mean in a
    value is (W - 3) / (W - 1) standard_error^2 / (spread^2 + standard_error^2); three estimates or
    fewer stay as they are. standard_error counts that the common mean and the spread are estimates
    too.
    Raises: ValueError when shapes differ or an error is not positive.
    Source: Morris 1983, "Parametric empirical Bayes inference: theory and applications", the rule
    for unequal variances; DerSimonian, Kacker 2007, "Random-effects model for meta-analysis of
    clinical trials: an update", for the spread (Paule-Mandel).
    """
    from statsmodels.stats.meta_analysis import combine_effects  # seconds to import

    if np.shape(estimate) != np.shape(standard_error):
        raise ValueError(
            f"standard_error: shape {np.shape(standard_error)}, estimate has {np.shape(estimate)}"
        )
    if not np.all(standard_error > 0):
        raise ValueError("standard_error: must be positive")
    count, squares = len(estimate), standard_error**2
    free = count - 3
    if free < 1:
        return _unshrunk(estimate, standard_error)
    unit = float(squares.mean())  # the search for the spread has an absolute tolerance
    found = combine_effects(estimate / unit**0.5, squares / unit, method_re="iterated")
    common, variance, shares = (
        found.mean_effect_re * unit**0.5,
        found.tau2 * unit,
        np.asarray(found.weights_rel_re),
    )
    total = variance + squares
    drawn = free / (count - 1) * squares / total
    of_spread = 2 / free * drawn**2 * (shares @ total) / total * (estimate - common) ** 2
    of_common = drawn**2 * found.sd_eff_w_re**2 * unit
    return Shrunk(
        value=(1 - drawn) * estimate + drawn * common,
        standard_error=np.sqrt((1 - drawn) * squares + of_common + of_spread),
        weight=1 - drawn,
        common=float(common),
        common_error=float(found.sd_eff_w_re * unit**0.5),
        spread=float(np.sqrt(variance)),
        effective=float((1 - drawn + drawn * shares).sum()),
    )


def _unshrunk(estimate: Floats, standard_error: Floats) -> Shrunk:
    """Return the estimates as they are, beside their common mean."""
    count, precision = len(estimate), 1 / standard_error**2
    return Shrunk(
        value=estimate,
        standard_error=standard_error,
        weight=np.ones(count),
        common=float(np.average(estimate, weights=precision)),
        common_error=float(precision.sum() ** -0.5),
        spread=0.0,
        effective=count,
    )
