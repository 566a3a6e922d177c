"""Permanent and transient impact: how the mid answers signed volume in the end, by a vector
autoregression.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag
from scipy.signal import lfilter

from models.impact.flow.kyle import gamma_caveats
from models.inference.caveat import ONE_SIDED, Caveat
from models.inference.covariance import Covariance, clustered

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MOST_GROUPS = 8  # of lags, that Akaike's criterion may choose: 128 lags
LEAST_ROWS, FEW_ROWS = 30, 200
REACH_OF_SESSION, REACH_OF_SAMPLE = (
    8,
    20,
)  # the lags take at most an eighth of a session, a twentieth of the sample
HORIZON = 2048  # periods that the response is followed for
RESPONSES = ("immediate", "permanent", "transient", "information")


@dataclass(frozen=True, eq=False)
class HasbrouckFit:
    """What a share of signed volume does to the mid, in its period and for good; currency /
    share^2.

    gamma: what to use: permanent, 0 where that was negative or cannot be told from zero. immediate:
    by the end of the period; permanent: in the end, per share traded; transient: immediate less
    permanent; information: in the end, per share that was not expected, with the trades that follow
    it (Hasbrouck's); follow_on: how many shares those are, with itself; covariance: of RESPONSES.
    half_life: periods until half of the transient part is gone, NaN where that cannot be told from
    zero. groups: used, of lags; criterion: by Akaike's criterion. n: periods; n_early: left out for
    lags that reach before the session; n_unknown: left out for a missing value in the period or its
    lags; r2: of the price equation.
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
    warnings: tuple[Caveat, ...]

    @property
    def lags(self) -> int:
        """Return how many periods back the lags reach."""
        return _reach(self.groups)

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
    """Fit r_t = a(L) r_{t-1} + b(L) x_t and x_t = c(L) r_{t-1} + d(L) x_{t-1}, and follow a trade
    to its end.

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
    for name, value in (("signed_volume", x), ("session", np.asarray(session))):
        if value.shape != r.shape:
            raise ValueError(f"{name}: shape {value.shape}, mid_change has {r.shape}")
    if groups is not None and groups < 0:
        raise ValueError(f"groups = {groups}: must not be negative")
    known = np.isfinite(r) & np.isfinite(x)
    if known.any() and min(np.ptp(x[known]), np.ptp(r[known])) == 0:
        raise ValueError("signed_volume: it or mid_change is the same in every period")
    most = _most_groups(known, session)
    criterion = _criterion(r, x, _usable(known, session, most), most) if groups is None else groups
    used = criterion + 1 if groups is None else groups
    rows, least = _usable(known, session, used), max(LEAST_ROWS, 4 * used + 6)
    if len(rows) < least:
        raise ValueError(
            f"mid_change: {len(rows)} periods are known with {_reach(used)} lags in their session, "
            "at "
            f"least {least} are needed"
        )
    if min(np.ptp(x[rows]), np.ptp(r[rows])) == 0:
        raise ValueError("signed_volume: it or mid_change is the same in every period")
    found = _equations(r, x, rows, used)
    estimates, covariance = _responses(found)
    early = len(r) - len(_usable(np.ones(len(r), dtype=bool), session, used))
    warnings = _caveats(found, estimates, covariance, len(rows))
    if groups is None and criterion == most:
        warnings += (
            Caveat(
                "slow_decay",
                f"the mid may answer trades of more than {_reach(used)} periods ago: what "
                "decays later counts as permanent; longer periods reach further",
            ),
        )
    codes = {caveat.code for caveat in warnings}
    half_life = (
        _half_life(found)
        if found.stable and "transient_not_identified" not in codes
        else float("nan")
    )
    return HasbrouckFit(
        gamma=0.0 if codes & {"gamma_negative", "gamma_not_identified"} else float(estimates[1]),
        **dict(zip(RESPONSES, map(float, estimates), strict=True)),
        follow_on=found.follow_on,
        covariance=covariance,
        half_life=half_life,
        groups=used,
        criterion=criterion,
        n=len(rows),
        n_early=early,
        n_unknown=len(r) - len(rows) - early,
        r2=found.r2,
        warnings=warnings,
    )


@dataclass(frozen=True, eq=False)
class _Equations:
    """Both equations, in standardised variables: sums of the lags' coefficients, b (groups + 1,),
    a, c, d (groups,).

    covariance: of the price equation's and the volume equation's coefficients; scale: back to
    currency / share^2.
    """

    a: Floats
    b: Floats
    c: Floats
    d: Floats
    covariance: Floats
    scale: float
    r2: float

    @property
    def permanent(self) -> float:
        return float(self.b.sum() / (1 - self.a.sum()))

    @property
    def follow_on(self) -> float:
        return float(1 / (1 - self.d.sum() - self.c.sum() * self.permanent))

    @property
    def stable(self) -> bool:
        """Return whether a shock's effect has an end: the price equation's roots lie within the
        unit circle.
        """
        own = _spread(self.a)
        companion = np.eye(len(own), k=-1)
        companion[:1] = own
        roots = np.abs(np.linalg.eigvals(companion))
        return bool(self.follow_on > 0 and roots.max(initial=0.0) < 1)


def _groups(groups: int) -> list[range]:
    """Return the lags of every group: 1, 2, 3-4, 5-8 ..."""
    return [range(2 ** (group - 1) + 1 if group else 1, 2**group + 1) for group in range(groups)]


def _spread(sums: Floats) -> Floats:
    """Return the coefficient of every lag, from each group's sum."""
    widths = [len(lags) for lags in _groups(len(sums))]
    return np.repeat(sums / widths, widths)


def _reach(groups: int) -> int:
    return 2 ** (groups - 1) if groups else 0


def _usable(known: NDArray[np.bool_], session: Ints, groups: int) -> Ints:
    """Return the rows that are known with all their lags, in one session."""
    place = np.arange(len(known))
    begin = np.maximum.accumulate(np.where(np.append(True, session[1:] != session[:-1]), place, 0))
    hole = np.maximum.accumulate(np.where(known, -1, place))  # the last unknown one so far
    return np.flatnonzero(place - np.maximum(begin, hole + 1) >= _reach(groups))


def _most_groups(known: NDArray[np.bool_], session: Ints) -> int:
    """Return how many groups the criterion may choose, so that one more fits sessions and
    sample.
    """
    longest = np.unique(session, return_counts=True)[1].max()
    reach = min(longest / REACH_OF_SESSION, known.sum() / REACH_OF_SAMPLE)
    return int(np.clip(np.log2(max(reach, 1.0)), 0, MOST_GROUPS))


def _design(r: Floats, x: Floats, rows: Ints, groups: int) -> Floats:
    """Return 1, x_t, then the means of x and r over each group of lags: fewer groups are its first
    columns.
    """
    sums = [np.append(0.0, np.cumsum(np.nan_to_num(series))) for series in (x, r)]
    means = [
        (total[rows - lags[0] + 1] - total[rows - lags[-1]]) / len(lags)
        for lags in _groups(groups)
        for total in sums
    ]
    return np.column_stack([np.ones(len(rows)), x[rows], *means])


def _criterion(r: Floats, x: Floats, rows: Ints, most: int) -> int:
    """Return the number of groups with the least AIC of the price equation, all on the sample of
    the most.
    """
    if not len(rows):
        return 0
    basis = np.linalg.qr(_design(r, x, rows, most))[0]
    explained = np.cumsum((basis.T @ r[rows]) ** 2)[1::2]
    rest = np.maximum(r[rows] @ r[rows] - explained, np.finfo(np.float64).tiny)
    return int(np.argmin(len(rows) * np.log(rest) + 2 * 2 * np.arange(most + 1)))


def _equations(r: Floats, x: Floats, rows: Ints, groups: int) -> _Equations:
    scale_r, scale_x = r[rows].std(), x[rows].std()
    price = _design(r / scale_r, x / scale_x, rows, groups)
    flow = np.delete(price, 1, axis=1)
    change, volume = r[rows] / scale_r, price[:, 1]
    of_price, of_flow = (
        np.linalg.lstsq(design, target)[0] for design, target in ((price, change), (flow, volume))
    )
    rest, surprise = change - price @ of_price, volume - flow @ of_flow
    scores = np.column_stack([price * rest[:, None], flow * surprise[:, None]])
    bread = block_diag(price.T @ price, flow.T @ flow)
    return _Equations(
        a=of_price[3::2],
        b=np.append(of_price[1], of_price[2::2]),
        c=of_flow[2::2],
        d=of_flow[1::2],
        covariance=clustered(bread, scores, np.arange(len(rows))),
        scale=float(scale_r / scale_x),
        r2=float(1 - rest @ rest / len(rows)),
    )  # the change's variance is 1


def _responses(found: _Equations) -> tuple[Floats, Covariance]:
    """Return the estimates of RESPONSES and their covariance, from the derivatives by every
    coefficient.
    """
    groups, permanent, follow_on = len(found.a), found.permanent, found.follow_on
    price, flow = (
        np.zeros((2, 2 * groups + 2)),
        np.zeros((2, 2 * groups + 1)),
    )  # rows: immediate, permanent
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
    return estimates, Covariance(RESPONSES, Covariance((), found.covariance).delta(jacobian))


def _half_life(found: _Equations) -> float:
    """Return when half of the transient part is gone, between periods by a straight line."""
    impulse = np.zeros(HORIZON)
    impulse[0] = 1.0
    flow, own = np.append(found.b[0], _spread(found.b[1:])), np.append(1.0, -_spread(found.a))
    left = np.cumsum(lfilter(flow, own, impulse)) - found.permanent
    gone = np.flatnonzero(left <= left[0] / 2)
    if left[0] <= 0 or not len(gone):
        return float("nan")
    first = int(gone[0])
    return float(first - (left[0] / 2 - left[first]) / (left[first - 1] - left[first]))


def _caveats(
    found: _Equations, estimates: Floats, covariance: Covariance, n: int
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
                f"the mid goes on moving after the trade's period: "
                f"{-transient:.3g} on top of {estimates[0]:.3g}; longer periods hold the whole "
                "move",
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
                f"{n} periods for {_reach(len(found.a))} lags: the errors hold for many",
            )
        )
    return tuple(caveats)
