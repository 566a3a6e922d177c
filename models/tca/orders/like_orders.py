"""One broker or algorithm against another on like orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
LEVEL = 0.95
FEWEST_DAYS = 3  # a jackknife of two is no error


@dataclass(frozen=True)
class Compared:
    """Mean cost of one kind of order less another's, among like ones, bps.

    first, second: orders that had a like one; alone: of both, those that had none; error: by
    leaving days out, NaN below `FEWEST_DAYS`; p: two-sided, Student's t with days - 1.
    """

    difference: float
    error: float
    p: float
    first: int
    second: int
    alone: int
    days: int

    @property
    def reach(self) -> float:
        """Half the width of the 95 % interval."""
        if not np.isfinite(self.error):
            return np.nan
        return float(stats.t.ppf((1 + LEVEL) / 2, self.days - 1)) * self.error


def strata(columns: Sequence[Floats | Ints], bins: int = 3) -> Ints:
    """Return which cell of like orders each is in, (n,).

    Whole numbers are taken as they are; other columns are cut at quantiles into `bins` parts, NaN
    apart.
    """
    codes = []
    for column in columns:
        if np.issubdtype(column.dtype, np.integer):
            codes.append(column)
            continue
        known = np.isfinite(column)
        if not known.any():
            continue
        cuts = np.quantile(column[known], np.arange(1, bins) / bins)
        codes.append(np.where(known, np.searchsorted(cuts, column, side="right"), -1))
    if not codes:
        return np.zeros(len(columns[0]) if columns else 0, dtype=np.int64)
    return np.unique(np.column_stack(codes), axis=0, return_inverse=True)[1].ravel()


def compare_like(cost: Floats, first: Mask, second: Mask, cell: Ints, day: Ints) -> Compared:
    """Hold orders of one kind against those of another within cells of like orders.

    cost: bps; cells where one kind is missing say nothing; the others weigh n1 n2 / (n1 + n2), as
    least squares with a constant a cell would. Errors leave out one day at a time.

    Raises: ValueError where an order is of both kinds.

    Source: Angrist (1998), Econometrica 66, 249-288 (the weights); Bell, McCaffrey (2002) (the
    cluster jackknife).
    """
    if (first & second).any():
        raise ValueError("an order cannot be of both kinds that are compared")
    used = (first | second) & np.isfinite(cost)
    cost, kind, day = cost[used], first[used], day[used]
    _, cell = np.unique(cell[used], return_inverse=True)
    sums = _sums(cost, kind, cell)
    number = sums[[0, 2]]
    matched = (number > 0).all(axis=0)
    whole = _difference(sums)
    days = np.unique(day)
    left = [
        _difference(sums - _sums(cost[mine], kind[mine], cell[mine], sums.shape[1]))
        for mine in (day == each for each in days)
    ]
    without = np.array(left)
    known = len(days) >= FEWEST_DAYS and np.isfinite(whole) and np.isfinite(without).all()
    share = (len(days) - 1) / max(len(days), 1)
    error = float(np.sqrt(share * ((without - without.mean()) ** 2).sum())) if known else np.nan
    p = float(2 * stats.t.sf(abs(whole) / error, len(days) - 1)) if error > 0 else np.nan
    one, two = (int(each) for each in number[:, matched].sum(axis=1))
    return Compared(whole, error, p, one, two, len(cost) - one - two, len(days))


def _sums(cost: Floats, kind: Mask, cell: Ints, cells: int = 0) -> Floats:
    """Return numbers and summed costs by cell of the first and of the second kind, (4, cells)."""
    return np.array(
        [
            np.bincount(cell[some], weight[some], cells or int(cell.max(initial=-1)) + 1)
            for some in (kind, ~kind)
            for weight in (np.ones(len(cost)), cost)
        ]
    )


def _difference(sums: Floats) -> float:
    one, first, two, second = sums
    both = (one > 0) & (two > 0)
    if not both.any():
        return np.nan
    one, two = one[both], two[both]
    weight = one * two / (one + two)
    return float(weight @ (first[both] / one - second[both] / two) / weight.sum())
