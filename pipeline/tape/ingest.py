"""Stage 1: raw files of any source become canonical tables, validated, Parquet by symbol-day."""

import hashlib
import importlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

import fsspec
import polars as pl
import pyarrow.parquet as pq

from pipeline.engine.digests import digest
from pipeline.engine.errors import InputError, reason_of
from pipeline.engine.sessions import SessionCalendar
from pipeline.engine.tables import Day
from pipeline.tape.clock import (
    ADVICE,
    MOST_OUTSIDE,
    ClockCount,
    by_another_clock,
    count_rows,
    read_as,
)
from pipeline.tape.sources.clean import level_columns
from pipeline.tape.sources.source import RULES, RawFile, TapeBatch

SOURCES = {
    "lobster": "pipeline.tape.sources.lobster",
    "databento": "pipeline.tape.sources.databento",
    "lean": "pipeline.tape.sources.lean",
    "taq": "pipeline.tape.sources.taq",
}
BATCH_ROWS = 32_768
LONGEST_NAME = 200  # characters of a symbol that a folder bears as it is
POSITIVE = "the mid must be above 0, for impact is a part of it; leave it out with --symbols"
TRADES_SCHEMA = {"ts": pl.Int64, "price": pl.Float64, "size": pl.Float64, "aggressor": pl.Int8}
CONTENT = {
    "quotes": ("ts", "bid_px_0", "ask_px_0"),
    "trades": ("ts", "price", "size"),
}  # what tells tapes apart


@dataclass(frozen=True)
class DaySummary:
    """What was written for one symbol-day: its two-sided quotes and its trades.

    first_ns and last_ns bound all its quotes, `content` is of its best prices.
    """

    symbol: str
    date: str
    quotes: int
    trades: int
    first_ns: int
    last_ns: int
    content: str


@dataclass(frozen=True)
class Ingested:
    """What one raw file became: its days with quotes, in order, (symbol, date, rule, rows) of every
    rule, and how its rows lie to the sessions.
    """

    days: tuple[DaySummary, ...]
    counts: tuple[tuple[str, str, str, int], ...]
    clock: ClockCount


def source(name: str) -> ModuleType:
    """Return the module that discovers and reads the source's files.

    Raises: InputError when there is no such source.
    """
    if name not in SOURCES:
        raise InputError(f"source '{name}': unknown; valid are {', '.join(SOURCES)}")
    return importlib.import_module(SOURCES[name])


def ingest_file(
    raw: RawFile, source_name: str, calendar: SessionCalendar, directory: Path
) -> Ingested:
    """Write <quotes|trades|counts>/symbol=X/date=Y/part.parquet below `directory`, in one streaming
    pass.

    Raises: InputError when the file is wrong or holds no usable quote.
    """
    writers: dict[tuple[str, str], _DayWriter] = {}
    current: dict[str, _DayWriter] = {}
    minutes: Counter[int] = Counter()
    try:
        for batch in _batches(raw, source_name, calendar):
            minutes.update(batch.minutes)
            key = (batch.symbol, batch.date)
            if key not in writers:  # time is in order: the symbol's day before is complete
                if batch.symbol in current:
                    current[batch.symbol].close()
                current[batch.symbol] = writers[key] = _DayWriter(directory, *key, raw.url)
            writers[key].add(batch)
    finally:
        for writer in current.values():
            writer.close()
    ordered = [writer for _, writer in sorted(writers.items())]
    return _summary(ordered, minutes, calendar, raw.url, source_name)


def _batches(raw: RawFile, source_name: str, calendar: SessionCalendar) -> Iterator[TapeBatch]:
    """Yield what the source reads; an error of the table engine is one of the file's content."""
    try:
        yield from source(source_name).read(raw, calendar)
    except (pl.exceptions.PolarsError, OverflowError, UnicodeError) as error:
        raise InputError(
            f"{raw.url}: cannot be read as {source_name} ({reason_of(error)}); is it whole, and of "
            "that kind?"
        ) from None


def _summary(
    writers: list["_DayWriter"],
    minutes: Counter[int],
    calendar: SessionCalendar,
    url: str,
    source_name: str,
) -> Ingested:
    days = tuple(writer.summary() for writer in writers if writer.rows["quotes"])
    clock = count_rows(minutes, calendar) if minutes else None
    if clock is None or not days:
        found = sum((writer.counts for writer in writers), Counter[str]())
        reasons = (
            ", ".join(f"{rule} {rows}" for rule, rows in found.items() if rows)
            or "it has no records"
        )
        advice = f"is --calendar {calendar.name} the right one?"
        if clock and clock.outside > MOST_OUTSIDE * clock.rows:
            found_at = f"{read_as(clock, calendar)}; {by_another_clock(clock)}"
            advice = f"{found_at}: {advice} Else {ADVICE[source_name]}"
        raise InputError(f"{url}: no usable quote ({reasons}); {advice}")
    counts = tuple(
        (writer.symbol, writer.date, rule, writer.counts[rule])
        for writer in writers
        for rule in RULES
    )
    return Ingested(days, counts, clock)


def load_day(directory: str, symbol: str, date: str) -> Day:
    """Read one symbol-day back; `directory` is a path or fsspec URL.

    Raises: InputError when it was not ingested.
    """
    frames = []
    for table in ("quotes", "trades"):
        url = f"{directory.rstrip('/')}/{part_path(table, symbol, date)}"
        try:
            with fsspec.open(url, "rb") as file:
                frames.append(pl.read_parquet(file))
        except FileNotFoundError:
            raise InputError(f"{url}: {symbol} on {date} was not ingested") from None
    return Day(*frames)


