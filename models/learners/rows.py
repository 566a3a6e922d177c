"""Measured costs of trades beside what was known before them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.learners.causal import CausalTable, Rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CostRows:
    """Costs to learn from, in time order. Shapes: (n,).

    states: known before each; size: shares; cost: total over mid, currency, above 0; end: ns, of
    the period that cost was measured in; group: labels of dependent rows, days or blocks of one,
    later ones larger.

    Raises: ValueError naming the field.
    """

    states: CausalTable
    size: Floats
    cost: Floats
    end: Ints
    group: Ints

    def __post_init__(self) -> None:
        for name in ("size", "cost", "end", "group"):
            if np.shape(getattr(self, name)) != self.states.start.shape:
                raise ValueError(f"{name}: must have one entry a row of the states")
        for name in ("size", "cost"):
            if not (np.isfinite(getattr(self, name)) & (getattr(self, name) > 0)).all():
                raise ValueError(f"{name}: must be finite and above 0 in every row")

    def take(self, rows: Rows) -> CostRows:
        """Return the chosen rows, by mask or by index."""
        some = (getattr(self, name)[rows] for name in ("size", "cost", "end", "group"))
        return CostRows(self.states.take(rows), *some)

    def thinned(self, most: int) -> CostRows:
        """Return every so many-th period, whole, so that at most about `most` rows are left."""
        every = -(-len(self.size) // most)
        _, place = np.unique(self.states.start, return_inverse=True)
        return self.take(place % every == 0)
