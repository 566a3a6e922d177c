"""Features with the time at which each was known: a table from the future is refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rows = Ints | NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class CausalTable:
    """What was known of each row before it began.

    names: (p,); values: (n, p), finite; known: (n, p) ns, when each value was known; start: (n,)
    ns, when what the row is for begins.

    Raises: ValueError naming the feature that is not finite, or was known only later.
    """

    names: tuple[str, ...]
    values: Floats
    known: Ints
    start: Ints

    def __post_init__(self) -> None:
        shape = (len(self.start), len(self.names))
        if self.values.shape != shape or self.known.shape != shape:
            raise ValueError(
                f"features: values {self.values.shape} and known {self.known.shape} must be {shape}"
            )
        for place, name in enumerate(self.names):
            if not np.isfinite(self.values[:, place]).all():
                raise ValueError(f"feature {name}: must be finite in every row")
            late = self.known[:, place] > self.start
            if late.any():
                raise ValueError(
                    f"feature {name}: in {late.sum()} rows known only after they begin, first in "
                    f"row {int(late.argmax())}; it is from the future"
                )

    def take(self, rows: Rows) -> CausalTable:
        """Return the chosen rows, by mask or by index."""
        return CausalTable(self.names, self.values[rows], self.known[rows], self.start[rows])
