"""The vector autoregression of mid change and signed volume, with its lags in groups."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag
from scipy.signal import lfilter

from models.inference.covariance import clustered

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MOST_GROUPS = 8  # of lags, that Akaike's criterion may choose: 128 lags
# the lags take at most an eighth of a session, a twentieth of the sample
REACH_OF_SESSION, REACH_OF_SAMPLE = 8, 20
HORIZON = 2048  # periods that the response is followed for


@dataclass(frozen=True, eq=False)
class Autoregression:
    """Both equations in standardised variables, by sums of the lags' coefficients.

    Shapes: b (groups + 1,); a, c, d (groups,). covariance: of the price equation's and the volume
    equation's coefficients; influence: of each row on them, (n, 4 groups + 3), to first order;
    scale: back to currency / share^2.
    """

    a: Floats
    b: Floats
    c: Floats
    d: Floats
    covariance: Floats
    influence: Floats
    scale: float
    r2: float

    @property
    def permanent(self) -> float:
        """Return the response in the end to a share traded."""
        return float(self.b.sum() / (1 - self.a.sum()))

    @property
    def follow_on(self) -> float:
        """Return how many shares follow one that was not expected, with itself."""
        return float(1 / (1 - self.d.sum() - self.c.sum() * self.permanent))

    @property
    def stable(self) -> bool:
        """Return whether a shock's effect has an end: all roots lie within the unit circle."""
        own = spread_over_lags(self.a)
        companion = np.eye(len(own), k=-1)
        companion[:1] = own
        roots = np.abs(np.linalg.eigvals(companion))
        return bool(self.follow_on > 0 and roots.max(initial=0.0) < 1)

    @property
    def half_life(self) -> float:
        """Return the periods until half of the transient part is gone, NaN where it never is."""
        impulse = np.zeros(HORIZON)
        impulse[0] = 1.0
        flow = np.append(self.b[0], spread_over_lags(self.b[1:]))
        own = np.append(1.0, -spread_over_lags(self.a))
        left = np.cumsum(lfilter(flow, own, impulse)) - self.permanent
        gone = np.flatnonzero(left <= left[0] / 2)
        if left[0] <= 0 or not len(gone):
            return float("nan")
        first = int(gone[0])  # between periods by a straight line
        return float(first - (left[0] / 2 - left[first]) / (left[first - 1] - left[first]))


def lag_groups(groups: int) -> list[range]:
    """Return the lags of every group: 1, 2, 3-4, 5-8 ..."""
    return [range(2 ** (group - 1) + 1 if group else 1, 2**group + 1) for group in range(groups)]


def spread_over_lags(sums: Floats) -> Floats:
    """Return the coefficient of every lag, from each group's sum."""
    widths = [len(lags) for lags in lag_groups(len(sums))]
    return np.repeat(sums / widths, widths)


def reach(groups: int) -> int:
    """Return how many periods back the lags of so many groups reach."""
    return 2 ** (groups - 1) if groups else 0


def usable_rows(known: NDArray[np.bool_], session: Ints, groups: int) -> Ints:
    """Return the rows that are known with all their lags, in one session."""
    place = np.arange(len(known))
    begin = np.maximum.accumulate(np.where(np.append(True, session[1:] != session[:-1]), place, 0))
    hole = np.maximum.accumulate(np.where(known, -1, place))  # the last unknown one so far
    return np.flatnonzero(place - np.maximum(begin, hole + 1) >= reach(groups))


def most_groups(known: NDArray[np.bool_], session: Ints) -> int:
    """Return how many groups the criterion may choose: one more fits sessions and sample."""
    longest = np.unique(session, return_counts=True)[1].max()
    furthest = min(longest / REACH_OF_SESSION, known.sum() / REACH_OF_SAMPLE)
    return int(np.clip(np.log2(max(furthest, 1.0)), 0, MOST_GROUPS))


def lag_design(r: Floats, x: Floats, rows: Ints, groups: int) -> Floats:
    """Return 1, x_t, then the means of x and r over each group of lags.

    The design of fewer groups is its first columns.
    """
    sums = [np.append(0.0, np.cumsum(np.nan_to_num(series))) for series in (x, r)]
    means = [
        (total[rows - lags[0] + 1] - total[rows - lags[-1]]) / len(lags)
        for lags in lag_groups(groups)
        for total in sums
    ]
    return np.column_stack([np.ones(len(rows)), x[rows], *means])


def akaike_groups(r: Floats, x: Floats, rows: Ints, most: int) -> int:
    """Return the number of groups with the least AIC of the price equation, on the same rows."""
    if not len(rows):
        return 0
    basis = np.linalg.qr(lag_design(r, x, rows, most))[0]
    explained = np.cumsum((basis.T @ r[rows]) ** 2)[1::2]
    rest = np.maximum(r[rows] @ r[rows] - explained, np.finfo(np.float64).tiny)
    return int(np.argmin(len(rows) * np.log(rest) + 2 * 2 * np.arange(most + 1)))


def fit_autoregression(r: Floats, x: Floats, rows: Ints, groups: int) -> Autoregression:
    """Fit both equations by least squares, their covariance robust to heteroskedasticity."""
    scale_r, scale_x = r[rows].std(), x[rows].std()
    price = lag_design(r / scale_r, x / scale_x, rows, groups)
    flow = np.delete(price, 1, axis=1)
    change, volume = r[rows] / scale_r, price[:, 1]
    of_price, of_flow = (
        np.linalg.lstsq(design, target)[0] for design, target in ((price, change), (flow, volume))
    )
    rest, surprise = change - price @ of_price, volume - flow @ of_flow
    scores = np.column_stack([price * rest[:, None], flow * surprise[:, None]])
    bread = block_diag(price.T @ price, flow.T @ flow)
    return Autoregression(
        a=of_price[3::2],
        b=np.append(of_price[1], of_price[2::2]),
        c=of_flow[2::2],
        d=of_flow[1::2],
        covariance=clustered(bread, scores, np.arange(len(rows))),
        influence=np.linalg.solve(bread, scores.T).T,
        scale=float(scale_r / scale_x),
        r2=float(1 - rest @ rest / len(rows)),  # the change's variance is 1
    )
