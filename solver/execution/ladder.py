"""Books as ladders: prices over mid and shares, continued behind the levels shown by the law."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.problem.impact_law import ImpactLaw
from solver.problem.laws import Floats

RUNGS = 12  # behind the levels shown: their ends double up to the size of the order


@dataclass(frozen=True, eq=False)
class Ladders:
    """The side of some books that an order meets: L levels shown, then `RUNGS` of the law.

    Shapes: (m, K). over: price over mid, never falling, currency / share; size: shares.
    """

    over: Floats
    size: Floats

    @classmethod
    def of(cls, over: Floats, size: Floats, law: ImpactLaw, reach: float) -> Ladders:
        """Continue books by the law, one entry a book, for `reach` shares.

        over, size: (m, L), best first, price over mid NaN where a level is empty. The law's
        marginal cost is taken where it is above the last price shown, so that no ladder falls.
        """
        size = np.where(np.isfinite(over), size, 0.0)
        over = np.fmax.accumulate(over, axis=1)  # an empty level has the price before it
        ends = np.concatenate([[0.0], 2.0 ** np.arange(1 - RUNGS, 1)]) * reach
        depth = size.sum(axis=1)[:, None] + ends
        columns = (np.asarray(each) for each in (law.spread, law.scale))
        spread, scale = (each.reshape(-1, 1) for each in columns)
        cost = spread * depth + scale * depth**law.k
        rung = np.diff(cost, axis=1) / np.diff(ends)
        rung = np.maximum.accumulate(np.maximum(rung, over[:, -1:]), axis=1)
        more = np.broadcast_to(np.diff(ends), rung.shape)
        return cls(np.hstack([over, rung]), np.hstack([size, more]))
