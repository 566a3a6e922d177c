"""Orders and fills joined to the market: quotes at their moments, what was traded meanwhile."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from models.tca.orders.parts import summed
from pipeline.engine.sessions import SECOND_NS, SessionCalendar
from pipeline.tca.market import DayMarket, Market
from pipeline.tca.order_rows import NO_TIME, OrderRows
from pipeline.tca.points import SEEN, Points, Quoted, look_up

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
AFTER = (1, 5, 30, 60, 300, 600, 1800)  # seconds, of markouts
BEFORE = (1800, 600, 300, 60, 30, 5, 1)
PARTICIPATION = 0.1  # of the participation-weighted price
RETURNS = 300  # seconds: of the returns that a day's variance is summed from
FLOWS = ("volume", "turnover", "area", "known")


@dataclass(frozen=True, eq=False)
class Joined:
    """What the market was at the moments of m orders and n fills.

    end: (m,) ns, the order's end: stated, or its last fill where that is later or none is stated;
    decision, arrival, exit: quotes; before, after: (m, L) at `BEFORE` the start and `AFTER` the
    end; fill: at each fill, fill_after: (n, L); start_index, fill_index: the index before the start
    and before each fill; day: facts of the order's session and of those
    before; flows: what was traded from start to end, by order; pwp: (m,) mean price of the market's
    first shares, of which the order's fills were `PARTICIPATION`; date: (m,) of the start.
    """

    end: Ints
    date: NDArray[np.str_]
    decision: Quoted
    arrival: Quoted
    exit: Quoted
    before: Quoted
    after: Quoted
    fill: Quoted
    fill_after: Quoted
    start_index: Quoted
    fill_index: Quoted
    day: pd.DataFrame
    flows: pd.DataFrame
    pwp: Floats

    def only(self, kept: NDArray[np.bool_], fills: NDArray[np.bool_]) -> "Joined":
        """Return some of the orders and their fills."""
        made = {}
        for name, each in vars(self).items():
            mask = fills if name.startswith("fill") else kept
            if isinstance(each, Quoted):
                made[name] = each.only(mask)
            else:
                some = each[mask]
                made[name] = some.reset_index(drop=True) if isinstance(each, pd.DataFrame) else some
        return Joined(**made)


@dataclass(frozen=True, eq=False)
class _Asked:
    """Where the moments of each kind are found."""

    points: Points
    at: dict[str, slice]


def join(rows: OrderRows, market: Market, index: str = "") -> Joined:
    """Return the orders' market, every symbol-day read once, in order of time.

    index: the symbol that stands for the market, none where empty.
    """
    orders, fills = rows.orders, rows.fills
    end = _ends(orders, fills)
    asked = _moments(orders, fills, end, market.calendar, index)
    quoted, wanted = asked.points.unknown(), asked.points.by_day()
    spans = _spans(orders, end, market)
    facts: dict[tuple[str, str], dict[str, float]] = {}
    flows = np.zeros((len(orders), len(FLOWS)))
    pwp, opened = np.full(len(orders), np.nan), _Opened(orders, fills)
    start, order = orders["start"].to_numpy(), fills["order"].to_numpy()
    shares = summed(order, fills["quantity"].to_numpy(), len(orders)) / PARTICIPATION
    for symbol in dict.fromkeys([*orders["symbol"], index]):
        for date in market.dates(symbol):
            day = market.day(symbol, date)
            facts[symbol, date] = _facts(day)
            if (symbol, date) in wanted:
                look_up(wanted.pop((symbol, date)), day, quoted)
            some = spans.get((symbol, date))
            if some is not None:
                place, first, last = some
                flows[place] += _flows(day, first, last)
                begun = place[start[place] >= day.open_ns]
                pwp[begun] = day.traded.mean_of_next(start[begun], shares[begun])
                opened.see(day, place)
    found = {name: quoted.part(*_shape(name, at, orders, fills)) for name, at in asked.at.items()}
    dates = _dates(orders["start"].to_numpy(), market.calendar)
    opened.fill(found["arrival"])
    day = _days(orders["symbol"], dates, facts)
    return Joined(end, dates, **found, day=day, flows=pd.DataFrame(flows, columns=FLOWS), pwp=pwp)


def _ends(orders: pd.DataFrame, fills: pd.DataFrame) -> Ints:
    last = fills.groupby("order")["time"].max().reindex(orders.index, fill_value=NO_TIME)
    stated = np.maximum(last.to_numpy(), orders["end"].to_numpy())
    return np.maximum(stated, orders["start"].to_numpy())


def _moments(
    orders: pd.DataFrame, fills: pd.DataFrame, end: Ints, calendar: SessionCalendar, index: str
) -> _Asked:
    """Collect every moment whose quotes are wanted."""
    points = Points(calendar)
    symbol, start = orders["symbol"].to_numpy(), orders["start"].to_numpy()
    of_fills, time = symbol[fills["order"].to_numpy()], fills["time"].to_numpy()
    decided = orders["decision_time"].to_numpy()
    at = {
        "decision": points.add(symbol, decided, before=True, carried=True),
        "arrival": points.add(symbol, start, before=True, carried=True),
        "exit": points.add(symbol, end, carried=True),
        "fill": points.add(of_fills, time, before=True, carried=True),
    }
    for name, moment in (("start_index", start), ("fill_index", time)):
        whose = np.full(len(moment), index, dtype=object)
        at[name] = points.add(whose, moment, before=True, carried=True)
    for name, whose, moment, lags in (
        ("before", symbol, start, [-each for each in BEFORE]),
        ("after", symbol, end, AFTER),
        ("fill_after", of_fills, time, AFTER),
    ):
        moved = moment[:, None] + SECOND_NS * np.array(lags, dtype=np.int64)
        at[name] = points.add(np.repeat(whose, len(lags)), moved.ravel())
    return _Asked(points, at)


def _shape(
    name: str, at: slice, orders: pd.DataFrame, fills: pd.DataFrame
) -> tuple[slice, tuple[int, ...]]:
    rows = len(fills) if name.startswith("fill") else len(orders)
    return at, (rows, len(AFTER)) if name in ("before", "after", "fill_after") else (rows,)


def _dates(ts: Ints, calendar: SessionCalendar) -> NDArray[np.str_]:
    """Return the session of each time; outside of all, the day in the calendar's zone."""
    date = calendar.session_of(ts)
    outside = np.isnat(date)
    local = pd.to_datetime(ts[outside], unit="ns", utc=True).tz_convert(calendar.timezone)
    date[outside] = local.tz_localize(None).to_numpy().astype("datetime64[D]")
    return date.astype(str)


