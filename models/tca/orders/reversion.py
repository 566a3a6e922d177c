"""How far the price comes back after orders: what stays, what decays, and how fast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.tca.shortfall import BPS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
HALF_LIVES, ZOOMS = 60, 3  # tried at once, and again around the best
FEWEST_DAYS = 3
IDENTIFIED = 2.0  # standard errors that the decaying part must be away from 0


@dataclass(frozen=True, eq=False)
class Path:
    """The mid's moves since arrival in the orders' direction, some time after their ends.

    lags: (L,) seconds, rising from 0; mean: (L,) bps, weighed by notional; error: (L,) by day;
    days: that the errors are from; by_day: (D, 2, L) sums of weighted moves and weights.
    """

    lags: Floats
    mean: Floats
    error: Floats
    days: int
    by_day: Floats


def mean_path(lags: Floats, moved: Floats, weight: Floats, day: Ints) -> Path:
    """Return the mean path of orders; moved: (m, L) as shares of arrival, NaN where not known.

    Orders whose path is not known to its end have no part: means at two lags are of the same
    orders.
    """
    whole = np.isfinite(moved).all(axis=1) & (weight > 0)
    labels, code = np.unique(day[whole], return_inverse=True)
    sums = np.zeros((len(labels), 2, len(lags)))
    np.add.at(sums[:, 0], code, BPS * weight[whole, None] * moved[whole])
    np.add.at(sums[:, 1], code, np.broadcast_to(weight[whole, None], (int(whole.sum()), len(lags))))
    if not whole.any():
        nothing = np.full(len(lags), np.nan)
        return Path(lags, nothing, nothing, 0, sums)
    total = sums.sum(axis=0)
    mean, count = total[0] / total[1], len(labels)
    error = np.full(len(lags), np.nan)
    if count >= 2:
        score = sums[:, 0] - mean * sums[:, 1]
        error = np.sqrt(count / (count - 1) * (score**2).sum(axis=0)) / total[1]
    return Path(lags, mean, error, count, sums)


@dataclass(frozen=True)
class Reversion:
    """permanent + decaying x 2^(-t / half_life), bps and seconds, with errors by leaving days out.

    identified: whether anything decays: else half_life is NaN, and permanent is the path's mean.
    """

    permanent: float
    permanent_error: float
    decaying: float
    decaying_error: float
    half_life: float
    half_life_error: float
    identified: bool


def reversion(path: Path) -> Reversion:
    """Split the path after orders into what stays and what decays.

    Least squares over a grid of half-lives from the first lag to the last. A half-life at an end of
    the grid is not identified. Source: Bouchaud, Farmer, Lillo (2009), "How markets slowly digest
    changes in supply and demand", section 5, for the decay; the jackknife by Bell, McCaffrey
    (2002).
    """
    if path.days < FEWEST_DAYS or len(path.lags) < 4:
        return Reversion(*(np.nan,) * 6, identified=False)
    grid = np.geomspace(path.lags[1], path.lags[-1], HALF_LIVES)
    whole = _fit(path.lags, path.mean, grid)
    without = []
    for place in range(path.days):
        total = path.by_day.sum(axis=0) - path.by_day[place]
        without.append(_fit(path.lags, total[0] / total[1], grid))
    apart = np.array(without) - np.mean(without, axis=0)
    error = np.sqrt((path.days - 1) / path.days * (apart**2).sum(axis=0))
    inside = grid[0] < whole[2] < grid[-1]
    if inside and abs(whole[1]) > IDENTIFIED * error[1]:
        off = [float(each) for each in error]
        return Reversion(whole[0], off[0], whole[1], off[1], whole[2], off[2], identified=True)
    level, spread = float(path.mean.mean()), float(path.error.mean())
    return Reversion(level, spread, *(np.nan,) * 4, identified=False)


def _fit(lags: Floats, mean: Floats, grid: Floats) -> tuple[float, float, float]:
    """Return what stays, what decays and the half-life of the least squares."""
    for _ in range(ZOOMS):
        decay = 2.0 ** (-lags / grid[:, None])
        apart = decay - decay.mean(axis=1, keepdims=True)
        slope = (apart @ (mean - mean.mean())) / (apart**2).sum(axis=1)
        stays = mean.mean() - slope * decay.mean(axis=1)
        left = mean - stays[:, None] - slope[:, None] * decay
        best = int(np.argmin((left**2).sum(axis=1)))
        found = float(stays[best]), float(slope[best]), float(grid[best])
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
        grid = np.geomspace(low, high, HALF_LIVES)
    return found
