"""The mid of a session as stretches of time through which one mid was known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.float64] | NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class MidPath:
    """Mids in order of time; of those that start at one time the last stands. Shapes: (n,).

    start: sorted, trading seconds or ns; until: when the next starts, or the mid stops being
    known; mid: currency / share, NaN where a side is empty.

    Raises: ValueError when the arrays are of different lengths, unsorted, or stretches overlap.
    """

    start: Times
    until: Times
    mid: Floats

    def __post_init__(self) -> None:
        if not len(self.start) == len(self.until) == len(self.mid):
            raise ValueError("start, until and mid must have one entry a stretch each")
        if (self.until < self.start).any() or (self.start[1:] < self.until[:-1]).any():
            raise ValueError("stretches of a mid's path must be in order and not overlap")

    def at(self, times: Times) -> Floats:
        """Return the mid at times of any shape, NaN where none is known."""
        if not len(self.start):
            return np.full(np.shape(times), np.nan)
        row = np.searchsorted(self.start, times, side="right") - 1
        place = np.maximum(row, 0)
        return np.where((row >= 0) & (times < self.until[place]), self.mid[place], np.nan)

    def up_to(self, times: Times) -> tuple[Floats, Floats]:
        """Return the mid's integral over time up to times (n,), and how long it was known."""
        known = np.isfinite(self.mid)
        start, mid = self.start[known], self.mid[known]
        length = (self.until[known] - start).astype(np.float64)
        area, time = (np.append(0.0, np.cumsum(each)) for each in (length * mid, length))
        row = np.searchsorted(start, times, side="right")
        if not len(start):
            return np.zeros(len(times)), np.zeros(len(times))
        last = np.maximum(row - 1, 0)
        inside = np.clip((times - start[last]).astype(np.float64), 0.0, length[last])
        inside = np.where(row > 0, inside, 0.0)
        return area[last] + inside * mid[last], time[last] + inside

    def within(self, start: float, end: float) -> MidPath:
        """Return the known stretches from `start` (included) to `end` (excluded), cut there."""
        begin, until = np.maximum(self.start, start), np.minimum(self.until, end)
        some = np.isfinite(self.mid) & (begin < until)
        return MidPath(begin[some], until[some], self.mid[some])

    @property
    def mean(self) -> float:
        """The time-weighted mean of the known mids, NaN where none is known."""
        known = np.isfinite(self.mid)
        length = (self.until - self.start)[known]
        total = float(length.sum())
        return float(length @ self.mid[known]) / total if total > 0 else np.nan
