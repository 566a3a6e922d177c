"""Walk costs of the book as they enter a fit, and the sizes that displayed depth can tell of."""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
MOST_CENSORED = 0.2  # of the time: a size that depth holds less often says little of its own cost
LEAST_SIZES = 2  # an exponent needs two


@dataclass(frozen=True, eq=False)
class Cells:
    """Time-averaged walk costs, one cell a period, side and size. Shapes: all (n,).

    size: shares. excess: currency above the best price, the book continued where depth did not
    suffice. half_spread: currency / share. censored: share of time depth did not suffice. bucket:
    time-of-day bucket, from 0. volatility: v, thinness: reference over period volume, both as
    predicted before the period. cluster: label of dependent cells, not negative, a day or a part of
    one; day: label of each cell's, without which all cells are held for those of one level;
    weight: of each cell in the estimating equations, the same all through a day, 1 without.
    Measurements without any time are NaN.

    Raises: ValueError naming the field.
    """

    size: Floats
    excess: Floats
    half_spread: Floats
    censored: Floats
    bucket: Ints
    volatility: Floats
    thinness: Floats
    cluster: Ints
    day: Ints | None = None
    weight: Floats | None = None

    def __post_init__(self) -> None:
        shape = np.shape(self.size)
        for name, value in self._columns().items():
            if np.shape(value) != shape or len(shape) != 1:
                raise ValueError(
                    f"{name}: shape {np.shape(value)}, size has {shape}; all must be one (n,)"
                )
        lows = {"size": 0.0, "thinness": 0.0, "volatility": 0.0, "bucket": -1.0, "weight": 0.0}
        for name, low in lows.items():
            value = getattr(self, name)
            if value is None:
                continue
            if not (np.isfinite(value) & (value > low)).all():
                raise ValueError(f"{name}: must be finite and above {low:g} in every cell")

    def take(self, chosen: NDArray[np.bool_] | Ints) -> "Cells":
        """Return the chosen cells, by mask or by index."""
        return Cells(**{name: value[chosen] for name, value in self._columns().items()})

    def cost(self, spread: bool) -> Floats:
        """Return the excess over the best price, or with `spread` the cost over mid, (n,)."""
        return self.excess + self.half_spread * self.size if spread else self.excess

    def _columns(self) -> dict[str, NDArray]:
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in columns.items() if value is not None}


def shown_sizes(size: Floats, censored: Floats) -> Floats:
    """Return the sizes that depth held all but a fifth of the time, and at least the two smallest.

    size, censored: (n,), of cells. Leaving out a size whole keeps thin books, where leaving out
    its censored cells would keep thick ones alone.
    """
    sizes, code = np.unique(size, return_inverse=True)
    known = np.isfinite(censored)
    total, number = (
        np.bincount(code[known], weight, len(sizes)) for weight in (censored[known], None)
    )
    share = np.divide(total, number, out=np.ones(len(sizes)), where=number > 0)
    share[:LEAST_SIZES] = 0.0
    return np.asarray(sizes[share <= MOST_CENSORED])


def least_costs(cost: Floats, size: Floats, half_spread: Floats, walk: Ints, known: Mask) -> Floats:
    """Return what each cell's trade cost at least, currency over mid, (n,): its cost where known.

    cost: total over mid; walk: label of the cells of one book side; known: which costs depth told.
    A walk's mean price never falls with its size, so that the largest known one of the same walk,
    or half of the spread, bounds those that ran out of depth.
    """
    price = np.where(known, cost / size, half_spread)
    order = np.lexsort((size, walk))
    highest = pd.Series(price[order]).groupby(walk[order], sort=False).cummax().to_numpy()
    least = np.empty_like(price)
    least[order] = highest
    return np.where(known, cost, least * size)
