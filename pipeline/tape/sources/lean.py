"""QuantConnect LEAN's equity ticks: a zip of trades and a zip of quotes a symbol and day."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SECOND_NS, SessionCalendar
from pipeline.tape.sources.archives import member_names
from pipeline.tape.sources.clean import BOOK_FIELDS, Cleaner, flag_duplicates, scaled
from pipeline.tape.sources.headerless import Headerless
from pipeline.tape.sources.nbbo import SymbolDay
from pipeline.tape.sources.source import (
    RawFile,
    TapeBatch,
    list_files,
    local_files,
    midnight_ns,
)

NAME = re.compile(
    r"^(?P<date>\d{8})_(?P<symbol>.+)_(?P<kind>trade|quote)_tick\.csv$", re.IGNORECASE
)
ZIP = re.compile(r"^\d{8}_(trade|quote)\.zip$", re.IGNORECASE)
LOOKED_FOR = (
    "LEAN tick zips, YYYYMMDD_trade.zip and YYYYMMDD_quote.zip with "
    "YYYYMMDD_symbol_Trade_Tick.csv inside"
)
KINDS = ("quote", "trade")
TRADE = ("ms", "price", "size", "venue", "condition", "suspicious")
QUOTE = ("ms", *BOOK_FIELDS, "venue", "condition", "suspicious")
PRICE_UNIT = 1e4
MS_NS = SECOND_NS // 1000
LONGEST_DAY_MS = 172_800_000  # a later time is of another day
ROWS = 200_000  # read at once
NEW_YORK = ZoneInfo("America/New_York")  # times are since its midnight
# of the rows, when they are consolidated quotes: a bid row and then an ask row of one time
PAIRED = 0.9

# Bits of LEAN's TradeConditionFlags, by rule; each stands for one sale condition of the CTA and UTP
# plans.
TRADE_RULES = {
    "cross_print": (6, 7, 8, 21),  # opening, closing and reopening print, cross
    "official_price": (24, 26),  # official close, official open
    "special_terms": (1, 2, 3),  # cash, next day, seller's option
    "late_print": (11, 14),  # sold last, out of sequence
    "extended_hours": (10, 13),  # form T, extended hours
    # derivatively priced, stopped, split, acquisition, bunched, contingent on an option,
    # distribution, average price, price variation, rule 155, prior reference price, CAP election
    "priced_elsewhere": (9, 12, 15, 16, 17, 18, 19, 20, 22, 23, 25, 27),
}
# regular, yellow flag, intermarket sweep, automatic, trade-through exempt, odd lot
BOOK_TRADE = (0, 4, 5, 28, 29, 31)
# Bits of LEAN's QuoteConditionFlags: news out, news pending, volatility pause halt the stock in all
# markets.
HALT = (4, 5, 9)
# Slow, gap, closing, range indication, imbalance, market maker closed, non-firm, related security,
# resume without a quote, in view of common, equipment, sub-penny, no open and no resume, manual,
# order influx: of one market.
NOT_FIRM = (1, 2, 3, 6, 7, 8, 10, 12, 13, 14, 15, 16, 17, 20, 22)


def discover(location: str) -> list[RawFile]:
    """Return one raw file a symbol and day, its quotes with its trades beside.

    Zips without ticks are passed over.
    Raises: InputError when there is none, a pair lacks its other half, or two zips hold the same.
    """
    found: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    sizes = dict(list_files(location, lambda name: bool(ZIP.match(name)), LOOKED_FOR))
    for url in sizes:
        for names in filter(None, (NAME.match(name) for name in member_names(url))):
            date = f"{names['date'][:4]}-{names['date'][4:6]}-{names['date'][6:]}"
            kinds, kind = found[names["symbol"].upper(), date], names["kind"].lower()
            if kind in kinds:
                raise InputError(
                    f"{url}: the {kind}s of {names['symbol'].upper()} on {date} are in "
                    f"{kinds[kind]} too; remove one of the two"
                )
            kinds[kind] = url
    if not found:
        raise InputError(
            f"{location}: no tick file in its {len(sizes)} zips (bars cannot be used); "
            f"expected {LOOKED_FOR}"
        )
    for (symbol, date), kinds in found.items():
        for kind in KINDS:
            if kind not in kinds:
                raise InputError(
                    f"{next(iter(kinds.values()))}: the {kind}s of {symbol} on {date} are not "
                    f"beside it; put {date.replace('-', '')}_{kind}.zip there"
                )
    return [
        RawFile(
            kinds["quote"],
            symbol,
            date,
            sizes[kinds["quote"]] + sizes[kinds["trade"]],
            (kinds["trade"],),
        )
        for (symbol, date), kinds in sorted(found.items())
    ]


def read(raw: RawFile, calendar: SessionCalendar) -> Iterator[TapeBatch]:
    """Yield the day's cleaned tape, its trades signed against the best quotes.

    Their sides are not in the file.
    Raises: InputError naming the file, and the row at fault.
    """
    midnight = midnight_ns(raw.date, NEW_YORK, raw.url)
    wanted = (raw.date.replace("-", ""), raw.symbol)

    def is_wanted(name: str) -> bool:
        names = NAME.match(name)
        return bool(names) and (names["date"], names["symbol"].upper()) == wanted

    with local_files(raw, is_wanted) as paths:
        members = {NAME.match(path.name)["kind"].lower(): path for path in paths}
        quotes = _quotes(_csv(members["quote"], raw.url, QUOTE), midnight)
        trades = _trades(_csv(members["trade"], raw.beside[0], TRADE), midnight)
    records = SymbolDay(raw.symbol, quotes, trades, raw.url, raw.beside[0]).records(calendar)
    yield from Cleaner(raw.symbol, raw.url, calendar, 1, opening_cross=False).clean(records)


def _csv(path: Path, url: str, names: tuple[str, ...]) -> pl.DataFrame:
    """Read one headerless member with its row numbers and the condition's bits as an integer.

    Raises: InputError naming the row that has other or missing fields.
    """
    kinds = dict.fromkeys(names, pl.Float64) | {
        "venue": pl.String,
        "condition": pl.String,
        "suspicious": pl.String,
    }
    file = Headerless(path, f"{url}: {path.name}", kinds, ("venue",))
    frames = [*file.batches(ROWS)]
    if not frames:
        raise InputError(f"{url}: {path.name} has no rows; fetch it again or remove it")
    table = pl.concat(frames).with_row_index("row", 1)
    table = table.with_columns(
        pl.col("condition").str.to_integer(base=16, dtype=pl.Int64, strict=False),
        pl.col("suspicious") == "1",
        pl.col("row").cast(pl.Int64),
    )
    within = pl.col("ms").is_between(0, LONGEST_DAY_MS)
    for wrong, reason in (
        (pl.any_horizontal(pl.exclude("venue").is_null()), "fields are missing or no numbers"),
        (~pl.all_horizontal(pl.col(pl.Float64).is_finite()), "a number is not finite"),
        (~within, "its time is not milliseconds after midnight, 0 to 86,400,000"),
    ):
        rows = table.filter(wrong)["row"]
        if len(rows):
            raise InputError(f"{url}: {path.name}, row {rows[0]}: {reason}; is it whole?")
    return table


def _trades(table: pl.DataFrame, midnight: int) -> pl.DataFrame:
    """Two equal prints are two trades, as no number tells them apart; they are noted."""
    documented = sum(1 << bit for bits in (*TRADE_RULES.values(), BOOK_TRADE) for bit in bits)
    table = flag_duplicates(table, None)
    return table.select(
        "row",
        _time(midnight),
        pl.when(pl.col("price") > 0).then(scaled("price", PRICE_UNIT)).alias("price"),
        "size",
        "suspicious",
        pl.lit(None, pl.Int8).alias("aggressor"),
        pl.col("duplicate").alias("same_print"),
        *(_has(*bits).alias(rule) for rule, bits in TRADE_RULES.items()),
        (pl.col("condition") & ~documented != 0).alias("unknown_condition"),
    )


def _quotes(table: pl.DataFrame, midnight: int) -> pl.DataFrame:
    """A side with price 0 is not stated, unless both are: then the venue has withdrawn both.

    Where rows come as bid and ask of one time, and of two venues, each pair is the consolidated
    quote and the venue is where its price comes from; an earlier quote of that venue is then no
    longer known to stand, and the size is that venue's alone, so that depth is a lower bound.
    """
    first = (pl.col("bid_px") > 0) & (pl.col("ask_px") == 0)
    second = (pl.col("ask_px").shift(-1) > 0) & (pl.col("bid_px").shift(-1) == 0)
    pair = (first & second & (pl.col("ms") == pl.col("ms").shift(-1))).fill_null(False)
    table = table.with_columns(
        pair.alias("half_quote"),
        (pair & (pl.col("venue") != pl.col("venue").shift(-1)))
        .fill_null(False)
        .alias("two_venues"),
    )
    consolidated = 2 * table["half_quote"].sum() > PAIRED * len(table) and table["two_venues"].any()
    withdrawn = (pl.col("bid_px") == 0) & (pl.col("ask_px") == 0)
    firm = ~_has(*NOT_FIRM)
    return table.with_columns(halted=_has(*HALT)).select(
        "row",
        _time(midnight),
        "suspicious",
        "half_quote",
        "halted",
        (~firm).alias("not_firm"),
        pl.lit("best").alias("venue") if consolidated else pl.col("venue"),
        *(
            pl.when((pl.col(f"{side}_px") > 0) | withdrawn, ~pl.col("suspicious"))
            .then(
                pl.when(firm, ~pl.col("halted"), ~withdrawn)
                .then(scaled(f"{side}_px", PRICE_UNIT))
                .otherwise(np.nan)
            )
            .alias(f"{side}_px")
            for side in ("bid", "ask")
        ),
        "bid_sz",
        "ask_sz",
    )


def _has(*bits: int) -> pl.Expr:
    return (pl.col("condition") & sum(1 << bit for bit in bits)) != 0


def _time(midnight: int) -> pl.Expr:
    return (midnight + (pl.col("ms") * MS_NS).round().cast(pl.Int64)).alias("ts")
