"""Conformal intervals of cost whose exchangeable unit is the day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LEVEL = 0.9


@dataclass(frozen=True, eq=False)
class CostReach:
    """How far costs lie from what was told of them, by size. Shapes: (s,).

    reach: of |log(cost / told)|, NaN where it is not available: the days are too few for the level.
    """

    size: Floats
    reach: Floats
    days: int
    level: float

    def interval(self, told: Floats) -> tuple[Floats, Floats]:
        """Return what costs lie between at the level, currency; told: (n, s) by size."""
        return told * np.exp(-self.reach), told * np.exp(self.reach)


def cost_reach(
    cost: Floats, told: Floats, size: Floats, day: Ints, level: float = LEVEL
) -> CostReach:
    """Return one quantile a size, from days that no learner was fitted on.

    cost, told: (n,) currency above 0; size, day: (n,). Of G days with n_g rows each row weighs
    1 / ((G + 1) n_g), the day to come 1 / (G + 1) at infinity. At a level of 90 % nine days are the
    fewest.

    Source: Dunn, Wasserman, Ramdas 2023, "Distribution-free prediction sets for two-layer
    hierarchical models"; Lee, Barber, Willett 2023, "Distribution-free inference with hierarchical
    data", section 3 (HCP).
    """
    sizes = np.unique(size)
    score = np.abs(np.log(cost / told))
    labels, place = np.unique(day, return_inverse=True)
    reach = [_quantile(score[size == one], place[size == one], level) for one in sizes]
    return CostReach(sizes, np.array(reach), len(labels), level)


def _quantile(score: Floats, day: Ints, level: float) -> float:
    rows = np.bincount(day)
    days = int((rows > 0).sum())
    weight = 1.0 / ((days + 1) * rows[day])
    order = np.argsort(score)
    mass = np.cumsum(weight[order])
    place = int(np.searchsorted(mass, level - 1e-12))
    return float(score[order][place]) if place < len(score) else np.nan
