"""What orders paid against what a model had told: excess, z, the calibration curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.inference.covariance import clustered
from models.tca.orders.groups import Ratio, ratio_of_sums

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FEWEST = 10  # orders that a line is drawn through


@dataclass(frozen=True, eq=False)
class Told:
    """Costs told and paid of the same orders, bps. Shapes: (n,).

    error: of the told cost, from the parameters; risk: the standard deviation that the price's own
    moves give what is paid; weight: notional, currency; day: labels.

    Raises: ValueError for arrays of different lengths.
    """

    told: Floats
    paid: Floats
    error: Floats
    risk: Floats
    weight: Floats
    day: Ints

    def __post_init__(self) -> None:
        if len({len(each) for each in vars(self).values()}) != 1:
            raise ValueError("told, paid, error, risk, weight and day must have one entry an order")

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which orders were both told and paid a cost, (n,)."""
        return np.isfinite(self.told) & np.isfinite(self.paid)

    @property
    def excess(self) -> Floats:
        """Paid less told, bps, (n,)."""
        return self.paid - self.told

    @property
    def z(self) -> Floats:
        """The excess in its standard deviations, (n,): the price's risk and the told one's error,
        which counts as none where the file knows none.
        """
        spread = np.hypot(self.risk, np.nan_to_num(self.error))
        return np.divide(self.excess, spread, out=np.full(len(self.told), np.nan), where=spread > 0)


@dataclass(frozen=True)
class Calibration:
    """How far told costs hold.

    ratio: paid over told, both summed; 1 where they agree. slope, intercept: of paid on told, bps,
    each order by the inverse of its variance; slope_error, intercept_error: by day. covered: share
    of |z| < 1.96, of orders that bear risk. NaN below `FEWEST` orders or two days.
    """

    ratio: Ratio
    slope: float
    slope_error: float
    intercept: float
    intercept_error: float
    covered: float
    orders: int


@dataclass(frozen=True)
class CurvePoint:
    """Orders whose told cost is alike: its mean, what they paid with its error by day, bps."""

    told: float
    paid: Ratio
    orders: int


def calibrate_told(found: Told) -> Calibration:
    """Return how far told costs hold over all orders.

    Source: Mincer, Zarnowitz (1969), "The evaluation of economic forecasts" (paid on told).
    """
    some = found.known
    weight = found.weight[some]
    ratio = ratio_of_sums(
        weight * found.paid[some], weight * found.told[some], found.day[some], unit=1.0
    )
    z = found.z[some & (found.risk > 0)]
    covered = float(np.mean(np.abs(z) < stats.norm.ppf(0.975))) if len(z) else np.nan
    return Calibration(ratio, *_line(found), covered, int(some.sum()))


def _line(found: Told) -> tuple[float, float, float, float]:
    """Return slope, its error, intercept, its error."""
    some = found.known & (found.risk > 0)
    none = (np.nan,) * 4
    if some.sum() < FEWEST or len(np.unique(found.day[some])) < 2:
        return none
    x = np.column_stack([np.ones(some.sum()), found.told[some]])
    weight = 1 / (found.risk[some] ** 2 + np.nan_to_num(found.error[some]) ** 2)
    bread = x.T @ (weight[:, None] * x)
    if np.linalg.cond(bread) > 1e12:
        return none
    beta = np.linalg.solve(bread, x.T @ (weight * found.paid[some]))
    left = found.paid[some] - x @ beta
    error = np.sqrt(np.diag(clustered(bread, (weight * left)[:, None] * x, found.day[some])))
    return float(beta[1]), float(error[1]), float(beta[0]), float(error[0])


def curve(found: Told, points: int = 8) -> list[CurvePoint]:
    """Return mean paid by told cost, in parts of about equally many orders."""
    some = np.flatnonzero(found.known)
    some = some[np.argsort(found.told[some], kind="stable")]
    parts = np.array_split(some, min(points, max(1, len(some) // FEWEST)))
    made = []
    for part in parts:
        if not len(part):
            continue
        weight = found.weight[part]
        paid = ratio_of_sums(weight * found.paid[part], weight, found.day[part], unit=1.0)
        mean = float(weight @ found.told[part] / weight.sum())
        made.append(CurvePoint(mean, paid, len(part)))
    return made
