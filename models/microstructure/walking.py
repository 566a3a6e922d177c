"""What it costs to walk a side of the book."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def walk(price: Floats, size: Floats, wanted: Floats) -> tuple[Floats, Floats, Floats]:
    """Return each wanted size's cost above the best price, the depth, and the cost of it all.

    price, size: (n, L), one side of the book; wanted: (S,) shares. Returns (n, S), (n,), (n,):
    currency, shares, currency. A size beyond the depth is given the cost of the whole depth: a
    lower bound, which the caller treats as censored.
    """
    away = np.nan_to_num(np.abs(price - price[:, :1]), nan=0.0)
    reach = np.cumsum(size, axis=1)
    before = reach - size
    cost = np.empty((len(price), len(wanted)))
    for column, shares in enumerate(wanted):
        cost[:, column] = (away * np.clip(shares - before, 0.0, size)).sum(axis=1)
    return cost, reach[:, -1], (away * size).sum(axis=1)
