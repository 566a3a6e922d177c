"""What groups of orders cost: ratios of sums with errors by day, medians, sign tests, outliers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.inference.covariance import clustered
from models.tca.shortfall import BPS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LEVEL = 0.95
FAR = 3.5  # modified z beyond which a cost is an outlier
TO_SIGMA = 0.6745  # of a normal, its median absolute deviation
EXACT_DAYS = 12  # up to which every flip of days' signs is counted


@dataclass(frozen=True)
class Ratio:
    """A ratio of sums with its error by day.

    error: NaN below two days; low, high: 95 % by Student's t with days - 1 degrees of freedom.
    """

    value: float
    error: float
    days: int

    @property
    def reach(self) -> float:
        """Half the width of the 95 % interval."""
        if self.days < 2:
            return np.nan
        return float(stats.t.ppf((1 + LEVEL) / 2, self.days - 1)) * self.error

    @property
    def low(self) -> float:
        """The lower end of the 95 % interval."""
        return self.value - self.reach

    @property
    def high(self) -> float:
        """The upper end of the 95 % interval."""
        return self.value + self.reach


def ratio_of_sums(above: Floats, below: Floats, day: Ints, unit: float = BPS) -> Ratio:
    """Return unit x sum(above) / sum(below), its error clustered by day; NaN where below sums to 0.

    Rows with NaN in either have no part. Source: Cochran (1977), "Sampling techniques", 6.4, the
    linearised ratio; by cluster as Liang, Zeger (1986).
    """
    known = np.isfinite(above) & np.isfinite(below)
    above, below, day = above[known], below[known], day[known]
    whole, days = float(below.sum()), len(np.unique(day))
    if not whole:
        return Ratio(np.nan, np.nan, days)
    value = float(above.sum()) / whole
    if days < 2:
        return Ratio(unit * value, np.nan, days)
    scores = (above - value * below)[:, None]
    variance = float(clustered(np.array([[whole]]), scores, day)[0, 0])
    return Ratio(unit * value, abs(unit) * float(np.sqrt(variance)), days)


@dataclass(frozen=True)
class Middle:
    """The median with its 95 % interval by days, NaN below two, and the sign test's two-sided p."""

    median: float
    low: float
    high: float
    p: float


def middle(cost: Floats, day: Ints) -> Middle:
    """Return the median of costs, where it may lie, and whether as many are above 0 as below.

    cost: (n,), NaN are left out. Orders of one day may be alike: the interval inverts the error,
    clustered by day, of the share below the median; the sign test flips whole days.

    Source: Woodruff (1952), J. American Statistical Association 47, 635-646; Larocque, Nevalainen,
    Oja (2007), Biometrika 94, 267-283, for signs by cluster.
    """
    known = np.isfinite(cost)
    cost, day = cost[known], day[known]
    if not len(cost):
        return Middle(np.nan, np.nan, np.nan, np.nan)
    median = float(np.median(cost))
    below = ratio_of_sums(
        (cost < median) + 0.5 * (cost == median), np.ones(len(cost)), day, unit=1.0
    )
    low, high = np.nan, np.nan
    if np.isfinite(below.reach):
        ends = np.clip([0.5 - below.reach, 0.5 + below.reach], 0.0, 1.0)
        low, high = (float(each) for each in np.quantile(cost, ends))
    return Middle(median, low, high, sign_test(cost, day))


def sign_test(cost: Floats, day: Ints) -> float:
    """Return the two-sided p of costs being above 0 as often as below, whole days flipped.

    Exact up to a dozen days; normal beyond. 1 where every cost is 0.
    """
    _, code = np.unique(day, return_inverse=True)
    sums = np.bincount(code, np.sign(cost))
    if not sums.any():
        return 1.0
    if len(sums) <= EXACT_DAYS:
        flips = 1 - 2 * ((np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums))) & 1)
        return float(np.mean(np.abs(flips @ sums) >= abs(sums.sum())))
    return float(2 * stats.norm.sf(abs(sums.sum()) / np.sqrt((sums**2).sum())))


def modified_z(cost: Floats) -> Floats:
    """Return how far each cost is from the median in robust deviations, NaN where none is known.

    Source: Iglewicz, Hoaglin (1993), "How to detect and handle outliers".
    """
    if not np.isfinite(cost).any():
        return np.full(len(cost), np.nan)
    apart = cost - np.nanmedian(cost)
    spread = float(np.nanmedian(np.abs(apart)))
    return TO_SIGMA * apart / spread if spread > 0 else np.full(len(cost), np.nan)