def _spans(
    orders: pd.DataFrame, end: Ints, market: Market
) -> dict[tuple[str, str], tuple[Ints, Ints, Ints]]:
    """Return by symbol and session the orders at work in it, from when and until when, ns."""
    spans = {}
    for symbol, some in orders.groupby("symbol", sort=False):
        place, start = some.index.to_numpy(), some["start"].to_numpy()
        last = end[place]
        for date in market.dates(str(symbol)):
            session = market.calendar.session(date)
            first = np.maximum(start, session.open_ns)
            until = np.minimum(last, session.close_ns)
            at_work = until > first
            if at_work.any():
                spans[str(symbol), date] = place[at_work], first[at_work], until[at_work]
    return spans


def _facts(day: DayMarket) -> dict[str, float]:
    """Return a session's own figures: open, close (mids), volume, vwap, relative variance."""
    mid = day.quotes["mid"].to_numpy()
    known = mid[np.isfinite(mid)]
    volume, turnover = (each[0] for each in day.traded.up_to(np.array([day.close_ns])))
    edges = np.arange(day.open_ns, day.close_ns + 1, RETURNS * SECOND_NS)
    at = pl.DataFrame({"ts": edges}).join_asof(day.quotes, on="ts", strategy="backward")["mid"]
    grid = at.fill_nan(None).fill_null(strategy="forward").drop_nulls().to_numpy()
    moves = [np.log(late / early) for early, late in pairwise(grid) if early > 0 < late]
    return {
        "open": known[0] if len(known) else np.nan,
        "close": known[-1] if len(known) else np.nan,
        "volume": volume,
        "vwap": turnover / volume if volume > 0 else np.nan,
        "variance": float(np.square(moves).sum()) if moves else np.nan,
    }


def _flows(day: DayMarket, first: Ints, last: Ints) -> Floats:
    """Return volume, turnover, the mid's integral and its known time between moments, (n, 4)."""
    path = day.path
    pairs = zip(
        (*day.traded.up_to(first), *path.up_to(first)),
        (*day.traded.up_to(last), *path.up_to(last)),
        strict=True,
    )
    return np.column_stack([late - early for early, late in pairs])


class _Opened:
    """Sessions' first quotes, for orders that arrive before any quote: as one opens, or earlier."""

    def __init__(self, orders: pd.DataFrame, fills: pd.DataFrame):
        first = fills.groupby("order")["time"].min()
        self._first = first.reindex(orders.index, fill_value=np.iinfo(np.int64).max).to_numpy()
        self._start = orders["start"].to_numpy()
        self._quote = np.full((len(orders), 4), np.nan)

    def see(self, day: DayMarket, place: Ints) -> None:
        """Remember the first quote of a session for the orders that start before it."""
        known = day.quotes.filter(pl.col("mid").is_not_nan()).head(1)
        if not len(known):
            return
        ts, *quote = known.select("ts", "bid", "ask", "mid").row(0)
        early = place[(self._start[place] <= ts) & (ts <= self._first[place])]
        early = early[np.isnan(self._quote[early, 2])]
        self._quote[early, :3] = quote
        self._quote[early, 3] = (self._start[early] - ts) / SECOND_NS

    def fill(self, arrival: Quoted) -> None:
        """Take those quotes where no earlier one is known; their age is below 0."""
        none = np.isnan(arrival.mid) & np.isfinite(self._quote[:, 2])
        for column, name in enumerate(SEEN):
            getattr(arrival, name)[none] = self._quote[none, column]


def _days(
    symbol: pd.Series, dates: NDArray[np.str_], facts: dict[tuple[str, str], dict[str, float]]
) -> pd.DataFrame:
    """Return by order its session's facts, and mean volume and volatility of up to 20 before it.

    earlier: how many sessions those are; without one it is the session itself, earlier 0.
    """
    table = pd.DataFrame.from_dict(facts, orient="index").reindex(
        columns=["open", "close", "volume", "vwap", "variance"]
    )
    if not len(table):
        return pd.DataFrame(np.nan, range(len(dates)), [*table.columns, "adv", "sigma", "earlier"])
    table.index = pd.MultiIndex.from_tuples(table.index)
    table = table.sort_index()
    by = table.groupby(level=0)
    past = by[["volume", "variance"]].transform(lambda each: each.rolling(20, 1).mean().shift(1))
    table["earlier"] = by.cumcount().clip(upper=20)
    table["adv"] = past["volume"].fillna(table["volume"])
    table["sigma"] = np.sqrt(past["variance"].fillna(table["variance"]))
    keys = pd.MultiIndex.from_arrays([symbol.to_numpy(), dates])
    return table.reindex(keys).reset_index(drop=True)
