"""Databento's mbp-10 and mbp-1 records, as DBN (through the official client), CSV or Parquet."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from pipeline.engine.errors import InputError, shown
from pipeline.engine.sessions import SessionCalendar
from pipeline.tape.sources.clean import BOOK_FIELDS, Cleaner, flag_duplicates
from pipeline.tape.sources.databento_files import read_records
from pipeline.tape.sources.databento_numbers import (
    defined_price,
    defined_size,
    in_fixed_point,
)
from pipeline.tape.sources.source import RawFile, TapeBatch, list_files, local_files
from pipeline.tape.sources.tables import LATEST_NS, nanoseconds, sayable

SUFFIXES = (".dbn", ".dbn.zst", ".csv", ".csv.gz", ".csv.zst", ".parquet")
LOOKED_FOR = f"Databento mbp-10 or mbp-1 files ({', '.join(SUFFIXES)}, or zips of them)"
REQUIRED = ("ts_event", "action", "side", "price", "size", *(f"{name}_00" for name in BOOK_FIELDS))
DAY = re.compile(r"(?<!\d)(\d{4})(\d{2})(\d{2})(?!\d)")  # two are a range of days
CLEAR = "R"  # the action of a record that clears the book
SNAPSHOT, BAD_TIMESTAMP, BAD_BOOK = 32, 8, 4  # bits of `flags`
AGGRESSOR = {"B": 1, "A": -1, "N": 0}  # on a trade, `side` is the aggressor's


def discover(location: str) -> list[RawFile]:
    """Return the tape files at `location`: a file, or a folder's files.

    Where some names say mbp-10 or mbp-1, as Databento's do, only those are taken.
    Raises: InputError when none fits.
    """
    files = list_files(
        location, lambda name: name.lower().endswith((*SUFFIXES, ".zip")), LOOKED_FOR
    )
    named = [
        file for file in files if "mbp-" in Path(file[0]).name or file[0].lower().endswith(".zip")
    ]
    if not any("mbp-" in Path(url).name for url, _ in files):
        named = files
    return [RawFile(url, None, _day_named(Path(url).name), size) for url, size in named]


def _day_named(name: str) -> str | None:
    """Return the UTC day that a file is of by its name, as Databento splits them by day."""
    days = DAY.findall(name.partition("mbp-")[0]) if "mbp-" in name else []
    return "-".join(days[0]) if len(days) == 1 else None


def read(raw: RawFile, calendar: SessionCalendar, batch_rows: int = 50_000) -> Iterator[TapeBatch]:
    """Yield the file's cleaned tape, a batch a symbol, date and stretch of records.

    In file order; a stretch has `batch_rows` records. Time is the exchange's (ts_event); order is
    that of receipt (ts_recv, where the file has it). Where only ts_event runs back, as feeds of
    several engines do, a record takes the time of the one before it.
    Raises: InputError naming the file, and the row or column at fault.
    """
    cleaners: dict[str, Cleaner] = {}
    publishers: dict[str, int] = {}
    instruments: dict[str, _Instrument | None] = {}
    previous: dict[str, pl.DataFrame] = {}
    auctions = calendar.name != "24/7"  # a market that never closes has no opening cross
    with local_files(raw, lambda name: name.lower().endswith(SUFFIXES)) as paths:
        for path, records in _records(paths, raw.url, batch_rows):
            levels = _check_columns(records.columns, raw.url)
            fixed = ".dbn" in path.name.lower() or in_fixed_point(records, raw.url)
            for part in records.partition_by("symbol", maintain_order=True):
                symbol = part["symbol"][0]
                _check_publisher(part, publishers, symbol, raw.url)
                instruments[symbol] = _one_instrument(part, instruments.get(symbol), raw.url)
                flagged = flag_duplicates(part, previous.get(symbol))
                previous[symbol] = part.tail(1)
                if symbol not in cleaners:
                    cleaners[symbol] = Cleaner(
                        symbol, raw.url, calendar, levels, opening_cross=auctions
                    )
                yield from cleaners[symbol].clean(_normalise(flagged, levels, fixed, raw.url))


def _records(paths: list[Path], url: str, rows: int) -> Iterator[tuple[Path, pl.DataFrame]]:
    """Yield the records of the file, or of all members of a zip in the order of their names."""
    found = [path for path in paths if "mbp-" in path.name] or paths
    for path in found:
        if not path.name.lower().endswith(SUFFIXES):
            raise InputError(f"{url}: no tape by its name; expected {LOOKED_FOR}")
        label = url if path.name == Path(url).name else f"{url}: {path.name}"
        yield from ((path, records) for records in read_records(path, label, rows))
    if not found:
        raise InputError(f"{url}: none of its members is a tape; expected {LOOKED_FOR}")


def _check_columns(columns: list[str], url: str) -> int:
    levels = 0
    while any(f"{name}_{levels:02d}" in columns for name in BOOK_FIELDS):
        levels += 1
    needed = REQUIRED + tuple(
        f"{name}_{level:02d}" for level in range(1, levels) for name in BOOK_FIELDS
    )
    for name in needed:
        if name not in columns:
            near = difflib.get_close_matches(name, columns, n=3, cutoff=0.5)
            hint = (
                f"the nearest are {', '.join(near)}"
                if near
                else f"it has {', '.join(columns[:8])}, ..."
            )
            raise InputError(
                f"{url}: no column '{name}'; {hint}; expected Databento's mbp-10 or mbp-1 layout"
            )
    return levels


def _check_publisher(part: pl.DataFrame, publishers: dict[str, int], symbol: str, url: str) -> None:
    if "publisher_id" not in part.columns:
        return
    seen = {publishers.get(symbol), *part["publisher_id"].unique()} - {None}
    if not seen:
        return
    if len(seen) > 1:
        raise InputError(
            f"{url}: {symbol} has the books of several publishers "
            f"({', '.join(map(str, sorted(seen)))}) mixed; keep the records of one publisher_id a "
            "file"
        )
    publishers[symbol] = seen.pop()


@dataclass(frozen=True)
class _Instrument:
    """Whose book a symbol's last record was of, and on which UTC date."""

    number: int
    date: date


