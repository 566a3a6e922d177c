"""The order route: permanent and temporary impact fitted to parent orders or imbalances."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.impact.orders.almgren import Almgren
from models.impact.orders.equations import (
    LEAST_DELTA,
    MOST_DELTA,
    LeastSquaresFit,
    ParentOrders,
    WeightedRows,
    least_squares,
    moments,
    reduction,
    weighted_rows,
)
from models.inference.caveat import Caveat
from models.inference.covariance import Covariance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
COEFFICIENTS = ("gamma", "eta", "delta")
FALLBACK_DELTA = 0.5  # the square-root law, where the data do not tell the exponent
FLAT = 2.706  # the 10 % point of chi-squared: a profile that rises less is flat
FEW_DAYS = 10
LEAST_ORDERS = 10
ODD_SCALE = 3.0  # times the Brownian noise, or a third of it
MOST_SHARE = 0.5  # of the information, in one day


@dataclass(frozen=True, eq=False)
class OrderFit:
    """The law with its covariance, clustered by day; delta has zeros where it was fixed.

    method: "two-step" or "joint"; n orders used, n_excluded without size, scale or price; clusters:
    days. r2_*: share of the sum of squares explained, weighted, no intercept; scale_*: residual
    standard deviation over that of a Brownian price with the given volatility (1 if all noise is
    such); correlation: of the two residuals. permanent_exponent: that of |X/V| in I when it is left
    free, with its clustered standard error; the law has 1.
    """

    method: str
    law: Almgren
    covariance: Covariance
    n: int
    n_excluded: int
    clusters: int
    r2_permanent: float
    r2_temporary: float
    scale_permanent: float
    scale_temporary: float
    correlation: float
    permanent_exponent: tuple[float, float]
    warnings: tuple[Caveat, ...]

    @property
    def values(self) -> Floats:
        """Return gamma, eta, delta, (3,)."""
        return np.array([self.law.gamma, self.law.eta, self.law.delta])

    def interval(self, level: float = 0.95) -> Floats:
        """Return the intervals, (2, 3), by Student's t with one less than the days.

        Source: Cameron, Miller 2015, "A practitioner's guide to cluster-robust inference", on few
        clusters.
        """
        reach = stats.t.ppf((1 + level) / 2, self.clusters - 1) * self.covariance.standard_errors
        return np.array([self.values - reach, self.values + reach])

    def summary(self) -> str:
        """Return the fit as a text table."""
        lines = [
            f"Impact by the order route, {self.method}",
            f"orders {self.n}  excluded {self.n_excluded}  days {self.clusters}",
            f"R2 permanent {self.r2_permanent:.4f}  temporary {self.r2_temporary:.4f}  residual "
            f"over Brownian {self.scale_permanent:.2f}, {self.scale_temporary:.2f}  correlation "
            f"{self.correlation:+.2f}",
            "lasting impact with a free exponent: |X/V|^{:.3f}, s.e. {:.2g}".format(
                *self.permanent_exponent
            ),
            f"{'':<8}{'estimate':>12}{'s.e.':>10}{'95 % interval':>24}",
        ]
        rows = zip(
            COEFFICIENTS,
            self.values,
            self.covariance.standard_errors,
            self.interval().T,
            strict=True,
        )
        for name, value, error, (low, high) in rows:
            interval = f"{low:.4g} .. {high:.4g}" if error else "fixed"
            lines.append(f"{name:<8}{value:>12.4g}{error:>10.2g}{interval:>24}")
        return "\n".join(lines + [f"{caveat.code}: {caveat.message}" for caveat in self.warnings])


def fit_orders(orders: ParentOrders, joint: bool = False, delta: float | None = None) -> OrderFit:
    """Fit gamma, eta and delta by weighted least squares, errors clustered by day.

    Two-step: I on its regressor, then J - I/2, with the measured I, on its own. joint: both at
    once, weighted by the covariance of their residuals, iterated. The weights are those of a
    Brownian price: the variance of I is sigma^2 horizon, that of J - I/2 is sigma^2 (horizon / 4 -
    T / 6), each times a scale that is estimated. delta: fixed there if given. Where the data do not
    tell delta it is set to 0.5, with a caveat. The joint fit leans on I being linear in X (through
    the correlation of the residuals), the two-step fit's eta and delta do not: a caveat says when
    the free exponent of I is not 1.
    Raises: ValueError with fewer than ten usable orders or two days.
    Source: Almgren, Thum, Hauptmann, Li 2005 (law, and variances from its equations of I and J);
    Zellner 1962 and Gallant 1975, "Seemingly unrelated nonlinear regressions", for the joint fit.
    """
    usable = orders.usable
    used = orders.take(usable)
    if len(used) < LEAST_ORDERS:
        raise ValueError(f"orders: {len(used)} are usable, at least {LEAST_ORDERS} are needed")
    rows = weighted_rows(used)
    fit, caveats = _told_delta(rows, joint, delta)
    exponent = _free_permanent(rows)
    matrix = fit.covariance(rows)
    days = len(np.unique(used.day))
    return OrderFit(
        method="joint" if joint else "two-step",
        law=Almgren(*fit.values.tolist()),
        covariance=Covariance(COEFFICIENTS, matrix),
        n=len(used),
        n_excluded=int((~usable).sum()),
        clusters=days,
        r2_permanent=fit.r2[0],
        r2_temporary=fit.r2[1],
        scale_permanent=float(fit.spread[0, 0] ** 0.5),
        scale_temporary=float(fit.spread[1, 1] ** 0.5),
        correlation=float(fit.spread[0, 1] / np.sqrt(fit.spread[0, 0] * fit.spread[1, 1])),
        permanent_exponent=exponent,
        warnings=(
            *caveats,
            *_curvature(exponent, days),
            *_noise(rows, fit),
            *_caveats(fit.values, np.sqrt(np.diag(matrix)), days),
        ),
    )


def _told_delta(
    rows: WeightedRows, joint: bool, delta: float | None
) -> tuple[LeastSquaresFit, list[Caveat]]:
    """Return the fit, with the square-root law where the data do not tell delta."""
    fit = least_squares(rows, joint, delta)
    reason = "" if delta is not None else _flatness(rows, fit)
    if not reason:
        return fit, []
    message = f"{reason}; the square-root law is fitted: delta is set to 0.5"
    caveat = Caveat("delta_not_identified", message)
    return least_squares(rows, joint, FALLBACK_DELTA), [caveat]


def point_estimates(
    orders: ParentOrders, delta: tuple[float | None, float | None] = (None, None)
) -> Floats:
    """Return gamma, eta, delta of the two-step fit and of the joint one, (6,).

    Without errors, for resampling. orders: usable ones only; delta: fixed there, in either fit, if
    given.
    """
    rows = weighted_rows(orders)
    return np.concatenate(
        [
            least_squares(rows, joint, fixed).values
            for joint, fixed in zip((False, True), delta, strict=True)
        ]
    )


def leave_day_out(orders: ParentOrders, day: int, delta: float | None = None) -> Floats:
    """Return the two-step estimates without this day, (3,).

    orders: usable ones only; delta: fixed there if given.
    """
    return least_squares(weighted_rows(orders.take(orders.day != day)), False, delta).values


def _flatness(rows: WeightedRows, fit: LeastSquaresFit) -> str:
    """Return why the exponent cannot be told, "" if it can.

    That is the profile's rise to an end, deflated for clusters.
    """
    ends = (LEAST_DELTA, MOST_DELTA)
    top, *at_ends = (
        reduction(rows, moments(rows, each), fit.weight)[1] for each in (fit.values[2], *ends)
    )
    naive = np.linalg.pinv(fit.bread(rows))[2, 2]
    inflation = max(float(fit.covariance(rows)[2, 2] / naive), 1.0) if naive > 0 else 1.0
    rise, end = min(
        ((top - each) / inflation, end) for each, end in zip(at_ends, ends, strict=True)
    )
    if rise >= FLAT:
        return ""
    return (
        f"the profile is flat: at delta = {end:g} the deviance is {max(rise, 0.0):.2g} above its "
        f"least, at {fit.values[2]:.3g}"
    )


def _free_permanent(rows: WeightedRows) -> tuple[float, float]:
    """Return the exponent of |X/V| in I and its standard error, fitted as the temporary part's.

    Source: Almgren, Thum, Hauptmann, Li 2005, who find .891 with standard error .10 and impose 1.
    """
    lasting = replace(
        rows, w=rows.y, signed=rows.z * np.exp(-rows.log_size), log_rate=rows.log_size
    )
    fit = least_squares(lasting, False, None)
    return float(fit.values[2]), float(fit.covariance(lasting)[2, 2] ** 0.5)


def _curvature(exponent: tuple[float, float], days: int) -> list[Caveat]:
    value, error = exponent
    if not abs(value - 1) > stats.t.ppf(0.975, days - 1) * error:
        return []
    message = (
        f"lasting impact is not linear in size: free exponent {value:.3g}, standard error "
        f"{error:.2g}; gamma is that of large orders, and the joint fit, which leans on the line, "
        "is biased: prefer the two-step one"
    )
    return [Caveat("permanent_not_linear", message)]


def _noise(rows: WeightedRows, fit: LeastSquaresFit) -> list[Caveat]:
    """Say when the weights do not fit the data, or when one day carries a coefficient."""
    found = []
    for name, scale, part in zip(
        ("permanent", "temporary"),
        np.sqrt(np.diag(fit.spread)),
        (rows.z, rows.power(fit.values[2])),
        strict=True,
    ):
        if not 1 / ODD_SCALE < scale < ODD_SCALE:
            message = (
                f"residuals of {name} impact are {scale:.3g} times those of a Brownian price with "
                "the given volatility and durations: check their units; the weights are far from "
                "efficient"
            )
            found.append(Caveat("noise_not_brownian", message))
        code = np.unique(rows.day, return_inverse=True)[1]
        share = np.bincount(code, part**2) / (part @ part)
        if share.max() > MOST_SHARE:
            message = (
                f"{share.max():.0%} of what {name} impact is estimated from is of one day "
                f"({int((code == share.argmax()).sum())} orders): its standard error is too small"
            )
            found.append(Caveat("one_day_dominates", message))
    return found


def _caveats(values: Floats, errors: Floats, days: int) -> list[Caveat]:
    found = []
    for name, value, error in zip(COEFFICIENTS[:2], values, errors, strict=False):
        if value < 0:
            message = (
                f"estimate {value:.3g}, standard error {error:.2g}: prices move against the orders"
            )
            found.append(Caveat(f"{name}_negative", message))
    if days < FEW_DAYS:
        message = f"{days} days are few: standard errors are rough, likely too small"
        found.append(Caveat("few_days", message))
    return found
