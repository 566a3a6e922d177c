"""What an order's picture shows: the mid around it, its fills, the prices it is held against."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.engine.sessions import SECOND_NS
from pipeline.tca.book import Book
from pipeline.tca.market import Market

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MARGIN = 0.25  # of the order's length, shown before and after it
LEAST_MARGIN = 120 * SECOND_NS


@dataclass(frozen=True, eq=False)
class PathView:
    """Hours after midnight of the exchange. hours, mid: of the market; fill_hours, price, shares:
    of the fills; span: of the order; window: shown; the prices, NaN where not known.
    """

    hours: Floats
    mid: Floats
    fill_hours: Floats
    price: Floats
    shares: Floats
    span: tuple[float, float]
    window: tuple[float, float]
    decision: float
    arrival: float
    vwap: float


def path_views(book: Book, market: Market, places: Ints) -> dict[int, PathView]:
    """Return the views of some orders, each symbol's session read once."""
    orders, joined, rows = book.sheet.orders, book.sheet.joined, book.sheet.rows
    found = {}
    wanted = pd.DataFrame(
        {"symbol": orders["symbol"].iloc[places], "date": joined.date[places], "place": places}
    )
    for (symbol, date), some in wanted.groupby(["symbol", "date"]):
        known = date in market.dates(str(symbol))
        quotes = market.day(str(symbol), str(date)).quotes if known else None
        ts = quotes["ts"].to_numpy() if quotes is not None else np.empty(0, np.int64)
        mid = quotes["mid"].to_numpy() if quotes is not None else np.empty(0)
        for place in some["place"]:
            one = orders.iloc[place]
            start, end = int(rows.orders["start"].iloc[place]), int(joined.end[place])
            fills = (rows.fills["order"] == place).to_numpy()
            margin = max(int(MARGIN * (end - start)), LEAST_MARGIN)
            shown = (ts >= start - margin) & (ts <= end + margin)
            clock = _Clock(start, market.calendar.timezone)
            found[int(place)] = PathView(
                hours=clock.hours(ts[shown]),
                mid=mid[shown],
                fill_hours=clock.hours(rows.fills["time"].to_numpy()[fills]),
                price=book.sheet.fills["price"].to_numpy()[fills],
                shares=rows.fills["quantity"].to_numpy()[fills],
                span=tuple(clock.hours(np.array([start, end]))),
                window=tuple(clock.hours(np.array([start - margin, end + margin]))),
                decision=one["decision_price"],
                arrival=one["arrival_price"],
                vwap=one["benchmark_vwap"],
            )
    return found


class _Clock:
    """Hours after the midnight before a moment, in a zone."""

    def __init__(self, origin: int, timezone: str):
        local = pd.Timestamp(origin, unit="ns", tz="UTC").tz_convert(timezone)
        self._origin = origin
        self._seconds = (local.hour * 60 + local.minute) * 60 + local.second

    def hours(self, ts: Ints) -> Floats:
        """Return hours after that midnight."""
        return (self._seconds + (ts - self._origin) / SECOND_NS) / 3600
