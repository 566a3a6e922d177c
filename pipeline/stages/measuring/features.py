"""Features: what one symbol's day of tape says about each period, and the cost of walking
its book.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from models.impact.flow.trades import LAGS, ImmediateSums, TradeTape, immediate_sums
from models.microstructure.order_flow import order_flow_imbalance
from models.microstructure.standing import segments, standing_before
from models.microstructure.variance import realized_variance
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SECOND_NS, Session, cut
from pipeline.engine.tables import Day, Features
from pipeline.stages.measuring.book_walks import (
    SIDES,
    Chunk,
    add_by_period,
    book_of,
    chunks,
    levels_of,
    walk_sums,
)
from pipeline.stages.measuring.flow_moves import flow_move_table
from pipeline.stages.measuring.mid_moves import mid_move_table
from pipeline.stages.measuring.refill import refill_table
from pipeline.stages.measuring.stretches import by_half_hour, stretches_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DECIMALS = 9  # of prices, as tapes have them
LEAST_QUOTES, LEAST_PERIODS = 5, 2  # of a day: a book carried over all of it says nothing


@dataclass(frozen=True)
class DaySettings:
    """How one symbol-day is measured: its session and the order sizes (shares)."""

    session: Session
    sizes: tuple[float, ...]
    label: str


def measure_day(day: Day, settings: DaySettings) -> Features:
    """Measure every period of the session and every cell of the size grid.

    What lies between the session's breaks is measured by itself: nothing stands over a break.
    Raises: InputError naming the day when it has fewer than five quotes or they lie in one period.
    """
    session = settings.session
    periods, cells, first = [], [], 0
    _check_quotes(day, settings)
    for part, stretch in stretches_of(day, session):
        edges = cut(stretch, session.period_seconds * SECOND_NS)
        index = pd.DataFrame(
            {
                "date": session.date,
                "period": first + np.arange(len(edges) - 1),
                "start": edges[:-1],
                "end": edges[1:],
            }
        )
        frames = _measure(part, edges, index, np.asarray(settings.sizes, dtype=np.float64))
        periods.append(frames[0])
        cells.append(frames[1])
        first += len(index)
    return Features(
        periods=pd.concat(periods, ignore_index=True),
        cells=pd.concat(cells, ignore_index=True),
        refill=refill_table(day, session),
        immediate=_after_trades(day, session),
        mid_moves=mid_move_table(day, session),
        flow_moves=flow_move_table(day, session),
    )


def _check_quotes(day: Day, settings: DaySettings) -> None:
    session, ts = settings.session, _two_sided(day)
    starts, ends = (np.searchsorted(ts, edge) for edge in (session.starts_ns, session.ends_ns))
    quoted = int((ends > starts).sum())
    if len(ts) < LEAST_QUOTES or quoted < LEAST_PERIODS:
        raise InputError(
            f"{settings.label}: {len(ts)} two-sided quotes in {quoted} of {session.periods} "
            f"periods, at least {LEAST_QUOTES} in {LEAST_PERIODS} are needed; remove this day or "
            "supply its whole tape"
        )


def _two_sided(day: Day) -> Ints:
    """Return the times of quotes with both sides, ns."""
    mid = (day.quotes["bid_px_0"] + day.quotes["ask_px_0"]).to_numpy()
    return np.asarray(day.quotes["ts"].to_numpy()[np.isfinite(mid)])


def _measure(
    day: Day, edges: Ints, index: pd.DataFrame, wanted: Floats
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the periods and the cells of a stretch without breaks."""
    ts = day.quotes["ts"].to_numpy()
    sums = _book_sums(day.quotes, edges, wanted)
    columns = index.to_dict("series") | _mids(day.quotes, ts, edges) | _book_columns(sums, edges)
    columns |= _trade_columns(day.trades, edges) | {"quotes": _count(_two_sided(day), edges)}
    columns["tick"] = np.full(len(index), _tick(day.quotes))
    return pd.DataFrame(columns), _cells(index, sums, wanted)


