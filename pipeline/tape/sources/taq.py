"""Trades and quotes as CSV or Parquet, in any column layout that a column map describes."""

import datetime
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.tape.sources.clean import Cleaner, flag_duplicates, level_columns
from pipeline.tape.sources.nbbo import SymbolDay
from pipeline.tape.sources.source import (
    RULES,
    RawFile,
    TapeBatch,
    list_files,
    local_files,
    midnight_ns,
)
from pipeline.tape.sources.taq_columns import TapeColumns, TradeColumns, read_tape_columns
from pipeline.tape.sources.taq_conditions import BOOK_TRADE, HALT, NOT_FIRM, TRADE_RULES, has
from pipeline.tape.sources.taq_files import left_out, read_tape_table
from pipeline.tape.sources.taq_rows import OTHERS, check_scale, refuse_nothing_taken
from pipeline.tape.sources.taq_selected import scan

SUFFIXES = (".csv", ".csv.gz", ".csv.zst", ".parquet")
UNREAD, LEAST_UNREAD = 0.1, 20  # of a file's stated sides, and rows: fewer may be of no side
UTC = ZoneInfo("UTC")
LOOKED_FOR = f"trades and quotes ({', '.join(SUFFIXES)}) as [data] columns names them"
NO_TRADES = {"ts": pl.Int64, "price": pl.Float64, "size": pl.Float64, "aggressor": pl.Int8}


def discover(location: str, columns: str) -> list[RawFile]:
    """Return one raw file for each symbol and date that the file names tell.

    The map and the other parts are beside it.
    Raises: InputError when the map is wrong or no file fits it, or there are quotes without trades
    or the reverse.
    """
    if not columns:
        raise InputError(
            "source taq needs a column map; name its file as columns in [data] of --config"
        )
    mapped = read_tape_columns(columns)
    sizes = dict(
        list_files(location, lambda name: name.lower().endswith((*SUFFIXES, ".zip")), LOOKED_FOR)
    )
    groups: dict[tuple[str | None, str | None], dict[str, list[str]]]
    groups = defaultdict(lambda: {"quotes": [], "trades": []})
    for url in sizes:
        for kind, table in (("quotes", mapped.quotes), ("trades", mapped.trades)):
            names = table.named(Path(url).name)
            if names is not None:
                groups[_key(names, url)][kind].append(url)
    if not groups:
        raise InputError(
            f"{location}: none of its {len(sizes)} files has a name that fits files in {columns}; "
            f"the first is {Path(next(iter(sizes))).name}"
        )
    return [
        _raw_file(*key, parts, sizes, columns)
        for key, parts in sorted(groups.items(), key=lambda group: tuple(map(str, group[0])))
    ]


def _raw_file(
    symbol: str | None,
    date: str | None,
    parts: dict[str, list[str]],
    sizes: dict[str, int],
    columns: str,
) -> RawFile:
    missing = [kind for kind, urls in parts.items() if not urls]
    if missing:
        there = (parts["quotes"] + parts["trades"])[0]
        raise InputError(
            f"{there}: no {missing[0]} beside it; check files of [{missing[0]}] in {columns}"
        )
    # once where both are in one file
    urls = list(dict.fromkeys(parts["quotes"] + parts["trades"]))
    size = sum(sizes[url] for url in urls)
    return RawFile(urls[0], symbol, date, size, (*urls[1:], columns))


def _key(names: dict[str, str | None], url: str) -> tuple[str | None, str | None]:
    date = names.get("date")
    if date is not None:
        digits = re.fullmatch(r"(\d{4})-?(\d{2})-?(\d{2})", date)
        if not digits:
            raise InputError(
                f"{url}: date '{date}' in its name is not YYYYMMDD or YYYY-MM-DD; check files in "
                "the map"
            )
        date = "-".join(digits.groups())
        midnight_ns(date, UTC, url)
    return names.get("symbol"), date


