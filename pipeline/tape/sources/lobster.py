"""LOBSTER's message and orderbook files, in the vendor's zip or unpacked, any number of levels."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from pipeline.engine.errors import InputError, shown
from pipeline.engine.places import place
from pipeline.engine.sessions import SECOND_NS, SessionCalendar
from pipeline.tape.sources.archives import member_names
from pipeline.tape.sources.clean import Cleaner, flag_duplicates, scaled
from pipeline.tape.sources.headerless import Headerless
from pipeline.tape.sources.source import (
    RawFile,
    TapeBatch,
    list_files,
    local_files,
    midnight_ns,
)

NAME = re.compile(
    r"^(?P<symbol>.+)_(?P<date>\d{4}-\d{2}-\d{2})_\d+_\d+"
    r"_(?P<kind>message|orderbook)_(?P<levels>\d+)\.csv$"
)
LOOKED_FOR = (
    "LOBSTER zips, or pairs of TICKER_DATE_START_END_message_LEVEL.csv and ..._orderbook_LEVEL.csv"
)
MESSAGE = ("time", "type", "order_id", "size", "price", "direction")
EXECUTION, HIDDEN, CROSS, HALT = 4, 5, 6, 7
TRADING_RESUMES = 1  # the price of a halt message: -1 halted, 0 quoting resumes, 1 trading resumes
# an empty ask level is at +EMPTY, an empty bid level at -EMPTY
PRICE_UNIT, EMPTY = 1e4, 9_999_999_999
DECIMALS = 9
# executions, of which that share may not show in the book, as after a halt; files that are not in
# step show a few of a hundred
LEAST_EXECUTIONS, MOST_UNSEEN = 100, 0.05
LONGEST_DAY = 172_800  # seconds: a later time is of another day
NASDAQ = ZoneInfo("America/New_York")  # times are since its midnight


def discover(location: str) -> list[RawFile]:
    """Return the zips and the pairs of unpacked files at `location`: a file, or a folder's files.

    Raises: InputError when there is none, or a message file lacks its book.
    """

    def wanted(name: str) -> bool:
        return name.lower().endswith(".zip") or bool(NAME.match(name))

    sizes = dict(list_files(location, wanted, LOOKED_FOR))
    found = []
    for url, size in sizes.items():
        if url.lower().endswith(".zip"):
            found.append(_describe_zip(url, size))
        elif "_message_" in Path(url).name:
            fs, book = place(_book(url), "--data")
            if not fs.exists(book):
                raise InputError(
                    f"{url}: its book {Path(book).name} is not beside it; put both in one folder"
                )
            names = NAME.match(Path(url).name)
            found.append(
                RawFile(url, names["symbol"], names["date"], size + fs.size(book), (_book(url),))
            )
    if not found:
        raise InputError(f"{location}: no message file; expected {LOOKED_FOR}")
    return found


def read(raw: RawFile, calendar: SessionCalendar, batch_rows: int = 50_000) -> Iterator[TapeBatch]:
    """Yield the file's cleaned tape in file order, `batch_rows` messages at a time.

    Row i's book is after message i.
    Raises: InputError naming the file, and the row at fault.
    """
    with local_files(raw, lambda name: bool(NAME.match(name))) as paths:
        messages = [
            path
            for path in paths
            if (names := NAME.match(path.name)) and names["kind"] == "message"
        ]
        for message in messages:
            label = raw.url if len(messages) == 1 else f"{raw.url}: {message.name}"
            yield from _read_pair(
                _Pair(message, Path(_book(str(message))), label), calendar, batch_rows
            )


@dataclass(frozen=True)
class _Pair:
    """A message file, its book, and how messages to the user name them."""

    message: Path
    book: Path
    label: str


@dataclass
class _Step:
    """Whether the book moves as the executions say: the best level they hit loses their size."""

    label: str
    executions: int = 0
    unseen: int = 0
    first_unseen: int = 0

    def check(self, records: pl.DataFrame, before: pl.DataFrame | None) -> None:
        """Check the executions of the rows after the first, or after `before`.

        Raises: InputError naming the first row whose book does not show its execution, when so many
        do not that the two files are out of step.
        """
        joined = records if before is None else pl.concat([before, records])
        (price, price_before), (size, size_before) = (
            [
                pl.when(pl.col("direction") == 1)
                .then(pl.col(f"bid_{kind}_0").shift(lag))
                .otherwise(pl.col(f"ask_{kind}_0").shift(lag))
                for lag in (0, 1)
            ]
            for kind in ("px", "sz")
        )
        left = pl.when(price == price_before).then(size).otherwise(0)
        shown = (price_before == pl.col("price")) & (size_before - left == pl.col("size"))
        hit = joined.with_columns(shown=shown)[1:].filter(pl.col("type") == EXECUTION)
        unseen = hit.filter(~pl.col("shown"))["row"]
        self.executions += len(hit)
        if len(unseen) and not self.unseen:
            self.first_unseen = unseen[0]
        self.unseen += len(unseen)
        if self.executions >= LEAST_EXECUTIONS and self.unseen > MOST_UNSEEN * self.executions:
            raise InputError(
                f"{self.label}: row {self.first_unseen}: the book does not lose what the message "
                f"executes, as in {self.unseen} of {self.executions} executions; the two files "
                "must be of one download, their rows in its order"
            )


def _read_pair(pair: _Pair, calendar: SessionCalendar, rows: int) -> Iterator[TapeBatch]:
    names = NAME.match(pair.message.name)
    levels = int(names["levels"])
    midnight = midnight_ns(names["date"], NASDAQ, pair.label)
    cleaner = Cleaner(names["symbol"], pair.label, calendar, levels, opening_cross=False)
    before, halted = None, False
    step = _Step(pair.label)
    for records in _rows(pair, levels, rows):
        step.check(records, before)
        flagged = _flag(records, before, halted)
        before, halted = records.tail(1), flagged["state"][-1]
        yield from cleaner.clean(_normalise(flagged, levels, midnight, pair.label))


def _rows(pair: _Pair, levels: int, rows: int) -> Iterator[pl.DataFrame]:
    kinds = dict.fromkeys(MESSAGE, pl.Int64) | {"time": pl.String}
    # newer message files have a seventh column
    messages = Headerless(pair.message, f"{pair.label}: {pair.message.name}", kinds, spare=True)
    book = Headerless(
        pair.book,
        f"{pair.label}: {pair.book.name}",
        dict.fromkeys(_book_columns(levels), pl.Int64),
    )
    done = 0
    for left, right in zip_longest(messages.batches(rows), book.batches(rows)):
        count = [0 if part is None else len(part) for part in (left, right)]
        if count[0] != count[1]:
            more = "more" if count[0] > count[1] else "fewer"
            raise InputError(
                f"{pair.label}: {more} messages than books ({done + count[0]} and "
                f"{done + count[1]} rows or more); the two files must be of one download"
            )
        numbers = pl.Series("row", range(done + 1, done + count[0] + 1), dtype=pl.Int64)
        yield pl.concat([numbers.to_frame(), left, right], how="horizontal")
        done += count[0]


def _flag(records: pl.DataFrame, before: pl.DataFrame | None, halted: bool) -> pl.DataFrame:
    """Mark repeated rows and halts; `state` is whether trading is halted after the row.

    Two equal hidden executions are two trades: they carry no order number that would tell them
    apart.
    """
    flagged = flag_duplicates(records, before)
    turn = pl.when(pl.col("type") == HALT).then(pl.col("price") != TRADING_RESUMES)
    return flagged.with_columns(
        duplicate=pl.col("duplicate") & (pl.col("type") != HIDDEN),
        state=turn.forward_fill().fill_null(halted),
    ).with_columns(halted=pl.col("state") | (pl.col("type") == HALT))


def _normalise(records: pl.DataFrame, levels: int, midnight: int, label: str) -> pl.DataFrame:
    parts = pl.col("time").str.splitn(".", 2)
    seconds = parts.struct[0].cast(pl.Int64, strict=False)
    decimals = parts.struct[1].fill_null("")
    visible, hidden = pl.col("type") == EXECUTION, pl.col("type") == HIDDEN
    cleaned = records.select(
        "row",
        "duplicate",
        "halted",
        (
            midnight
            + pl.when(seconds.is_between(0, LONGEST_DAY)).then(seconds) * SECOND_NS
            + decimals.str.slice(0, DECIMALS)
            .str.pad_end(DECIMALS, "0")
            .cast(pl.Int64, strict=False)
        ).alias("ts"),
        (decimals.str.len_bytes() > DECIMALS).alias("long_decimals"),
        (visible | hidden | (pl.col("type") == CROSS)).alias("is_trade"),
        scaled("price", PRICE_UNIT),
        pl.col("size").cast(pl.Float64),
        pl.when(visible).then(-pl.col("direction")).otherwise(0).cast(pl.Int8).alias("aggressor"),
        (pl.col("type") == CROSS).alias("cross_print"),
        *(
            column
            for level in range(levels)
            for side in ("bid", "ask")
            for column in _level(side, level)
        ),
    ).with_columns(pl.col("ts").alias("order"))
    wrong = cleaned.filter(pl.col("ts").is_null())
    if len(wrong):
        row = wrong["row"][0]
        found = records.filter(pl.col("row") == row)["time"][0]
        raise InputError(
            f"{label}: row {row}: time {shown(found)} is not decimal seconds after midnight, as "
            "34200.017459617"
        )
    return cleaned


def _level(side: str, level: int) -> tuple[pl.Expr, pl.Expr]:
    price = f"{side}_px_{level}"
    shown = pl.when(pl.col(price).abs() < EMPTY).then(scaled(price, PRICE_UNIT))
    return shown.alias(price), pl.col(f"{side}_sz_{level}").cast(pl.Float64)


def _book_columns(levels: int) -> list[str]:
    return [
        f"{name}_{level}"
        for level in range(levels)
        for name in ("ask_px", "ask_sz", "bid_px", "bid_sz")
    ]


def _book(message: str) -> str:
    return "_orderbook_".join(message.rsplit("_message_", 1))


def _describe_zip(url: str, size: int) -> RawFile:
    members = member_names(url)
    messages = [
        name for name in members if (names := NAME.match(name)) and names["kind"] == "message"
    ]
    if not messages:
        raise InputError(
            f"{url}: no LOBSTER message file among {', '.join(members[:4])}; expected {LOOKED_FOR}"
        )
    missing = [_book(name) for name in messages if _book(name) not in members]
    if missing:
        raise InputError(f"{url}: {missing[0]} is missing from the zip; fetch it again")
    names = NAME.match(messages[0])
    one = len(messages) == 1
    return RawFile(url, names["symbol"] if one else None, names["date"] if one else None, size)
