"""The simulated market as files: a Databento mbp-10 Parquet tape a symbol-day, and the truth
beside.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl

from models.simulation.book_chain import MovingBook
from models.simulation.market import (
    LEVELS,
    TICK,
    DayTape,
    MarketConfig,
    SymbolTruth,
    simulate_day,
    simulate_truth,
)
from models.simulation.moving_book import SECOND_NS, MovingDay, simulate_moving_day
from pipeline.engine.config import SimulateConfig
from pipeline.engine.sessions import Session, SessionCalendar

RECEIVE_DELAY_NS = 150_000
CROSS_DELAY_NS, CROSS_SIZE = 20_000, 25_000
PRE_OPEN_NS = (-90_000_000_000, -45_000_000_000, -5_000_000_000)
TRUTH = "truth.json"
UNITS = {
    "alpha": "currency / share^k",
    "gamma": "currency / share^2",
    "half_spread": "currency / share",
    "sigma": "currency / share / period^(1/2)",
    "volume": "shares / period",
}
LAST_IN_EVENT, PUBLISHER, MBP_10, UNDEFINED = 128, 2, 10, np.nan


@dataclass(frozen=True)
class DayTask:
    """One tape to write: symbol number `symbol` on day number `day` of the market, into
    `directory`, with this moving book or the market's resting one.
    """

    directory: str
    market: MarketConfig
    session: Session
    symbol: int
    day: int
    book: MovingBook | None = None

    @property
    def stem(self) -> str:
        """Return the file's name up to its kind."""
        return f"SIM{self.symbol}-{self.session.date.replace('-', '')}"


def simulate_to(
    directory: Path,
    config: SimulateConfig,
    spread: Callable[[Callable[[DayTask], str], Sequence[DayTask]], list[str]] | None = None,
) -> list[str]:
    """Write the market's tapes and what was planted (`write_truth`), and return the tapes' paths.

    `spread(work, tasks)` runs the tasks (in this process without one); the files do not depend on
    how.
    """
    tasks = plan(directory, config)
    directory.mkdir(parents=True, exist_ok=True)
    paths = spread(write_day, tasks) if spread else [write_day(task) for task in tasks]
    write_truth(tasks)
    return paths


def plan(directory: Path, config: SimulateConfig) -> list[DayTask]:
    """Return one task a symbol-day, over XNYS sessions from the configured start on, in one-minute
    periods.

    Raises: InputError when the start is not a date the calendar knows.
    """
    sessions = SessionCalendar("XNYS", 60).sessions_from(config.start, config.days)
    market = MarketConfig(
        config.symbols,
        config.seed,
        tuple(session.periods for session in sessions),
        pattern=config.pattern,
    )
    book = MovingBook() if config.book == "moving" else None
    return [
        DayTask(str(directory), market, session, symbol, day, book)
        for symbol in range(config.symbols)
        for day, session in enumerate(sessions)
    ]


def write_day(task: DayTask) -> str:
    """Write one symbol-day's tape as <symbol>-<yyyymmdd>.mbp-10.parquet and return its path."""
    path = Path(task.directory) / f"{task.stem}.mbp-10.parquet"
    partial = path.with_suffix(".partial")
    if task.book:
        made = simulate_moving_day(task.market, task.book, task.symbol, task.day)
        _states(task, made, task.book).write_parquet(_states_path(task))
        tape = made.tape
    else:
        tape = simulate_day(task.market, task.symbol, task.day)
    records = to_databento(tape, f"SIM{task.symbol}", task.symbol + 1, task.session.open_ns)
    try:
        records.write_parquet(partial, compression="zstd")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return str(path)


def to_databento(tape: DayTape, symbol: str, instrument_id: int, open_ns: int) -> pl.DataFrame:
    """Lay the tape out as Databento's mbp-10 records: a trade shows the book it met, the next its
    answer.

    A trade prints at the best price it met, whatever its size. Before the open stand a few records,
    and right after it the opening cross, a trade without a side.
    """
    met = np.searchsorted(tape.quote_ns, tape.trade_ns, side="right") - 1
    before = len(PRE_OPEN_NS)
    state = np.concatenate(
        [np.zeros(before + 1, dtype=np.int64), np.arange(len(tape.quote_ns)), met]
    )
    ts = np.concatenate([PRE_OPEN_NS, [CROSS_DELAY_NS], tape.quote_ns, tape.trade_ns]) + open_ns
    quotes = len(tape.quote_ns)
    none, cross = np.zeros(quotes, dtype=np.int64), [0] * before + [CROSS_SIZE]
    traded = np.concatenate([cross, none, tape.trade_size])
    sign = np.concatenate([[0] * len(cross), none, tape.trade_sign])
    order = np.argsort(ts, kind="stable")
    state, ts, sign, traded = state[order], ts[order], sign[order], traded[order]
    bid, ask = tape.bid_px[state, 0], tape.ask_px[state, 0]
    is_trade, count = traded > 0, len(ts)
    price = np.select([sign > 0, sign < 0, is_trade], [ask, bid, (ask + bid) / 2], bid) * TICK
    head = {
        "ts_recv": _times(ts + RECEIVE_DELAY_NS),
        "ts_event": _times(ts),
        "rtype": pl.repeat(MBP_10, count, dtype=pl.UInt8, eager=True),
        "publisher_id": pl.repeat(PUBLISHER, count, dtype=pl.UInt16, eager=True),
        "instrument_id": pl.repeat(instrument_id, count, dtype=pl.UInt32, eager=True),
        "action": np.where(is_trade, "T", "A"),
        "side": np.select([sign > 0, sign < 0, is_trade], ["B", "A", "N"], "B"),
        "depth": pl.repeat(0, count, dtype=pl.UInt8, eager=True),
        "price": np.round(price, 4),
        "size": np.where(is_trade, traded, tape.bid_sz[state, 0]).astype(np.uint32),
        "flags": np.where(is_trade, 0, LAST_IN_EVENT).astype(np.uint8),
        "ts_in_delta": pl.repeat(RECEIVE_DELAY_NS, count, dtype=pl.Int32, eager=True),
        "sequence": np.arange(1, count + 1, dtype=np.uint32),
    }
    return pl.DataFrame(head | _levels(tape, state) | {"symbol": [symbol] * count})