def _one_instrument(part: pl.DataFrame, before: _Instrument | None, url: str) -> _Instrument | None:
    """Return the instrument of the last record; a symbol may pass to another only between dates."""
    if "instrument_id" not in part.columns:
        return None
    order = "ts_recv" if "ts_recv" in part.columns else "ts_event"
    seen = part.select(
        "row",
        number=pl.col("instrument_id").cast(pl.Int64, strict=False),
        date=_defined_time(part, order).cast(pl.Datetime("ns")).dt.date(),
    ).drop_nulls()
    if seen.is_empty():
        return before
    first = before or _Instrument(seen["number"][0], seen["date"][0])
    changed = seen.filter(
        (pl.col("number") != pl.col("number").shift(1, fill_value=first.number))
        & (pl.col("date") == pl.col("date").shift(1, fill_value=first.date))
    )
    if len(changed):
        numbers = sorted({first.number, *seen["number"]})
        raise InputError(
            f"{url}: row {changed['row'][0]}: {part['symbol'][0]} has the books of several "
            f"instruments on one day (instrument_id {', '.join(map(str, numbers[:4]))}); give each "
            "a symbol of its own, or keep the records of one instrument_id"
        )
    return _Instrument(seen["number"][-1], seen["date"][-1])


def _normalise(part: pl.DataFrame, levels: int, fixed: bool, url: str) -> pl.DataFrame:
    trade = pl.col("action") == "T"
    order = "ts_recv" if "ts_recv" in part.columns else "ts_event"
    book = {
        f"{name}_{level}": f"{name}_{level:02d}" for level in range(levels) for name in BOOK_FIELDS
    }
    records = part.select(
        "row",
        "duplicate",
        _defined_time(part, order).alias("order"),
        _defined_time(part, "ts_event").alias("ts"),
        trade.alias("is_trade"),
        defined_price("price", fixed),
        defined_size("size"),
        *_flags(part),
        pl.col("side")
        .replace_strict(AGGRESSOR, default=0, return_dtype=pl.Int8)
        .alias("aggressor"),
        *(
            (defined_price(raw, fixed) if "_px_" in name else defined_size(raw)).alias(name)
            for name, raw in book.items()
        ),
    )
    restarts = pl.any_horizontal("snapshot", "cleared_book")
    by_event = restarts if order == "ts_event" else pl.lit(False)
    # records whose time is not needed
    spared = {"order": pl.col("bad_timestamp") | by_event, "ts": restarts}
    for name, column in (("order", order), ("ts", "ts_event")):
        wrong = records.filter(pl.col(name).is_null() & ~spared[name])
        if len(wrong):
            row = wrong["row"][0]
            found = shown(part.filter(row=row)[column][0])
            raise InputError(
                f"{url}: row {row}: {column} is no time: {found}; expected ns since 1970 or ISO "
                "8601 in UTC, as 2025-01-06T14:30:00.123Z"
            )
    return records


def _flags(part: pl.DataFrame) -> list[pl.Expr]:
    """Return what a record's action and `flags` say of its book and times.

    Of the rows of one snapshot, which are received at one time, only the last is the whole book.
    """
    bits = (
        pl.col("flags").cast(pl.Int64, strict=False).fill_null(0)
        if "flags" in part.columns
        else pl.lit(0, pl.Int64)
    )
    snapshot, cleared = (bits & SNAPSHOT) != 0, (pl.col("action") == CLEAR).fill_null(False)
    order = "ts_recv" if "ts_recv" in part.columns else "ts_event"
    together = snapshot.shift(-1, fill_value=False) & (
        pl.col(order) == pl.col(order).shift(-1)
    ).fill_null(False)
    return [
        snapshot.alias("snapshot"),
        cleared.alias("cleared_book"),
        (snapshot & ~cleared & together).alias("rebuilding"),
        # what restarts the book has its place in the file, and a snapshot's time is made up
        (((bits & BAD_TIMESTAMP) != 0) & ~snapshot & ~cleared).alias("bad_timestamp"),
        (((bits & BAD_BOOK) != 0) & ~cleared).alias("bad_book"),
    ]


def _defined_time(part: pl.DataFrame, name: str) -> pl.Expr:
    time = _nanoseconds(part, name)
    return pl.when((time > 0) & (time <= LATEST_NS)).then(time)


def _nanoseconds(part: pl.DataFrame, name: str) -> pl.Expr:
    kind, column = part[name].dtype, pl.col(name)
    if kind == pl.String:  # ISO 8601, with Z, +0000, +00:00 or nothing for UTC
        plain = column.str.replace(r"(Z|\+00:?00)$", "").str.replace("T", " ", literal=True)
        moment = sayable(plain).str.to_datetime(
            "%Y-%m-%d %H:%M:%S%.f", time_unit="ns", strict=False
        )
        return pl.coalesce(moment.cast(pl.Int64), column.cast(pl.Int64, strict=False))
    if kind in (pl.Date, pl.Datetime):
        return pl.lit(nanoseconds(part[name]))
    if kind.is_temporal():
        return pl.lit(None, pl.Int64)
    return column.cast(pl.Int64, strict=False)
