"""Databento's mbp-10 and mbp-1 records, as DBN (through the official client), CSV or Parquet."""

import difflib
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.tape.sources.clean import BOOK_FIELDS, Cleaner, flag_duplicates, scaled
from pipeline.tape.sources.databento_files import read_records
from pipeline.tape.sources.source import RawFile, TapeBatch, list_files, local_files

SUFFIXES = (".dbn", ".dbn.zst", ".csv", ".csv.gz", ".csv.zst", ".parquet")
LOOKED_FOR = f"Databento mbp-10 or mbp-1 files ({', '.join(SUFFIXES)})"
REQUIRED = ("ts_event", "action", "side", "price", "size", *(f"{name}_00" for name in BOOK_FIELDS))
UNDEFINED = 2**63 - 1  # Databento's undefined price and time
FIXED_POINT = 1e9
SMALLEST_PRICE = 1e-4  # an integer price below it was surely not meant in units of 1e-9
AGGRESSOR = {"B": 1, "A": -1, "N": 0}  # on a trade, `side` is the aggressor's


def discover(location: str) -> list[RawFile]:
    """Return the tape files at `location`: a file, or a folder's files.

    Where some names say mbp-10 or mbp-1, as Databento's do, only those are taken.
    Raises: InputError when none fits.
    """
    files = list_files(location, lambda name: name.lower().endswith(SUFFIXES), LOOKED_FOR)
    named = [file for file in files if "mbp-" in Path(file[0]).name]
    return [RawFile(url, None, None, size) for url, size in named or files]


def read(raw: RawFile, calendar: SessionCalendar, batch_rows: int = 50_000) -> Iterator[TapeBatch]:
    """Yield the file's cleaned tape, a batch a symbol, date and stretch of records.

    In file order; a stretch has `batch_rows` records. Time is the exchange's (ts_event); order is
    that of receipt (ts_recv, where the file has it). Where only ts_event runs back, as feeds of
    several engines do, a record takes the time of the one before it.
    Raises: InputError naming the file, and the row or column at fault.
    """
    cleaners: dict[str, Cleaner] = {}
    publishers: dict[str, int] = {}
    previous: dict[str, pl.DataFrame] = {}
    auctions = calendar.name != "24/7"  # a market that never closes has no opening cross
    with local_files(raw) as paths:
        for records in read_records(paths[0], raw.url, batch_rows):
            levels = _check_columns(records.columns, raw.url)
            for part in records.partition_by("symbol", maintain_order=True):
                symbol = part["symbol"][0]
                _check_publisher(part, publishers, symbol, raw.url)
                flagged = flag_duplicates(part, previous.get(symbol))
                previous[symbol] = part.tail(1)
                if symbol not in cleaners:
                    cleaners[symbol] = Cleaner(
                        symbol, raw.url, calendar, levels, opening_cross=auctions
                    )
                yield from cleaners[symbol].clean(_normalise(flagged, levels, raw.url))


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


def _normalise(part: pl.DataFrame, levels: int, url: str) -> pl.DataFrame:
    trade = pl.col("action") == "T"
    order = "ts_recv" if "ts_recv" in part.columns else "ts_event"
    book = {
        f"{name}_{level}": f"{name}_{level:02d}" for level in range(levels) for name in BOOK_FIELDS
    }
    records = part.select(
        "row",
        "duplicate",
        _nanoseconds(part, order).alias("order"),
        _nanoseconds(part, "ts_event").alias("ts"),
        trade.alias("is_trade"),
        _price(part, "price"),
        pl.col("size").cast(pl.Float64),
        pl.col("side")
        .replace_strict(AGGRESSOR, default=0, return_dtype=pl.Int8)
        .alias("aggressor"),
        *(
            _price(part, raw).alias(name)
            if "_px_" in name
            else pl.col(raw).cast(pl.Float64).alias(name)
            for name, raw in book.items()
        ),
    )
    for name, column in (("order", order), ("ts", "ts_event")):
        wrong = records.filter(
            pl.col(name).is_null() | (pl.col(name) <= 0) | (pl.col(name) == UNDEFINED)
        )
        if len(wrong):
            raise InputError(
                f"{url}: row {wrong['row'][0]}: {column} is no time; "
                "expected ns since 1970 or ISO 8601 in UTC"
            )
    small = records.filter(pl.col("bid_px_0").abs() < SMALLEST_PRICE)
    if len(small) and part["bid_px_00"].dtype.is_integer():
        raise InputError(
            f"{url}: row {small['row'][0]}: bid_px_00 is {small['bid_px_0'][0]:g} if integers are "
            "units of 1e-9; write decimal prices with a decimal point"
        )
    return records


def _price(part: pl.DataFrame, name: str) -> pl.Expr:
    if part[name].dtype.is_integer():
        return pl.when(pl.col(name) != UNDEFINED).then(scaled(name, FIXED_POINT)).alias(name)
    return pl.col(name).cast(pl.Float64)


def _nanoseconds(part: pl.DataFrame, name: str) -> pl.Expr:
    kind, column = part[name].dtype, pl.col(name)
    if kind == pl.String:  # ISO 8601, with Z, +0000, +00:00 or nothing for UTC
        plain = column.str.replace(r"(Z|\+00:?00)$", "").str.replace("T", " ", literal=True)
        return plain.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="ns", strict=False).cast(
            pl.Int64
        )
    if kind.is_temporal():
        return column.cast(pl.Datetime("ns", kind.time_zone)).cast(pl.Int64)
    return column.cast(pl.Int64, strict=False)