def _levels(tape: DayTape, state: np.ndarray) -> dict[str, np.ndarray]:
    columns = {}
    for level in range(LEVELS):
        for side, prices in (("bid", tape.bid_px), ("ask", tape.ask_px)):
            ticks = prices[state, level]
            columns[f"{side}_px_{level:02d}"] = np.where(
                ticks >= 0, np.round(ticks * TICK, 4), UNDEFINED
            )
        for side, sizes in (("bid", tape.bid_sz), ("ask", tape.ask_sz)):
            columns[f"{side}_sz_{level:02d}"] = sizes[state, level].astype(np.uint32)
        for side, sizes in (("bid", tape.bid_sz), ("ask", tape.ask_sz)):
            columns[f"{side}_ct_{level:02d}"] = (sizes[state, level] > 0).astype(np.uint32)
    return columns


def _times(ts: np.ndarray) -> pl.Series:
    return pl.Series(ts, dtype=pl.Int64).cast(pl.Datetime("ns", "UTC"))


def write_truth(tasks: Sequence[DayTask]) -> None:
    """Write what was planted: truth.json (a symbol's parameters) and truth.parquet (one row a
    period), of a moving book its parameters, in place of the resting one's law, and
    truth-states.parquet (one row a second).
    """
    market, directory = tasks[0].market, Path(tasks[0].directory)
    sessions = [task.session for task in tasks if task.symbol == 0]
    truths = [simulate_truth(market, symbol) for symbol in range(market.symbols)]
    book = tasks[0].book
    periods = pl.concat(_periods(truth, sessions) for truth in truths)
    periods.drop("scale" if book else []).write_parquet(directory / "truth.parquet")
    content = {
        "seed": market.seed,
        "dates": [session.date for session in sessions],
        "tick": TICK,
        "units": UNITS,
        "symbols": {truth.symbol: _planted(truth, book) for truth in truths},
    }
    (directory / TRUTH).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    if book:
        parts = [_states_path(task) for task in tasks]
        pl.concat(map(pl.read_parquet, parts)).write_parquet(directory / "truth-states.parquet")
        for part in parts:
            part.unlink()


def _planted(truth: SymbolTruth, book: MovingBook | None) -> dict[str, object]:
    if book:  # its walks follow no law of the period
        return {"gamma": truth.gamma, "book": asdict(book)}
    return {
        "k": truth.k,
        "beta": truth.beta,
        "gamma": truth.gamma,
        "half_spread": truth.half_spread,
        "alpha": truth.alpha.tolist(),
    }


def _states_path(task: DayTask) -> Path:
    return Path(task.directory) / f"{task.stem}.states"


def _states(task: DayTask, made: MovingDay, book: MovingBook) -> pl.DataFrame:
    """Return the spread and mean depth a side at each second, before trades took from it."""
    seconds = np.arange(task.session.periods * task.market.period_ns // SECOND_NS)
    spread, depth = book.spread_and_depth(made.levels[made.rows_at(seconds * SECOND_NS)])
    states = pl.DataFrame({"second": seconds, "spread": spread, "depth": depth})
    names = pl.lit(f"SIM{task.symbol}").alias("symbol"), pl.lit(task.session.date).alias("date")
    return states.select(*names, pl.all())


def _periods(truth: SymbolTruth, sessions: Sequence[Session]) -> pl.DataFrame:
    return pl.concat(
        pl.DataFrame(
            {
                "symbol": [truth.symbol] * session.periods,
                "date": [session.date] * session.periods,
                "period": np.arange(session.periods),
                "start": session.starts_ns,
                "v": day.v,
                "liquidity": day.liquidity,
                "sigma": day.sigma,
                "volume": day.volume,
                "scale": day.scale,
            }
        )
        for session, day in zip(sessions, truth.days, strict=True)
    )
