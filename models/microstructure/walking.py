"""What it costs to walk a side of the book, and to go on where the levels shown end."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ROUNDING = 1e-9  # of a level that is used up exactly


@dataclass(frozen=True, eq=False)
class Continuation:
    """What is taken to stand behind the last level shown: more levels, at even gaps.

    Shapes: (n,), one for each book walked. gap: currency; size and growth: the i-th level behind
    has size + i growth shares, i = 1, 2, ...
    """

    gap: Floats
    size: Floats
    growth: Floats

    def take(self, chosen: NDArray[np.int64]) -> "Continuation":
        """Return the chosen ones, by index."""
        return Continuation(self.gap[chosen], self.size[chosen], self.growth[chosen])

    def cost(self, last: Floats, beyond: Floats) -> Floats:
        """Return what shares beyond the last level cost above the best price.

        last: (n,), its distance from the best price, currency; beyond: (n, S) shares. Returns
        (n, S) currency.
        """
        gap, size, growth, last = (
            each[:, None] for each in (self.gap, self.size, self.growth, last)
        )
        linear = size + growth / 2  # shares of n levels: linear n + growth n^2 / 2
        n = np.floor(2 * beyond / (linear + np.sqrt(linear**2 + 2 * growth * beyond)) + ROUNDING)
        sums = n, n * (n + 1) / 2, n * (n + 1) * (2 * n + 1) / 6
        shares = size * sums[0] + growth * sums[1]
        whole = last * shares + gap * (size * sums[1] + growth * sums[2])
        return np.asarray(whole + (beyond - shares) * (last + gap * (n + 1)))


def continuation(shares: Floats, gap: Floats) -> Continuation:
    """Return what stands behind the last level of books with these mean levels.

    shares: (n, L), NaN where a level was never shown; gap: (n,), currency. The levels but the best
    are continued along their least-squares line, held level where they shrink.
    """
    level = np.arange(shares.shape[1], dtype=np.float64)
    weight = np.isfinite(shares).astype(np.float64)
    weight[:, 0] *= weight.sum(axis=1) < 2  # the best level, where there is no other
    number = np.maximum(weight.sum(axis=1), 1.0)
    known = np.where(weight > 0, shares, 0.0)
    centre, mean = (weight * level).sum(axis=1) / number, known.sum(axis=1) / number
    off = weight * (level - centre[:, None])
    spread = (off**2).sum(axis=1)
    growth = np.divide((off * known).sum(axis=1), spread, out=np.zeros(len(off)), where=spread > 0)
    growth = np.maximum(growth, 0.0)
    last = np.where(weight > 0, level, 0.0).max(axis=1)
    return Continuation(gap, mean + growth * (last - centre), growth)


def walk(price: Floats, size: Floats, wanted: Floats) -> tuple[Floats, Floats]:
    """Return each wanted size's cost above the best price, and the depth.

    price, size: (n, L), one side of the book; wanted: (S,) shares. Returns (n, S) currency and
    (n,) shares. A size beyond the depth is given the cost of the whole depth, a lower bound.
    """
    away = np.nan_to_num(np.abs(price - price[:, :1]), nan=0.0)
    reach = np.cumsum(size, axis=1)
    before = reach - size
    cost = np.empty((len(price), len(wanted)))
    for column, shares in enumerate(wanted):
        cost[:, column] = (away * np.clip(shares - before, 0.0, size)).sum(axis=1)
    return cost, reach[:, -1]


def spacing(price: Floats) -> tuple[Floats, Floats]:
    """Return the last level's distance from the best price, and the mean gap between the deeper
    half of levels.

    price: (n, L), one side of the book. Returns (n,) each. A book of one level has no gap (NaN).
    """
    away, rows = np.abs(price - price[:, :1]), np.arange(len(price))
    shown = np.isfinite(away).sum(axis=1)
    end, middle = np.maximum(shown - 1, 0), np.maximum((shown - 1) // 2, 0)
    last, gap = away[rows, end], np.full(len(rows), np.nan)
    np.divide(last - away[rows, middle], end - middle, out=gap, where=end > middle)
    return last, gap


def continued_walk(price: Floats, size: Floats, wanted: Floats, behind: Continuation) -> Floats:
    """Return each wanted size's cost above the best price, the book going on behind its last level.

    Shapes as in `walk`. Thin moments are chosen by their thin depth, and the level after them is as
    thick as any: a power law from where their depth ends makes them far too dear.
    """
    cost, depth = walk(price, size, wanted)
    last, _ = spacing(price)
    beyond = np.clip(wanted - depth[:, None], 0.0, None)
    short = np.flatnonzero((beyond > 0).any(axis=1))
    cost[short] += behind.take(short).cost(last[short], beyond[short])
    return cost
