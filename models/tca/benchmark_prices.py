"""The prices that an order's fills are commonly held against, and how far off the fills were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.tca.mid_path import MidPath
from models.tca.shortfall import BPS, Fills

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MarketTrades:
    """The market's trades. Shapes: (n,). time: trading seconds; price: currency; size: shares."""

    time: Floats
    price: Floats
    size: Floats


@dataclass(frozen=True)
class Slippage:
    """How much dearer than each benchmark the mean fill was, bps of arrival; below 0 cheaper.

    NaN where the benchmark is not known or nothing was filled. All are of arrival, so that their
    differences are the moves between the benchmarks.
    """

    arrival: float
    twap: float
    vwap: float
    close: float


@dataclass(frozen=True)
class BenchmarkPrices:
    """Currency / share; NaN where not known.

    arrival: the first known mid of the order's interval; twap: its mean mid over time; vwap: of the
    market's trades in it; close: the last known mid of the session, after the order's end too.
    """

    arrival: float
    twap: float
    vwap: float
    close: float

    def slippage(self, fills: Fills, sign: int) -> Slippage:
        """Return what the mean fill price was off by; sign: +1 buys, -1 sells."""
        filled = float(fills.shares.sum())
        mean = float(fills.shares @ fills.price) / filled if filled > 0 else np.nan
        unit = sign * BPS / abs(self.arrival)
        each = (self.arrival, self.twap, self.vwap, self.close)
        return Slippage(*(unit * (mean - price) for price in each))


def benchmark_prices(
    session: MidPath, trades: MarketTrades, start: float, end: float
) -> BenchmarkPrices:
    """Return the benchmark prices of an order worked from `start` to `end` (excluded).

    session: the mids of the whole session, for the close.

    Raises: ValueError when no mid is known between start and end: there is no arrival.
    """
    inside = session.within(start, end)
    if not len(inside.mid):
        raise ValueError(f"no mid is known from {start:g} to {end:g} s of trading")
    meant = (trades.time >= start) & (trades.time < end)
    price, size = trades.price[meant], trades.size[meant]
    volume = float(size.sum())
    return BenchmarkPrices(
        arrival=float(inside.mid[0]),
        twap=inside.mean,
        vwap=float(size @ price) / volume if volume > 0 else np.nan,
        close=float(session.mid[np.isfinite(session.mid)][-1]),
    )