def read(raw: RawFile, calendar: SessionCalendar) -> Iterator[TapeBatch]:
    """Yield the cleaned tape, a batch a symbol and date.

    The raw file's tables are held in memory meanwhile. Trades whose side no column states are
    signed against the best quotes.
    Raises: InputError naming the file, and the row or column at fault.
    """
    with local_files(raw, lambda name: name.lower().endswith(SUFFIXES)) as paths:
        if len(paths) != len(raw.urls):
            raise InputError(f"{raw.url}: a zip of several tables, or none; unpack it")
        mapped = read_tape_columns(str(paths[-1]))
        maps = {"quotes": mapped.quotes, "trades": mapped.trades}
        tables, rest = {}, []
        for kind, table in maps.items():
            parts = [
                (path, url)
                for path, url in zip(paths, raw.urls, strict=True)
                if table.named(Path(url).name) is not None
            ]
            frames = [read_tape_table(path, url, table, mapped, raw) for path, url in parts]
            tables[kind] = pl.concat(frames)
            check_scale(tables[kind], table, parts[0][1])
        for path, url in zip(paths[:-1], raw.urls[:-1], strict=True):
            here = {
                kind: table
                for kind, table in maps.items()
                if table.named(Path(url).name) is not None
            }
            rest.append(left_out((path, url), list(here.values()), mapped, raw))
            for kind, table in here.items():
                if tables[kind].is_empty() and len(rest[-1]):
                    refuse_nothing_taken(scan(path, url, list(table.rows)), table, url)
        urls = [
            next(url for url in raw.urls if table.named(Path(url).name) is not None)
            for table in maps.values()
        ]
    _check_sides(tables["trades"], mapped.trades, urls[1])
    counted = _counted(pl.concat(rest), tables)
    yield from _batches(tables, mapped, urls, calendar, counted)


def _counted(
    rest: pl.DataFrame, tables: dict[str, pl.DataFrame]
) -> dict[tuple[str, datetime.date], int]:
    """Return how many rows were not selected, by symbol and day.

    Symbols without a row on the tape are one; a row without a day is counted on the first one.
    """
    days = pl.concat(table.select("symbol", "day") for table in tables.values())
    known = pl.col("symbol").is_in(days["symbol"].unique().implode()).fill_null(False)
    rows = rest.group_by(
        symbol=pl.when(known).then("symbol").otherwise(pl.lit(OTHERS)),
        day=pl.col("day").fill_null(days["day"].min()),
    ).agg(pl.col("rows").sum())
    return {(symbol, day): count for symbol, day, count in rows.sort("symbol", "day").rows()}


def _counting(
    batches: Iterator[TapeBatch], symbol: str, day: datetime.date, rows: int
) -> Iterator[TapeBatch]:
    """Count the rows that were not selected in the first batch, or in one of nothing else."""
    nothing = dict.fromkeys(level_columns(1), pl.Float64)
    counts = pl.DataFrame({"rule": list(RULES), "rows": [0] * len(RULES)})
    empty = TapeBatch(
        symbol,
        str(day),
        pl.DataFrame(schema={"ts": pl.Int64} | nothing),
        pl.DataFrame(schema=NO_TRADES),
        counts,
        {},
    )
    first = next(batches, empty)
    more = pl.col("rows") + rows * (pl.col("rule") == "not_selected").cast(pl.Int64)
    yield replace(first, counts=first.counts.with_columns(more))
    yield from batches


def _check_sides(trades: pl.DataFrame, mapped: TradeColumns, url: str) -> None:
    """Refuse a side that has no trade while many have a value that the map does not name."""
    if not mapped.side:
        return
    values = trades["side"].drop_nulls().str.strip_chars()
    values = values.filter(values != "")
    unread = values.filter(~values.is_in([*mapped.buy, *mapped.sell]))
    none = [key for key in ("buy", "sell") if not values.is_in(getattr(mapped, key)).any()]
    if none and len(unread) >= max(LEAST_UNREAD, UNREAD * len(values)):
        counts = unread.value_counts(sort=True, name="rows").head(3)
        named = ", ".join(f"'{value}' ({rows:,})" for value, rows in counts.iter_rows())
        raise InputError(
            f"{url}: column {mapped.side}: no trade is a {' or a '.join(none)} as the map has "
            f"them, and {len(unread):,} of {len(values):,} sides are neither: {named}; name them "
            "in buy and sell of [trades]"
        )


