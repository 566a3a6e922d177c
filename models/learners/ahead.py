"""Costs of the periods to come, over the last hour's, regressed on the states of that hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.execution.coming import LEAST_PERIODS, NAMES, hour_features

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
HORIZONS = (1, 2, 5, 10, 20, 40, 80)  # periods
HOUR = 60  # periods that are looked back on
RIDGE = 0.02  # of the rows' number, features scaled
STILL = 1e-6  # of a feature: logs and shares that vary by less are rounding
LEAST_DAYS = 3  # told from those before them, to believe anything


@dataclass(frozen=True, eq=False)
class SideDay:
    """One side of a day: window (T, 4), as `solver.execution.coming.minutes_of` has it; cost: (T,)
    log of a trade's cost less what is usual at the time of day, NaN where unknown.
    """

    window: Floats
    cost: Floats


@dataclass(frozen=True, eq=False)
class AheadFit:
    """Coefficients that a forecast should use, (h, p), shrunk; days told out of sample, slope of
    outcomes on what was told of them with its error by day, and the share of squares explained,
    (h,), NaN below `LEAST_DAYS` days.
    """

    coefficients: Floats
    slope: Floats
    error: Floats
    r2: Floats
    days: int


def fit_ahead(days: Sequence[Sequence[SideDay]]) -> AheadFit:
    """Fit every horizon by ridge regression through the origin; days: in time order, of each its
    sides.

    Each day but the first is told from those before it. Coefficients are multiplied by the slope of
    its outcomes on that, times max(0, 1 - error^2 / slope^2), within 0 and 1, and 0 where the share
    of squares explained is not above its own error.
    Source: Marcellino, Stock, Watson 2006, "A comparison of direct and iterated multistep AR
    methods", for direct forecasts; James, Stein 1961 for the shrinkage.
    """
    tables = [_table(day) for day in days]
    shape = (len(HORIZONS), len(NAMES))
    found, slope, error, r2 = np.zeros(shape), *np.full((3, len(HORIZONS)), np.nan)
    for place in range(len(HORIZONS)):
        products = []
        for at in range(1, len(tables)):
            past = _ridge(tables[:at], place)
            x, y = _known(tables[at], place)
            if past is not None and len(y):
                told = x @ past
                products.append([told @ told, told @ y, y @ y])
        whole = _ridge(tables, place)
        if len(products) < LEAST_DAYS or whole is None:
            continue
        tt, ty, yy = np.array(products).T
        slope[place], error[place] = _ratio(ty, tt)
        r2[place], off = _ratio(2 * ty - tt, yy)
        if not r2[place] > off:
            continue
        weight = slope[place] * max(0.0, 1.0 - (error[place] / slope[place]) ** 2)
        found[place] = float(np.clip(weight, 0.0, 1.0)) * whole
    return AheadFit(found, slope, error, r2, max(len(tables) - 1, 0))


def _table(day: Sequence[SideDay]) -> tuple[Floats, Floats]:
    """Return features, (n, p), and outcomes by horizon, (n, h), of a day's sides."""
    x, y = [], []
    for side in day:
        ends = np.arange(LEAST_PERIODS, len(side.cost) - 1)
        for end in ends:
            begin = max(0, end + 1 - HOUR)
            x.append(hour_features(side.window[begin : end + 1]))
            hour = side.cost[begin : end + 1]
            usual = float(np.nanmean(hour)) if np.isfinite(hour).any() else np.nan
            later = [end + h for h in HORIZONS]
            y.append([side.cost[at] - usual if at < len(side.cost) else np.nan for at in later])
    return np.array(x).reshape(-1, len(NAMES)), np.array(y).reshape(-1, len(HORIZONS))


def _known(table: tuple[Floats, Floats], place: int) -> tuple[Floats, Floats]:
    x, y = table[0], table[1][:, place]
    known = np.isfinite(y) & np.isfinite(x).all(axis=1)
    return x[known], y[known]


def _ridge(tables: Sequence[tuple[Floats, Floats]], place: int) -> Floats | None:
    parts = [_known(one, place) for one in tables]
    x, y = (np.concatenate(each) for each in zip(*parts, strict=True))
    if len(y) <= len(NAMES):
        return None
    scale = np.sqrt((x**2).mean(axis=0))
    scale[scale < STILL] = np.inf  # what never moved tells nothing, and must not when it does
    z = x / scale
    power = z.T @ z + RIDGE * len(y) * np.eye(len(scale))
    return np.asarray(np.linalg.solve(power, z.T @ y) / scale)


def _ratio(part: Floats, whole: Floats) -> tuple[float, float]:
    """Return a ratio of sums by day and its linearised error (Cochran 1977, 6.4)."""
    total, count = max(float(whole.sum()), float(np.finfo(float).tiny)), len(part)
    ratio = float(part.sum()) / total
    apart = (part - ratio * whole) / total
    return ratio, float(np.sqrt(count / (count - 1) * (apart**2).sum()))
