"""The rules that every source's records pass, in one order, each counted by the row."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.tape.sources.source import RULES, TapeBatch

MINUTE_NS = 60_000_000_000
LATEST_NS = 1_000_000_000  # event time may run back by this much, where receive time is in order
BOOK_FIELDS = ("bid_px", "bid_sz", "ask_px", "ask_sz")
EXCLUSIONS = (  # flags of trades that say nothing of what it costs to take from the book
    "suspicious",
    "cross_print",
    "official_price",
    "special_terms",
    "late_print",
    "extended_hours",
    "priced_elsewhere",
)
DROPPED = ("duplicate", "out_of_session", "halted", "suspicious", "bad_timestamp", "half_quote")
NOTED = ("late_event", "long_decimals", "not_firm", "snapshot")
UNKNOWN_BOOKS = ("cleared_book", "bad_book")
NOTED_TRADES = ("unknown_condition", "same_print", "quote_signed", "tick_signed")
FLAGS = (*DROPPED, *NOTED, *UNKNOWN_BOOKS, "rebuilding", *NOTED_TRADES, *EXCLUSIONS[1:])


def level_columns(levels: int) -> list[str]:
    """Return the canonical names of a book's columns, level by level."""
    return [f"{field}_{level}" for level in range(levels) for field in BOOK_FIELDS]


