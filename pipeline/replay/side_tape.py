"""A stretch of one symbol-day's books as an order of one side meets them."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from models.microstructure.book import Book
from models.microstructure.standing import LIFE_NS, standing_rows
from models.tca.mid_path import MidPath
from solver import ImpactLaw
from solver.execution import Ladders

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SideTape:
    """Consecutive rows of a tape. Shapes: (n,), (n, L).

    sign: of the order; first: the number of its first row in the day; ts: ns, sorted; dear: price
    times the sign, rising from the best level; size: shares. mid and spread: currency / share, NaN
    where a side is empty or the book is not known; tilt: the best sizes' imbalance times the sign,
    -1 to 1.
    """

    sign: int
    first: int
    ts: Ints
    dear: Floats
    size: Floats
    mid: Floats
    spread: Floats
    tilt: Floats

    @classmethod
    def of(cls, ts: Ints, book: Book, sign: int, first: int = 0) -> "SideTape":
        """Return what a buy (+1) or a sell (-1) meets."""
        price, size = (book.ask_px, book.ask_sz) if sign > 0 else (book.bid_px, book.bid_sz)
        spread = book.ask_px[:, 0] - book.bid_px[:, 0]
        return cls(sign, first, ts, sign * price, size, book.mid, spread, sign * book.imbalance)

    @property
    def shown(self) -> int:
        """Return how many levels are on tape."""
        return self.dear.shape[1]

    def since(self, row: int) -> "SideTape":
        """Return the rows from one on."""
        columns = {name: getattr(self, name)[row:] for name in COLUMNS}
        return SideTape(self.sign, self.first + row, **columns)

    def followed_by(self, more: "SideTape") -> "SideTape":
        """Return these rows and those right after them."""
        columns = {
            name: np.concatenate([getattr(self, name), getattr(more, name)]) for name in COLUMNS
        }
        return SideTape(self.sign, self.first, **columns)

    def arrived(self, times: Ints) -> Ints:
        """Return the last row that had arrived by each time, -1 where no known book stands."""
        row = standing_rows(self.ts, times)
        if not len(self.ts):
            return row
        return np.where((row >= 0) & np.isfinite(self.mid[row]), row, -1)

    def ladders(self, rows: Ints, law: ImpactLaw, reach: float) -> Ladders:
        """Return the books of rows that are known; law: one entry a row; reach: shares."""
        over = self.dear[rows] - self.sign * self.mid[rows, None]
        return Ladders.of(over, self.size[rows], law, reach)


COLUMNS = tuple(field.name for field in fields(SideTape) if field.name not in ("sign", "first"))


def mid_path(batches: Iterable[tuple[Ints, Floats]]) -> MidPath:
    """Return the path of the mid of consecutive rows, (ts, mid), in ns and in the fewest stretches.

    A row stands to the next one, at most `LIFE_NS`; of rows of one time the last one stands.
    """
    end = np.iinfo(np.int64).max
    last_ts, last_mid = np.empty(0, dtype=np.int64), np.empty(0)
    parts = [(last_ts, last_ts, last_mid)]
    for ts, mid in chain(batches, [(np.array([end]), np.array([np.nan]))]):
        ts, mid = np.append(last_ts, ts), np.append(last_mid, mid)
        until = np.minimum(ts[1:], ts[:-1] + LIFE_NS)
        known = np.isfinite(mid[:-1]) & (until > ts[:-1])
        parts.append(_merged(ts[:-1][known], until[known], mid[:-1][known]))
        last_ts, last_mid = ts[-1:], mid[-1:]
    return MidPath(*_merged(*map(np.concatenate, zip(*parts, strict=True))))


def _merged(start: Ints, until: Ints, mid: Floats) -> tuple[Ints, Ints, Floats]:
    """Return stretches in which those of one mid that follow each other are one."""
    if not len(start):
        return start, until, mid
    new = np.flatnonzero((start[1:] > until[:-1]) | (mid[1:] != mid[:-1]))
    return start[np.append(0, new + 1)], until[np.append(new, -1)], mid[np.append(0, new + 1)]