def _batches(
    tables: dict[str, pl.DataFrame],
    mapped: TapeColumns,
    urls: list[str],
    calendar: SessionCalendar,
    not_selected: dict[tuple[str, datetime.date], int],
) -> Iterator[TapeBatch]:
    cleaners: dict[str, Cleaner] = {}
    parts = {
        kind: table.partition_by("symbol", "day", as_dict=True, include_key=False)
        for kind, table in tables.items()
    }
    none = {kind: table.clear().drop("symbol", "day") for kind, table in tables.items()}
    there = parts["quotes"].keys() | parts["trades"].keys()
    for symbol, day in sorted(not_selected.keys() - there):
        yield from _counting(iter(()), str(symbol), day, not_selected[symbol, day])
    for symbol, day in sorted(there):
        quotes, trades = (
            parts[kind].get((symbol, day), none[kind]) for kind in ("quotes", "trades")
        )
        records = SymbolDay(
            str(symbol), _quotes(quotes, mapped), _trades(trades, mapped.trades), *urls
        )
        cleaner = cleaners.setdefault(
            str(symbol), Cleaner(str(symbol), urls[0], calendar, 1, opening_cross=False)
        )
        batches = cleaner.clean(records.records(calendar))
        yield from _counting(batches, str(symbol), day, not_selected.get((symbol, day), 0))


def _quotes(table: pl.DataFrame, mapped: TapeColumns) -> pl.DataFrame:
    """Each row states both sides of its venue; one without price or size is withdrawn."""
    firm = ~(has(HALT) | has(NOT_FIRM))
    return table.select(
        "row",
        "ts",
        pl.col("venue") if mapped.quotes.venue else pl.lit("best").alias("venue"),
        pl.lit(False).alias("half_quote"),
        has(HALT).alias("halted"),
        has(NOT_FIRM).alias("not_firm"),
        *(
            pl.when(pl.col(f"{side}_px") > 0, firm)
            .then(pl.col(f"{side}_px"))
            .otherwise(float("nan"))
            .alias(f"{side}_px")
            for side in ("bid", "ask")
        ),
        "bid_sz",
        "ask_sz",
    )


def _trades(table: pl.DataFrame, mapped: TradeColumns) -> pl.DataFrame:
    """A trade number seen before is a duplicate.

    Without a number two equal prints are two trades, and noted.
    """
    known = "".join(TRADE_RULES.values()) + BOOK_TRADE
    buy, sell = (-1, 1) if mapped.side_is == "resting" else (1, -1)
    side = (
        pl.when(pl.col("side").is_in(mapped.buy))
        .then(buy)
        .when(pl.col("side").is_in(mapped.sell))
        .then(sell)
        .otherwise(0)
        if mapped.side
        else pl.lit(None)
    )
    numbered = pl.col("id").is_not_null()
    table = flag_duplicates(table, None).rename({"duplicate": "same_print"})
    table = table.with_columns(
        pl.col("same_print") & ~numbered,
        duplicate=numbered & ~pl.struct("venue", "id").is_first_distinct(),
    )
    return table.select(
        "row",
        "ts",
        pl.when(pl.col("price") > 0).then(pl.col("price")).alias("price"),
        "size",
        side.cast(pl.Int8).alias("aggressor"),
        "same_print",
        *(["duplicate"] if mapped.id else []),  # a tape without numbers is searched for repeats
        *(has(letters).alias(rule) for rule, letters in TRADE_RULES.items()),
        pl.col("condition")
        .str.contains(f"[^{re.escape(known)}]")
        .fill_null(False)
        .alias("unknown_condition"),
    )