def _tick(quotes: pl.DataFrame) -> float:
    """Return the least step between best prices, NaN of fewer than two prices."""
    seen = np.unique(np.round(quotes.select("bid_px_0", "ask_px_0").to_numpy(), DECIMALS))
    steps = np.diff(seen[np.isfinite(seen)])
    return float(np.round(steps.min(), DECIMALS)) if len(steps) else np.nan


def _book_sums(quotes: pl.DataFrame, edges: Ints, wanted: Floats) -> dict[str, Floats]:
    """Return the integrals over time, by period, of all book measurements, a chunk of rows at a
    time.
    """
    ts, periods = quotes["ts"].to_numpy(), len(edges) - 1
    parts = segments(ts, edges)
    levels = levels_of(quotes)
    columns = {"covered": 1, "half_spread": 1, "depth_bid": levels, "depth_ask": levels}
    totals = {name: np.zeros((periods, count)) for name, count in columns.items()}
    totals["ofi"] = np.zeros((periods, levels))
    for part in chunks(quotes, parts):
        _add_flow(totals, quotes, part, edges)
        row, seconds = part.stood.row, part.stood.seconds[:, None]
        book = part.book
        held = {
            "covered": np.ones((len(row), 1)),
            "half_spread": (book.ask_px[row, :1] - book.bid_px[row, :1]) / 2,
            "depth_bid": book.bid_sz[row],
            "depth_ask": book.ask_sz[row],
        }
        for name, value in held.items():
            add_by_period(totals, name, value * seconds, part.stood.period)
    return totals | walk_sums(quotes, parts, wanted, periods)


def _add_flow(totals: dict[str, Floats], quotes: pl.DataFrame, part: Chunk, edges: Ints) -> None:
    """Add a chunk's order-flow imbalance, that into its first snapshot from the one before."""
    lead = min(part.first, 1)
    some = quotes.slice(part.first - lead, len(part.book.bid_px) + lead)
    flow = order_flow_imbalance(book_of(some))[lead:]
    period, inside = _period_of(some["ts"].to_numpy()[lead:], edges)
    add_by_period(totals, "ofi", flow[inside], period[inside])


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
    longest = min(LAGS[-1], session.period_seconds)

    def sums(part: Day, edges: Ints) -> ImmediateSums:
        mid = ((part.quotes["bid_px_0"] + part.quotes["ask_px_0"]) / 2).to_numpy()
        trades = (part.trades[name].to_numpy() for name in ("ts", "size", "aggressor"))
        tape = TradeTape(part.quotes["ts"].to_numpy(), mid, *trades)
        return immediate_sums(tape, edges, longest)

    return by_half_hour(day, session, sums)


def _period_of(ts: Ints, edges: Ints) -> tuple[Ints, np.ndarray]:
    period = np.searchsorted(edges, ts, side="right") - 1
    return period, (period >= 0) & (period < len(edges) - 1)


def _count(ts: Ints, edges: Ints) -> Ints:
    return np.diff(np.searchsorted(ts, edges))


def _cells(index: pd.DataFrame, sums: dict[str, Floats], wanted: Floats) -> pd.DataFrame:
    covered = sums["covered"]
    frames = []
    for side in SIDES:
        keys = index[["date", "period"]].loc[index.index.repeat(len(wanted))].reset_index(drop=True)
        keys = keys.assign(side=side, size=np.tile(wanted, len(index)))
        for name in ("excess", "censored", "cut_excess", "cut_censored"):
            total = sums.get(f"{name}_{side}", np.full((len(index), len(wanted)), np.nan))
            keys[name] = _ratio(total, covered).ravel()
        frames.append(keys)
    return pd.concat(frames, ignore_index=True).sort_values(
        ["period", "side", "size"], ignore_index=True
    )
