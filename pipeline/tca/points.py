"""Moments whose quotes are looked up, and the market's quotes at them: one join a symbol-day."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from pipeline.engine.sessions import SECOND_NS, SessionCalendar
from pipeline.tca.market import DayMarket
from pipeline.tca.order_rows import NO_TIME

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SEEN = ("bid", "ask", "mid", "age")


@dataclass(frozen=True, eq=False)
class Quoted:
    """Quotes at moments. Shapes: as the moments. bid, ask, mid: NaN where not known; age: seconds
    that the quote had stood.
    """

    bid: Floats
    ask: Floats
    mid: Floats
    age: Floats

    def part(self, some: slice, shape: tuple[int, ...]) -> "Quoted":
        """Return some of the moments in another shape."""
        return Quoted(*(getattr(self, name)[some].reshape(shape) for name in SEEN))

    def only(self, some: NDArray[np.bool_]) -> "Quoted":
        """Return some of the moments."""
        return Quoted(*(getattr(self, name)[some] for name in SEEN))


@dataclass
class Points:
    """Moments to be looked up, collected before any market is read.

    before: the quote that stood before the moment (nothing done at it can have moved it), else the
    one at it. carried: a moment outside all sessions takes the last quote of the session before.
    """

    calendar: SessionCalendar
    _names: dict[str, int] = field(default_factory=dict)
    _parts: list[pl.DataFrame] = field(default_factory=list)
    _count: int = 0

    def add(
        self, symbol: NDArray[np.object_], ts: Ints, before: bool = False, carried: bool = False
    ) -> slice:
        """Take up moments, (n,) ns; `NO_TIME` is never known. Return where they will be found."""
        date = self.calendar.session_of(ts)
        outside = np.isnat(date) & (ts != NO_TIME)
        if carried and outside.any():
            times, back = np.unique(ts[outside], return_inverse=True)
            closed = [self.calendar.last_closed(int(each)).date for each in times]
            date[outside] = np.array(closed, dtype="datetime64[D]")[back]
        place = np.arange(self._count, self._count + len(ts))
        known = ~np.isnat(date)
        self._parts.append(
            pl.DataFrame(
                {
                    "symbol": self._codes(symbol)[known],
                    "day": date[known].astype(np.int32),
                    "ts": ts[known] - int(before),
                    "place": place[known].astype(np.uint32),
                }
            )
        )
        self._count += len(ts)
        return slice(int(place[0]) if len(ts) else self._count, self._count)

    def _codes(self, symbol: NDArray[np.object_]) -> NDArray[np.int32]:
        """Return a number a symbol: millions of moments bear no names."""
        place, names = pd.factorize(symbol)
        known = [self._names.setdefault(str(name), len(self._names)) for name in names]
        return np.array(known, dtype=np.int32)[place]

    def by_day(self) -> dict[tuple[str, str], pl.DataFrame]:
        """Hand out the moments of each symbol's sessions, in order of time, once."""
        if not self._count:
            return {}
        table = pl.concat(self._parts).sort("ts")
        self._parts.clear()
        names = list(self._names)
        return {
            (names[code], str(np.datetime64(day, "D"))): part
            for (code, day), part in table.partition_by(
                "symbol", "day", as_dict=True, include_key=False
            ).items()
        }

    def unknown(self) -> Quoted:
        """Return quotes of all moments, none of them known yet."""
        return Quoted(*np.full((len(SEEN), self._count), np.nan))


def look_up(moments: pl.DataFrame, day: DayMarket, found: Quoted) -> None:
    """Put a day's quotes at its moments where they belong."""
    quotes = day.quotes.with_columns(quoted=pl.col("ts"))
    seen = moments.join_asof(quotes, on="ts", strategy="backward")
    place = seen["place"].to_numpy()
    for name in ("bid", "ask", "mid"):
        getattr(found, name)[place] = seen[name].fill_null(float("nan")).to_numpy()
    age = (seen["ts"] - seen["quoted"]).cast(pl.Float64) / SECOND_NS
    found.age[place] = age.fill_null(float("nan")).to_numpy()
