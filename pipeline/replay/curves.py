"""The books of the moments as curves: prices over mid and shares, continued by the cost law."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.microstructure.book import Book
from models.microstructure.standing import LIFE_NS
from solver import ImpactLaw

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
RUNGS = 12  # behind the levels shown: their ends double up to the size of the order


@dataclass(frozen=True, eq=False)
class SideTape:
    """One symbol-day as an order of one side meets it. Shapes: (n,), (n, L).

    ts: ns, sorted; dear: price times the sign of the order, rising from the best level; size:
    shares. mid and spread: currency / share, NaN where a side is empty or the book is not known;
    tilt: the best sizes' imbalance times the sign, -1 to 1.
    trades_ts, traded: (t,) of the market's trades, ns, sorted; shares.
    """

    sign: int
    ts: Ints
    dear: Floats
    size: Floats
    mid: Floats
    spread: Floats
    tilt: Floats
    trades_ts: Ints
    traded: Floats

    @classmethod
    def of(
        cls, ts: Ints, book: Book, sign: int, trades: tuple[Ints, Floats] | None = None
    ) -> "SideTape":
        """Return what a buy (+1) or a sell (-1) meets; trades: times and shares."""
        trades_ts, traded = trades or (np.empty(0, dtype=np.int64), np.empty(0))
        price, size = (book.ask_px, book.ask_sz) if sign > 0 else (book.bid_px, book.bid_sz)
        spread = book.ask_px[:, 0] - book.bid_px[:, 0]
        bid, ask = book.bid_sz[:, 0], book.ask_sz[:, 0]
        both = bid + ask
        tilt = np.divide(sign * (bid - ask), both, out=np.zeros(len(both)), where=both > 0)
        return cls(sign, ts, sign * price, size, book.mid, spread, tilt, trades_ts, traded)

    def arrived(self, times: Ints) -> Ints:
        """Return the last row that had arrived by each time, -1 where no known book stands."""
        row = np.searchsorted(self.ts, times, side="right") - 1
        at = np.maximum(row, 0)
        if not len(self.ts):
            return np.full(len(times), -1)
        stands = (row >= 0) & (times - self.ts[at] < LIFE_NS) & np.isfinite(self.mid[at])
        return np.where(stands, row, -1)

    def mid_at(self, times: Ints) -> Floats:
        """Return the mid that stood at each time, NaN where none did."""
        row = self.arrived(times)
        return np.where(row >= 0, self.mid[row], np.nan)

    def volume_by(self, times: Ints) -> Floats:
        """Return the shares that the market had traded by each time."""
        total = np.concatenate([[0.0], np.cumsum(self.traded)])
        return total[np.searchsorted(self.trades_ts, times, side="right")]


@dataclass(frozen=True, eq=False)
class Curves:
    """The books of some rows as ladders: L levels shown, then `RUNGS` of the law. Shapes: (m, K).

    over: price over mid, never falling, currency / share; size: shares.
    """

    over: Floats
    size: Floats


def curves(tape: SideTape, rows: Ints, law: ImpactLaw, reach: float) -> Curves:
    """Return the ladders of rows whose books are known.

    law: one entry a row. reach: shares that the law continues a book by. Its marginal cost is taken
    where it is above the last price shown, so that no curve falls.
    """
    over = tape.dear[rows] - tape.sign * tape.mid[rows, None]
    size = np.where(np.isfinite(over), tape.size[rows], 0.0)
    over = np.fmax.accumulate(over, axis=1)  # an empty level has the price before it
    ends = np.concatenate([[0.0], 2.0 ** np.arange(1 - RUNGS, 1)]) * reach
    depth = size.sum(axis=1)[:, None] + ends
    columns = (np.asarray(each) for each in (law.spread, law.scale))
    spread, scale = (each.reshape(-1, 1) for each in columns)
    cost = spread * depth + scale * depth**law.k
    rung = np.diff(cost, axis=1) / np.diff(ends)
    rung = np.maximum.accumulate(np.maximum(rung, over[:, -1:]), axis=1)
    more = np.broadcast_to(np.diff(ends), rung.shape)
    return Curves(np.hstack([over, rung]), np.hstack([size, more]))