def day_batches(directory: str, symbol: str, date: str, table: str) -> Iterator[pl.DataFrame]:
    """Yield one table of a symbol-day (quotes, trades) some rows at a time, in their order."""
    url = f"{directory.rstrip('/')}/{part_path(table, symbol, date)}"
    with fsspec.open(url, "rb") as file:
        for batch in pq.ParquetFile(file).iter_batches(BATCH_ROWS):
            yield pl.DataFrame(batch)


def part_path(table: str, symbol: str, date: str) -> str:
    """Return where a table (quotes, trades, counts) of one symbol-day lies below the ingested
    folder.
    """
    name = quote(symbol, safe="")
    if len(name) > LONGEST_NAME:  # of a folder's name, 255 on most systems
        name = f"{name[:100]}-{digest(symbol)[:32]}"
    return f"{table}/symbol={name}/date={date}/part.parquet"


def validate(quotes: pl.DataFrame, trades: pl.DataFrame, label: str) -> None:
    """Check that the tables keep the contract of `Day`.

    Raises: InputError with `label`, the table and the first rule broken.
    """
    schema = {"ts": pl.Int64} | dict.fromkeys(_book_of(quotes), pl.Float64)
    bid, ask = pl.col("bid_px_0"), pl.col("ask_px_0")
    prices, sizes = (
        pl.col([name for name in quotes.columns if kind in name]) for kind in ("_px_", "_sz_")
    )
    _check(
        quotes,
        "quotes",
        schema,
        {
            "times must not decrease": pl.col("ts").diff().fill_null(0) >= 0,
            "the best bid must be below the best ask": bid.is_nan() | ask.is_nan() | (bid < ask),
            "prices must be finite, or NaN where a level is empty": ~pl.any_horizontal(
                prices.is_infinite()
            ),
            POSITIVE: (bid + ask).is_nan() | (bid + ask > 0),
            "sizes must be finite and not negative": pl.all_horizontal(
                sizes.is_finite() & (sizes >= 0)
            ),
        },
        label,
    )
    _check(
        trades,
        "trades",
        TRADES_SCHEMA,
        {
            "times must not decrease": pl.col("ts").diff().fill_null(0) >= 0,
            "prices must be finite": pl.col("price").is_finite(),
            "sizes must be finite and not negative": pl.col("size").is_finite()
            & (pl.col("size") >= 0),
            "the aggressor must be -1, 0 or 1": pl.col("aggressor").is_in([-1, 0, 1]),
        },
        label,
    )


def _book_of(quotes: pl.DataFrame) -> list[str]:
    return level_columns((len(quotes.columns) - 1) // 4)


def _check(
    table: pl.DataFrame,
    name: str,
    schema: dict[str, type[pl.DataType]],
    rules: dict[str, pl.Expr],
    label: str,
) -> None:
    if dict(table.schema) != schema:
        raise InputError(f"{label}: {name}: columns are {dict(table.schema)}, not {schema}")
    for rule, holds in rules.items():
        broken = table.filter(~holds.fill_null(False))
        if len(broken):
            row = ", ".join(
                f"{key} {value}" for key, value in list(broken.row(0, named=True).items())[:5]
            )
            raise InputError(
                f"{label}: {name}: {rule}; found {len(broken)} rows, the first is {row}"
            )


class _DayWriter:
    """Appends one symbol-day's batches to its Parquet files, a row group a batch."""

    def __init__(self, directory: Path, symbol: str, date: str, url: str) -> None:
        self.symbol, self.date, self.counts = symbol, date, Counter(dict.fromkeys(RULES, 0))
        self.rows = dict.fromkeys(("quotes", "trades"), 0)
        self._directory, self._label = directory, f"{url}: {symbol} {date}"
        self._files: dict[str, pq.ParquetWriter] = {}
        self._first_ns, self._last_ns = 0, 0
        self._content = {name: hashlib.blake2b(digest_size=16) for name in CONTENT}

    def add(self, batch: TapeBatch) -> None:
        """Check and append the batch."""
        self.counts.update(dict(batch.counts.iter_rows()))
        validate(batch.quotes, batch.trades, self._label)
        if len(batch.quotes):
            self._first_ns = self._first_ns or batch.quotes["ts"][0]
            self._last_ns = batch.quotes["ts"][-1]
        for name, table in (("quotes", batch.quotes), ("trades", batch.trades)):
            for column in CONTENT[name]:
                self._content[name].update(table[column].to_numpy().tobytes())
            arrow = table.to_arrow()
            if name not in self._files:
                self._files[name] = pq.ParquetWriter(
                    self._path(name), arrow.schema, compression="zstd"
                )
            if len(table):
                self._files[name].write_table(arrow)
        mid = batch.quotes["bid_px_0"] + batch.quotes["ask_px_0"]
        self.rows["quotes"] += int(mid.is_not_nan().sum())
        self.rows["trades"] += len(batch.trades)

    def close(self) -> None:
        """Finish the files and write the counts."""
        for file in self._files.values():
            file.close()
        counts = {"rule": list(self.counts), "rows": list(self.counts.values())}
        pl.DataFrame(counts, schema={"rule": pl.String, "rows": pl.Int64}).write_parquet(
            self._path("counts")
        )

    def summary(self) -> DaySummary:
        """Return what was written."""
        content = "".join(found.hexdigest() for found in self._content.values())
        rows = (self.rows["quotes"], self.rows["trades"])
        return DaySummary(self.symbol, self.date, *rows, self._first_ns, self._last_ns, content)

    def _path(self, table: str) -> Path:
        path = self._directory / part_path(table, self.symbol, self.date)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