@dataclass
class Cleaner:
    """Cleans one symbol's records, chunk after chunk, remembering what a rule needs.

    Records have: row (number in the file), order (what must not decrease, ns), ts (event time, ns),
    is_trade, price, size, aggressor; then the book's levels, where a missing price is null or NaN.
    Where is_quote is there and false they are no book, and each flag of FLAGS that is there says
    which records a rule touches; `rebuilding` are the rows of a snapshot before its last. A
    snapshot happens when it is received, and so does a clear whose event time is not in order.
    `opening_cross`: the first print of a session, and after each of its breaks, is the auction's
    when undirected.
    """

    symbol: str
    url: str
    calendar: SessionCalendar
    levels: int
    opening_cross: bool
    order: int = field(default=0, init=False)
    clock: int = field(default=0, init=False)
    event_clock: int = field(default=0, init=False)
    first_prints: dict[int, int] = field(default_factory=dict, init=False)

    def clean(self, records: pl.DataFrame) -> Iterator[TapeBatch]:
        """Yield one batch a date of the chunk.

        Raises: InputError naming file and row when time runs backwards.
        """
        absent = {
            name: pl.lit(name == "is_quote")
            for name in ("is_quote", *FLAGS)
            if name not in records.columns
        }
        records = records.with_columns(**absent)
        records = self._in_time(records.with_columns(pl.col("is_quote", *FLAGS).fill_null(False)))
        ts = records["ts"].to_numpy()
        dates = pl.Series("date", self.calendar.session_of(ts).astype("datetime64[ms]")).cast(
            pl.Date
        )
        local = (
            records["ts"]
            .cast(pl.Datetime("ns", "UTC"))
            .dt.convert_time_zone(self.calendar.timezone)
            .dt.date()
        )
        records = records.with_columns(
            dates.is_null().alias("out_of_session"),
            dates.fill_null(local).cast(pl.String).alias("date"),
        )
        for part in records.partition_by("date", maintain_order=True):
            yield self._batch(part, part["date"][0])

    def _in_time(self, records: pl.DataFrame) -> pl.DataFrame:
        restart = (records["snapshot"] | records["cleared_book"]).to_numpy()
        bad = records["bad_timestamp"].to_numpy()
        order = np.where(bad, 0, records["order"].fill_null(0).to_numpy())
        latest = np.maximum.accumulate(np.append(self.order, order))[1:]
        order = np.where(bad | restart, latest, order)
        ts = records["ts"].fill_null(0).to_numpy()
        event_clock = np.maximum.accumulate(
            np.append(self.event_clock, np.where(bad | restart, 0, ts))
        )[1:]
        # a snapshot says when its book last changed, a clear may say nothing
        sent_again = records["snapshot"].to_numpy() | (ts < event_clock - LATEST_NS)
        ts = np.where(restart & sent_again, order, ts)
        clock = np.maximum.accumulate(np.append(self.clock, np.where(bad, 0, ts)))[1:]
        for wrong, advice in (
            (np.diff(order, prepend=self.order) < 0, "sort the file by its time"),
            (
                (event_clock - ts > LATEST_NS) & ~(bad | restart),
                "event time is over 1 s behind an earlier row's, which no feed's delay explains",
            ),
        ):
            if wrong.any():
                row = records["row"][int(np.argmax(wrong))]
                raise InputError(
                    f"{self.url}: row {row}: time runs backwards for {self.symbol}; {advice}"
                )
        self.order, self.clock = int(order[-1]), int(clock[-1])
        self.event_clock = int(event_clock[-1])
        if bad[0]:  # bad rows before the first good one have its time, or their own without one
            clock = np.where(clock > 0, clock, clock[np.argmax(clock > 0)] or ts)
        late = (clock > ts) & ~bad & ~restart
        return records.with_columns(pl.Series("late_event", late), pl.Series("ts", clock))

    def _batch(self, records: pl.DataFrame, date: str) -> TapeBatch:
        counts = dict.fromkeys(RULES, 0)
        minutes, rows = np.unique(records["ts"].to_numpy() // MINUTE_NS, return_counts=True)
        for rule in DROPPED:
            records = _drop(records, rule, pl.col(rule), counts)
        _note(records, NOTED, counts)
        trades = self._trades(records.filter("is_trade"), date, counts)
        quotes = _quotes(records.filter("is_quote"), self.levels, counts)
        table = pl.DataFrame(
            {"rule": list(counts), "rows": list(counts.values())},
            schema_overrides={"rows": pl.Int64},
        )
        by_minute = dict(zip(minutes.tolist(), rows.tolist(), strict=True))
        return TapeBatch(self.symbol, date, quotes, trades, table, by_minute)

    def _trades(self, trades: pl.DataFrame, date: str, counts: dict[str, int]) -> pl.DataFrame:
        if self.opening_cross and len(trades):
            trades = trades.with_columns(cross_print=pl.Series(self._auctions(trades, date)))
        for rule in EXCLUSIONS[1:]:
            trades = _drop(trades, rule, pl.col(rule), counts)
        trades = _drop(trades, "undefined_price", _missing("price"), counts)
        trades = _drop(trades, "undefined_size", _missing("size"), counts)
        trades = _drop(trades, "zero_size", pl.col("size") == 0, counts)
        _note(trades, NOTED_TRADES, counts)
        counts["undirected_trade"] += int((trades["aggressor"] == 0).sum())
        return trades.select("ts", "price", "size", "aggressor")

    def _auctions(self, trades: pl.DataFrame, date: str) -> np.ndarray:
        """Mark undirected prints at the time of the first print since the market opened."""
        opens = np.array([begin for begin, _ in self.calendar.session(date).stretches])
        ts, undirected = trades["ts"].to_numpy(), (trades["aggressor"] == 0).to_numpy()
        opened = opens[np.searchsorted(opens, ts, side="right") - 1]
        for moment, row in zip(*np.unique(opened, return_index=True), strict=True):
            self.first_prints.setdefault(int(moment), int(ts[row]) if undirected[row] else -1)
        return undirected & (ts == [self.first_prints[int(moment)] for moment in opened])


def scaled(name: str, unit: float) -> pl.Expr:
    """Return the column in units of 1/`unit`, to the last bit.

    polars itself multiplies by the reciprocal.
    """
    return pl.col(name).map_batches(
        lambda whole: pl.Series(whole.to_numpy() / unit), return_dtype=pl.Float64
    )


def flag_duplicates(part: pl.DataFrame, before: pl.DataFrame | None) -> pl.DataFrame:
    """Add `duplicate`: whether a record equals the one before it in every field but `row`.

    `before` is the last record of the chunk before, None at the start.
    """
    joined = part if before is None else pl.concat([before, part])
    fields = pl.exclude("row")
    same = pl.all_horizontal(fields.eq_missing(fields.shift(1))) & (pl.int_range(pl.len()) > 0)
    return joined.with_columns(duplicate=same)[0 if before is None else 1 :]


def _quotes(records: pl.DataFrame, levels: int, counts: dict[str, int]) -> pl.DataFrame:
    """Return the books. One that lacks a side stays, or the book before it would seem to stand."""
    unknown = pl.any_horizontal(*UNKNOWN_BOOKS, "rebuilding")
    _note(records, UNKNOWN_BOOKS, counts)
    sides = [
        (f"{side}_px_{level}", f"{side}_sz_{level}")
        for level in range(levels)
        for side in ("bid", "ask")
    ]
    quotes = records.with_columns(
        pl.when(unknown | _missing(price) | (pl.col(size) == 0))
        .then(fill)
        .otherwise(pl.col(name))
        .alias(name)
        for price, size in sides
        for name, fill in ((price, float("nan")), (size, 0.0))
    )
    no_size = pl.any_horizontal(_missing(size) for _, size in sides)
    quotes = _drop(quotes, "undefined_size", no_size, counts)
    disordered = _disordered("bid", levels) | _disordered("ask", levels)
    quotes = _drop(quotes, "unordered_levels", disordered, counts)
    bid, ask = pl.col("bid_px_0"), pl.col("ask_px_0")
    empty, one_sided = bid.is_nan() & ask.is_nan(), bid.is_nan() != ask.is_nan()
    for rule, holds in (("undefined_price", empty & ~unknown), ("one_sided", one_sided)):
        counts[rule] += quotes.select(holds.sum()).item()
    for rule, holds in (("crossed", bid > ask), ("locked", bid == ask)):
        quotes = _drop(quotes, rule, holds & bid.is_not_nan() & ask.is_not_nan(), counts)
    gap = pl.any_horizontal(pl.col(price).is_nan() for price, _ in sides)
    counts["empty_level"] += quotes.select((gap & ~empty & ~one_sided).sum()).item()
    return quotes.select("ts", *level_columns(levels))


def _disordered(side: str, levels: int) -> pl.Expr:
    """Return whether a level is at no worse a price than one above it; empty levels have none."""
    sign = 1.0 if side == "ask" else -1.0
    # an empty best level lies beyond any price, so that what is there below it is out of order
    above = pl.col(f"{side}_px_0").fill_nan(sign * float("inf")) * sign
    holds = pl.lit(False)
    for level in range(1, levels):
        price = pl.col(f"{side}_px_{level}") * sign
        holds = holds | (price.is_not_nan() & (price <= above))
        above = pl.max_horizontal(above, price.fill_nan(float("-inf")))
    return holds


def _missing(name: str) -> pl.Expr:
    return pl.col(name).is_null() | pl.col(name).is_nan()


def _note(records: pl.DataFrame, rules: tuple[str, ...], counts: dict[str, int]) -> None:
    for rule in rules:
        counts[rule] += int(records[rule].sum())


def _drop(records: pl.DataFrame, rule: str, gone: pl.Expr, counts: dict[str, int]) -> pl.DataFrame:
    kept = records.filter(~gone)
    counts[rule] += len(records) - len(kept)
    return kept
