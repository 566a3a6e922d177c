"""The market beside the orders: a day's quotes and trades, from a tape or from bars."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
import polars as pl

from models.tca.mid_path import MidPath
from models.tca.orders.traded import Traded
from pipeline.engine.config import Config
from pipeline.engine.errors import InputError
from pipeline.engine.job import open_job
from pipeline.engine.sessions import SECOND_NS, SessionCalendar
from pipeline.studies.orders.columns import NO_COLUMNS, BarColumns
from pipeline.studies.orders.times import read_times
from pipeline.studies.tables import read_table
from pipeline.tape.days import DayInput
from pipeline.tape.opening import find_tape, ingest_files

BOTH = ("bid", "ask")
BAR_PRICES = ("open", "high", "low", "close", "vwap", "bid", "ask")


@dataclass(frozen=True, eq=False)
class DayMarket:
    """One symbol's session: quotes (ts, bid, ask, mid; NaN ends the one before), what was traded.

    open_ns, close_ns: of the session.
    """

    quotes: pl.DataFrame
    traded: Traded
    open_ns: int
    close_ns: int

    @property
    def path(self) -> MidPath:
        """Return the mid by time, to the session's close; ns."""
        ts = self.quotes["ts"].to_numpy()
        until = np.maximum(np.append(ts[1:], self.close_ns), ts) if len(ts) else ts
        return MidPath(ts, until, self.quotes["mid"].to_numpy())


class Market(Protocol):
    """Sessions by symbol; source: tape or bars."""

    source: str
    calendar: SessionCalendar

    def dates(self, symbol: str) -> tuple[str, ...]:
        """Return the sessions that are known of a symbol, in order."""
        ...

    def day(self, symbol: str, date: str) -> DayMarket:
        """Return one of them."""
        ...


class TapeMarket:
    """A tape's days, read one at a time."""

    source = "tape"

    def __init__(self, days: list[DayInput], calendar: SessionCalendar):
        self.calendar = calendar
        self.days = {(day.symbol, day.date): day for day in days}

    def dates(self, symbol: str) -> tuple[str, ...]:
        """Return the sessions on tape."""
        return tuple(sorted(date for name, date in self.days if name == symbol))

    def day(self, symbol: str, date: str) -> DayMarket:
        """Read a day's best quotes and trades."""
        day, session = self.days[symbol, date], self.calendar.session(date)
        names = {"bid_px_0": "bid", "ask_px_0": "ask"}
        quotes = pl.concat(
            batch.select("ts", *names).rename(names) for batch in day.batches("quotes")
        )
        trades = pl.concat(batch.select("ts", "price", "size") for batch in day.batches("trades"))
        columns = (trades[name].to_numpy() for name in ("ts", "price", "size"))
        ts, price, size = columns
        traded = Traded.of_trades(ts, price, size.astype(float))
        return DayMarket(with_mid(quotes), traded, session.open_ns, session.close_ns)


class BarMarket:
    """Bars of many symbols and sessions; a bar's close, bid and ask stand as it ends."""

    source = "bars"

    def __init__(self, days: Mapping[tuple[str, str], pl.DataFrame], calendar: SessionCalendar):
        self.calendar = calendar
        self.days = days

    def dates(self, symbol: str) -> tuple[str, ...]:
        """Return the sessions with bars."""
        return tuple(sorted(date for name, date in self.days if name == symbol))

    def day(self, symbol: str, date: str) -> DayMarket:
        """Return a day's quotes as its bars end, its first opened at its first price."""
        bars, session = self.days[symbol, date], self.calendar.session(date)
        quotes = bars.select(pl.col("end").alias("ts"), "bid", "ask", "close")
        first = bars.head(1).select(pl.col("start").alias("ts"), close="open")
        first = first.filter(pl.col("close").is_not_nan())
        quotes = pl.concat([first, quotes], how="diagonal")
        quotes = quotes.with_columns(pl.col("bid", "ask").fill_null(float("nan")))
        quoted = (pl.col("bid") + pl.col("ask")) / 2
        mid = pl.when(quoted.is_nan()).then(pl.col("close")).otherwise(quoted)
        traded = Traded.of_bars(
            *(bars[name].to_numpy() for name in ("start", "end", "vwap", "volume"))
        )
        quotes = quotes.select("ts", "bid", "ask", mid=mid)
        return DayMarket(quotes, traded, session.open_ns, session.close_ns)


class NoMarket:
    """Nothing beside the orders: what they give is all there is."""

    source = "nothing"

    def __init__(self, calendar: SessionCalendar):
        self.calendar = calendar

    def dates(self, symbol: str) -> tuple[str, ...]:
        """Return none."""
        return ()

    def day(self, symbol: str, date: str) -> DayMarket:
        """Raise KeyError: there is no day."""
        raise KeyError((symbol, date))


