"""Permanent and transient impact: how the mid answers signed volume in the end."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.impact.flow.autoregression import (
    Autoregression,
    akaike_groups,
    fit_autoregression,
    most_groups,
    reach,
    usable_rows,
)
from models.impact.flow.kyle import gamma_caveats
from models.inference.caveat import ONE_SIDED, Caveat
from models.inference.covariance import Covariance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LEAST_ROWS, FEW_ROWS = 30, 200
RESPONSES = ("immediate", "permanent", "transient", "information")


@dataclass(frozen=True, eq=False)
class HasbrouckFit:
    """What a share does to the mid, in its period and for good; currency / share^2.

    gamma: what to use: permanent, 0 where that was negative or cannot be told from zero. immediate:
    by the end of the period; permanent: in the end, per share traded; transient: immediate less
    permanent; information: in the end, per share that was not expected, with the trades that follow
    it (Hasbrouck's); follow_on: how many shares those are, with itself; covariance: of RESPONSES.
    half_life: periods until half of the transient part is gone, NaN where that cannot be told from
    zero. groups: used, of lags; criterion: by Akaike's criterion. n: periods; n_early: left out for
    lags that reach before the session; n_unknown: left out for a missing value in the period or its
    lags; r2: of the price equation; influence: of every period on `permanent`, (n,), 0 where left
    out.
    """

    gamma: float
    immediate: float
    permanent: float
    transient: float
    information: float
    follow_on: float
    covariance: Covariance
    half_life: float
    groups: int
    criterion: int
    n: int
    n_early: int
    n_unknown: int
    r2: float
    influence: Floats
    warnings: tuple[Caveat, ...]

    @property
    def lags(self) -> int:
        """Return how many periods back the lags reach."""
        return reach(self.groups)

    @property
    def standard_error(self) -> float:
        """Return the error of `permanent`."""
        return float(self.covariance.standard_errors[RESPONSES.index("permanent")])

    def summary(self) -> str:
        """Return the fit as text."""
        values = (self.immediate, self.permanent, self.transient, self.information)
        lines = [
            f"Vector autoregression of mid change and signed volume, {self.lags} lags (currency / "
            "share^2)"
        ]
        lines += [
            f"{name:<12}{value:>12.4g}  s.e. {error:.2g}"
            for name, value, error in zip(
                RESPONSES, values, self.covariance.standard_errors, strict=True
            )
        ]
        lines.append(
            f"half-life {self.half_life:.3g} periods  R2 {self.r2:.3f}  n {self.n}  excluded: "
            f"{self.n_early} early, {self.n_unknown} unknown"
        )
        return "\n".join(lines + [f"{caveat.code}: {caveat.message}" for caveat in self.warnings])


def fit_hasbrouck(
    mid_change: Floats, signed_volume: Floats, session: Ints, groups: int | None = None
) -> HasbrouckFit:
    """Fit r_t = a(L) r_{t-1} + b(L) x_t, x_t = c(L) r_{t-1} + d(L) x_{t-1}; follow a trade on.

    mid_change r: (n,) currency / share, signed_volume x: (n,) shares, in time order with a row for
    every period, NaN where unknown; session: (n,) labels: no lag reaches into another one. groups:
    the lags are 1, 2, 3-4, 5-8 ..., with one coefficient a group, so that a slow decay is seen with
    few; None takes Akaike's choice for the price equation and one more: the criterion is for the
    next period's forecast and leaves a part of the decay in what is called permanent. Two groups
    are the plain autoregression with two lags. permanent = b(1) / (1 - a(1)): no trade follows.
    information = permanent / (1 - d(1) - c(1) permanent), the accumulated response to a shock.
    Errors by the delta method from a heteroskedasticity-robust covariance of both equations.
    Raises: ValueError when lengths differ, groups is negative, a series is constant or too few
    periods are usable.
    Source: Hasbrouck 1991, "Measuring the information content of stock trades", section I;
    Luetkepohl 2005, "New Introduction to Multiple Time Series Analysis", proposition 3.6
    (accumulated responses); White 1980; Corsi 2009, "A simple approximate long-memory model of
    realized volatility", for lags in groups.
    """
    r, x = np.asarray(mid_change, dtype=np.float64), np.asarray(signed_volume, dtype=np.float64)
    _check(r, x, session, groups)
    known = np.isfinite(r) & np.isfinite(x)
    if known.any():
        _check_moves(r[known], x[known])
    criterion, used, slow = _chosen_groups(r, x, session, groups)
    rows = usable_rows(known, session, used)
    least = max(LEAST_ROWS, 4 * used + 6)
    if len(rows) < least:
        raise ValueError(
            f"mid_change: {len(rows)} periods are known with {reach(used)} lags in their session, "
            f"at least {least} are needed"
        )
    _check_moves(r[rows], x[rows])
    found = fit_autoregression(r, x, rows, used)
    estimates, jacobian = _responses(found)
    covariance = Covariance(RESPONSES, Covariance((), found.covariance).delta(jacobian))
    influence = np.zeros(len(r))
    influence[rows] = found.influence @ jacobian[RESPONSES.index("permanent")]
    early = len(r) - len(usable_rows(np.ones(len(r), dtype=bool), session, used))
    warnings = _caveats(found, estimates, covariance, len(rows)) + (_slow(used) if slow else ())
    codes = {caveat.code for caveat in warnings}
    decays = found.stable and "transient_not_identified" not in codes
    return HasbrouckFit(
        gamma=0.0 if codes & {"gamma_negative", "gamma_not_identified"} else float(estimates[1]),
        **dict(zip(RESPONSES, map(float, estimates), strict=True)),
        follow_on=found.follow_on,
        covariance=covariance,
        half_life=found.half_life if decays else float("nan"),
        groups=used,
        criterion=criterion,
        n=len(rows),
        n_early=early,
        n_unknown=len(r) - len(rows) - early,
        r2=found.r2,
        influence=influence,
        warnings=warnings,
    )


def _check(r: Floats, x: Floats, session: Ints, groups: int | None) -> None:
    for name, value in (("signed_volume", x), ("session", np.asarray(session))):
        if value.shape != r.shape:
            raise ValueError(f"{name}: shape {value.shape}, mid_change has {r.shape}")
    if groups is not None and groups < 0:
        raise ValueError(f"groups = {groups}: must not be negative")


def _check_moves(r: Floats, x: Floats) -> None:
    if min(np.ptp(x), np.ptp(r)) == 0:
        raise ValueError("signed_volume: it or mid_change is the same in every period")


def _chosen_groups(
    r: Floats, x: Floats, session: Ints, groups: int | None
) -> tuple[int, int, bool]:
    """Return the criterion's choice, the groups to use, and whether more may have been chosen."""
    if groups is not None:
        return groups, groups, False
    known = np.isfinite(r) & np.isfinite(x)
    most = most_groups(known, session)
    criterion = akaike_groups(r, x, usable_rows(known, session, most), most)
    return criterion, criterion + 1, criterion == most


def _responses(found: Autoregression) -> tuple[Floats, Floats]:
    """Return the estimates of RESPONSES and their derivatives in both equations' coefficients."""
    groups, permanent, follow_on = len(found.a), found.permanent, found.follow_on
    # derivatives by the coefficients of both equations; rows: immediate, permanent
    price, flow = np.zeros((2, 2 * groups + 2)), np.zeros((2, 2 * groups + 1))
    price[0, 1] = 1.0
    price[1, 1] = price[1, 2::2] = 1 / (1 - found.a.sum())
    price[1, 3::2] = permanent / (1 - found.a.sum())
    shock = np.zeros(2 * groups + 1)  # of information = permanent x follow_on
    shock[1::2], shock[2::2] = permanent * follow_on**2, (permanent * follow_on) ** 2
    immediate, lasting = np.hstack([price, flow])
    information = lasting * (1 - found.d.sum()) * follow_on**2 + np.append(
        np.zeros(2 * groups + 2), shock
    )
    jacobian = np.array([immediate, lasting, immediate - lasting, information]) * found.scale
    estimates = (
        np.array([found.b[0], permanent, found.b[0] - permanent, permanent * follow_on])
        * found.scale
    )
    return estimates, jacobian


def _caveats(
    found: Autoregression, estimates: Floats, covariance: Covariance, n: int
) -> tuple[Caveat, ...]:
    _, permanent, transient, _ = estimates
    errors = covariance.standard_errors
    caveats = list(gamma_caveats(permanent, errors[1]))
    if not found.stable:
        caveats.insert(
            0,
            Caveat(
                "gamma_not_identified",
                "prices or volumes do not forget a shock; permanent impact is set to 0",
            ),
        )
    if transient < -ONE_SIDED * errors[2]:
        caveats.append(
            Caveat(
                "permanent_above_immediate",
                f"the mid goes on moving after the trade's period: {-transient:.3g} on top of "
                f"{estimates[0]:.3g}; longer periods hold the whole move",
            )
        )
    elif transient < ONE_SIDED * errors[2]:
        caveats.append(
            Caveat(
                "transient_not_identified",
                f"what decays cannot be told from zero: {transient:.3g}, "
                f"standard error {errors[2]:.2g}",
            )
        )
    if n < FEW_ROWS:
        caveats.append(
            Caveat(
                "few_periods",
                f"{n} periods for {reach(len(found.a))} lags: the errors hold for many",
            )
        )
    return tuple(caveats)


def _slow(groups: int) -> tuple[Caveat, ...]:
    message = (
        f"the mid may answer trades of more than {reach(groups)} periods ago: what "
        "decays later counts as permanent; longer periods reach further"
    )
    return (Caveat("slow_decay", message),)
