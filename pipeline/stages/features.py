"""Features: what one symbol's day of tape says about each period, and the cost of walking
its book.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from models.impact.flow.trades import LAGS, TradeTape, immediate_sums
from models.microstructure.book import Book
from models.microstructure.order_flow import order_flow_imbalance
from models.microstructure.standing import segments, standing_before
from models.microstructure.variance import realized_variance
from models.microstructure.walking import walk
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import Session
from pipeline.engine.tables import Day, Features
from pipeline.stages.refill import BLOCK_NS, refill_table

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CHUNK_ROWS = 32_768
LEAST_QUOTES, LEAST_PERIODS = 5, 2  # of a day: a book carried over all of it says nothing
SIDES = (1, -1)  # a buy walks the ask


@dataclass(frozen=True)
class DaySettings:
    """How one symbol-day is measured: its session and the grid of order sizes (shares)."""

    session: Session
    sizes: tuple[float, ...]
    label: str


def measure_day(day: Day, settings: DaySettings) -> Features:
    """Measure every period of the session and every cell of the size grid.

    Raises: InputError naming the day when it has fewer than five quotes or they lie in one period.
    """
    session, label = settings.session, settings.label
    edges = np.append(session.starts_ns, session.close_ns)
    ts = day.quotes["ts"].to_numpy()
    two_sided = ts[np.isfinite((day.quotes["bid_px_0"] + day.quotes["ask_px_0"]).to_numpy())]
    wanted = np.asarray(settings.sizes, dtype=np.float64)
    quoted = int((_count(two_sided, edges) > 0).sum())
    if len(two_sided) < LEAST_QUOTES or quoted < LEAST_PERIODS:
        raise InputError(
            f"{label}: {len(two_sided)} two-sided quotes in {quoted} of {session.periods} periods, "
            f"at least {LEAST_QUOTES} in {LEAST_PERIODS} are needed; "
            "remove this day or supply its whole tape"
        )
    sums = _book_sums(day.quotes, edges, wanted)
    index = pd.DataFrame(
        {"date": session.date, "period": np.arange(session.periods), "start": edges[:-1]}
    )
    columns = index.to_dict("series") | _mids(day.quotes, ts, edges) | _book_columns(sums, edges)
    columns |= _trade_columns(day.trades, edges) | {"quotes": _count(two_sided, edges)}
    return Features(
        periods=pd.DataFrame(columns),
        cells=_cells(index, sums, wanted),
        refill=refill_table(day, session),
        immediate=_after_trades(day, session),
    )


def _book_sums(quotes: pl.DataFrame, edges: Ints, wanted: Floats) -> dict[str, Floats]:
    """Return the integrals over time, by period, of all book measurements, a chunk of rows at a
    time.
    """
    ts = quotes["ts"].to_numpy()
    parts = segments(ts, edges)
    totals: dict[str, Floats] = {}
    for begin in range(0, max(len(ts), 1), CHUNK_ROWS):
        first, last = np.searchsorted(parts.row, [begin, begin + CHUNK_ROWS])
        lead = min(begin, 1)  # the snapshot before the chunk, for the flow into its first one
        book = _book(quotes.slice(begin - lead, CHUNK_ROWS + lead))
        flow = order_flow_imbalance(book)[lead:]
        period, inside = _period_of(ts[begin : begin + CHUNK_ROWS], edges)
        _add(totals, "ofi", flow[inside], period[inside], len(edges) - 1)
        for name, value in _standing(book, wanted).items():
            held = value[parts.row[first:last] - begin + lead] * parts.seconds[first:last, None]
            _add(totals, name, held, parts.period[first:last], len(edges) - 1)
    return totals


def _add(totals: dict[str, Floats], name: str, value: Floats, period: Ints, periods: int) -> None:
    total = totals.setdefault(name, np.zeros((periods, value.shape[1])))
    if len(period):
        starts = np.flatnonzero(np.diff(period, prepend=-1))
        total[period[starts]] += np.add.reduceat(value, starts, axis=0)


def _book(quotes: pl.DataFrame) -> Book:
    levels = sum(name.startswith("bid_px_") for name in quotes.columns)
    return Book(
        **{
            name: quotes.select(f"{name}_{level}" for level in range(levels)).to_numpy()
            for name in ("bid_px", "bid_sz", "ask_px", "ask_sz")
        }
    )


def _standing(book: Book, wanted: Floats) -> dict[str, Floats]:
    """Return what is to be averaged over time, each (n, columns), all zero while the book lacks a
    side.
    """
    mid = book.mid
    valid = np.isfinite(mid).astype(np.float64)[:, None]
    half = np.nan_to_num((book.ask_px[:, :1] - book.bid_px[:, :1]) / 2, nan=0.0)
    held = {"covered": valid, "half_spread": half}
    held |= {"depth_bid": book.bid_sz * valid, "depth_ask": book.ask_sz * valid}
    for side, price, size in ((1, book.ask_px, book.ask_sz), (-1, book.bid_px, book.bid_sz)):
        cost, depth, whole = walk(price, size, wanted)
        censored = (depth[:, None] < wanted) * valid
        some = np.where(
            depth > 0, depth, 1.0
        )  # no depth has no cost either; shares may be fractions
        rate = whole / some
        held |= {
            f"excess_{side}": cost * (valid - censored),
            f"uncensored_{side}": valid - censored,
            f"censored_{side}": censored,
            f"censored_depth_{side}": censored * depth[:, None],
            f"censored_excess_{side}": censored * whole[:, None],
            f"censored_rate_{side}": censored * rate[:, None],
            f"censored_rate2_{side}": censored * (rate / some)[:, None],
        }
    return held


def _mids(quotes: pl.DataFrame, ts: Ints, edges: Ints) -> dict[str, Floats]:
    mid = ((quotes["bid_px_0"] + quotes["ask_px_0"]) / 2).to_numpy()
    standing = standing_before(ts, mid, edges)
    variance, number = realized_variance(ts, mid, edges)
    return {
        "mid_open": standing[:-1],
        "mid_close": standing[1:],
        "realized_variance": variance,
        "rv_n": number,
    }


def _ratio(total: Floats, time: Floats) -> Floats:
    unknown = np.full(np.broadcast_shapes(total.shape, time.shape), np.nan)
    return np.divide(total, time, out=unknown, where=time > 0)


def _book_columns(sums: dict[str, Floats], edges: Ints) -> dict[str, Floats]:
    time = sums["covered"]
    columns = {"half_spread": _ratio(sums["half_spread"], time)[:, 0]}
    for name in ("depth_bid", "depth_ask"):
        levels = _ratio(sums[name], time)
        columns |= {f"{name}_{level}": levels[:, level] for level in range(levels.shape[1])}
    columns["depth"] = sum(columns[name] for name in columns if name.startswith("depth_")) / 2
    columns |= {f"ofi_{level}": sums["ofi"][:, level] for level in range(sums["ofi"].shape[1])}
    columns["covered"] = time[:, 0] / (np.diff(edges) / 1e9)
    return columns


def _trade_columns(trades: pl.DataFrame, edges: Ints) -> dict[str, Floats]:
    ts, size, aggressor = (trades[name].to_numpy() for name in ("ts", "size", "aggressor"))
    period, inside = _period_of(ts, edges)
    columns = {
        f"{name}_volume": np.bincount(
            period[inside & (aggressor == sign)], size[inside & (aggressor == sign)], len(edges) - 1
        )
        for name, sign in (("buy", 1), ("sell", -1), ("undirected", 0))
    }
    squares = np.bincount(period[inside], size[inside] ** 2, len(edges) - 1)
    return columns | {"volume_squares": squares, "trades": _count(ts, edges)}


def _after_trades(day: Day, session: Session) -> pd.DataFrame:
    """Return how the mid moved after trades, by half-hour; no lag is longer than a period."""
    mid = ((day.quotes["bid_px_0"] + day.quotes["ask_px_0"]) / 2).to_numpy()
    trades = (day.trades[name].to_numpy() for name in ("ts", "size", "aggressor"))
    edges = np.append(np.arange(session.open_ns, session.close_ns, BLOCK_NS), session.close_ns)
    tape = TradeTape(day.quotes["ts"].to_numpy(), mid, *trades)
    sums = immediate_sums(tape, edges, min(LAGS[-1], session.period_seconds))
    return pd.DataFrame(vars(sums)).assign(date=session.date, end=edges[1:][sums.block])


def _period_of(ts: Ints, edges: Ints) -> tuple[Ints, np.ndarray]:
    period = np.searchsorted(edges, ts, side="right") - 1
    return period, (period >= 0) & (period < len(edges) - 1)


def _count(ts: Ints, edges: Ints) -> Ints:
    return np.diff(np.searchsorted(ts, edges))


def _cells(index: pd.DataFrame, sums: dict[str, Floats], wanted: Floats) -> pd.DataFrame:
    frames = []
    for side in SIDES:
        censored = sums[f"censored_{side}"]
        whole, rate, rate2 = (
            sums[f"{name}_{side}"]
            for name in ("censored_excess", "censored_rate", "censored_rate2")
        )
        flat = whole == 0  # one level: its depth has no excess to be weighted by
        measured = {
            "excess": _ratio(sums[f"excess_{side}"], sums[f"uncensored_{side}"]),
            "censored": _ratio(censored, sums["covered"]),
            "censored_depth": np.where(
                flat, _ratio(sums[f"censored_depth_{side}"], censored), _ratio(whole, rate)
            ),
            "censored_excess": _ratio(whole, censored),
            "censored_dispersion": np.log(
                np.where(flat, np.where(censored > 0, 1.0, np.nan), _ratio(whole * rate2, rate**2))
            ),
        }
        keys = index[["date", "period"]].loc[index.index.repeat(len(wanted))].reset_index(drop=True)
        keys = keys.assign(side=side, size=np.tile(wanted, len(index)))
        frames.append(keys.assign(**{name: value.ravel() for name, value in measured.items()}))
    return pd.concat(frames, ignore_index=True).sort_values(
        ["period", "side", "size"], ignore_index=True
    )