def with_mid(quotes: pl.DataFrame) -> pl.DataFrame:
    """Return quotes with their mid, NaN in all three where a side is empty."""
    whole = pl.col("bid").is_not_nan() & pl.col("ask").is_not_nan()
    nothing = pl.lit(float("nan"))
    both = [pl.when(whole).then(pl.col(name)).otherwise(nothing).alias(name) for name in BOTH]
    return quotes.select("ts", *both).with_columns(mid=(pl.col("bid") + pl.col("ask")) / 2)


def open_tape_market(config: Config, out: str) -> TapeMarket:
    """Ingest a tape, or find it ingested under `out`.

    Raises: InputError when its files cannot be used.
    """
    raw = find_tape(config, out)
    with open_job(config, out, raw.bytes) as job:
        days, _, _ = ingest_files(job, raw)
        return TapeMarket(days, job.calendar)


def read_bar_market(
    path: str, columns: BarColumns, timezone: str, calendar: SessionCalendar
) -> BarMarket:
    """Read bars of a CSV or Parquet file.

    Raises: InputError naming file, column or row.
    """
    table = read_table(path, "--bars", (columns.time,))
    names = {key: name for key, name in columns.model_dump().items() if key not in NO_COLUMNS}
    for key, name in names.items():
        needed = key in ("symbol", "time", "close", "volume") or key in columns.model_fields_set
        if needed and name not in table:
            raise InputError(
                f"{path}: no column '{name}' for bars.{key}; the columns are "
                f"{', '.join(map(str, table.columns))}; name it in --columns MAP.toml"
            )
    time = read_times(table[columns.time], timezone)
    if time.isna().any():
        row = int(np.argmax(time.isna()))
        raise InputError(
            f"{path}: row {row + 2}: {columns.time} {table[columns.time].iloc[row]!r} is no time; "
            "mend the row"
        )
    frame = _bars(table, names, time.dt.tz_localize(None))
    return BarMarket(_by_day(frame, columns, calendar, path), calendar)


def _bars(table: pd.DataFrame, names: dict[str, str], time: pd.Series) -> pl.DataFrame:
    numbers = {
        key: pd.to_numeric(table[names[key]], errors="coerce").to_numpy(dtype=float)
        if names[key] in table
        else np.full(len(table), np.nan)
        for key in (*BAR_PRICES, "volume")
    }
    typical = np.nanmean(
        [
            np.where(np.isfinite(numbers[key]), numbers[key], numbers["close"])
            for key in ("high", "low", "close")
        ],
        axis=0,
    )
    numbers["vwap"] = np.where(np.isfinite(numbers["vwap"]), numbers["vwap"], typical)
    ts = time.to_numpy().astype("datetime64[ns]").astype(np.int64)
    symbols = table[names["symbol"]].astype(str).to_numpy(dtype=object)
    return pl.DataFrame({"symbol": symbols, "ts": ts, **numbers})


def _by_day(
    bars: pl.DataFrame, columns: BarColumns, calendar: SessionCalendar, path: str
) -> dict[tuple[str, str], pl.DataFrame]:
    """Return the bars within sessions, by symbol and date, with start and end.

    Raises: InputError for two bars of one time, or none within a session.
    """
    bars = bars.sort("symbol", "ts")
    same = bars.select((pl.col("ts").diff() == 0) & (pl.col("symbol") == pl.col("symbol").shift()))
    if same.to_series().any():
        row = bars.row(int(same.to_series().arg_true()[0]), named=True)
        raise InputError(
            f"{path}: two bars of {row['symbol']} at {pd.Timestamp(row['ts'])}; leave one of them"
        )
    apart = bars.select(pl.col("ts").diff().over("symbol")).to_series()
    common = apart.drop_nulls().mode().sort()
    if columns.seconds is None and not len(common):
        raise InputError(
            f"{path}: how long a bar is cannot be told; give [bars] seconds in --columns"
        )
    length = round(columns.seconds * SECOND_NS) if columns.seconds else int(common[0])
    shift = 0 if columns.stamp == "start" else -length
    bars = bars.with_columns(start=pl.col("ts") + shift, end=pl.col("ts") + shift + length)
    session = calendar.session_of(bars["start"].to_numpy())
    inside = ~np.isnat(session)
    if not inside.any():
        raise InputError(
            f"{path}: no bar lies within a session of {calendar.name}; give --calendar, or the "
            "timezone in --columns MAP.toml"
        )
    bars = bars.with_columns(date=pl.Series(session.astype(str))).filter(pl.Series(inside))
    return {
        (str(key[0]), str(key[1])): part
        for key, part in bars.partition_by("symbol", "date", as_dict=True).items()
    }
