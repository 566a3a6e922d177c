"""Screening: the rows of a day that its own tape cannot support are found, counted and left out."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from models.microstructure.against_quotes import AgainstQuotes, against_quotes, contradicted
from models.microstructure.book import Book
from models.microstructure.screening import BookFlags, RowBounds, flag_book, row_bounds
from models.microstructure.silence import MINUTE_NS, silences
from models.microstructure.standing import standing_before
from pipeline.engine.findings import Finding, finding_table
from pipeline.engine.sessions import Session
from pipeline.engine.tables import Day, Screening
from pipeline.stages.measuring.book_walks import book_of
from pipeline.stages.screening.day_measures import day_measures, typical_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
SCALED_SHARE = 0.05  # of a day's rows in another scale, from which on neither is known to be right
BEYOND_SHARE = 0.2  # of a day's rows left out for any reason, from which on the day is refused
LEAST_TRADES = 50  # of a day, and
LEAST_BLOCK = 20  # of a half-hour, before their sides or sizes are judged
BLOCK_NS = 30 * MINUTE_NS
FLIPPED_SHARE = 0.05  # of a day's sides, contradicted in half-hours that are the other way round
SIZE_FACTOR = 100.0  # between the typical trade of a half-hour and the day's


@dataclass(frozen=True)
class ScreenSettings:
    """The session, and up to when the run knows its tape (ns): nothing later decides."""

    session: Session
    known_ns: int


def screen_day(day: Day, settings: ScreenSettings) -> Screening:
    """Find the rows that the day's own tape does not support, and stretches in which it is silent.

    Bounds, statistics and findings are of what was known by `known_ns`.
    """
    known = pl.col("ts") < settings.known_ns
    part = Day(day.quotes.filter(known), day.trades.filter(known))
    if not np.isfinite(book_of(part.quotes).mid).any():
        bounds = RowBounds(-np.inf, np.inf, np.inf, np.inf, np.inf)
        return Screening(finding_table(()), pd.DataFrame([vars(bounds)]), pd.DataFrame())
    found = _Screen(part, settings)
    kept = apply_bounds(part, found.bounds, found.frozen)
    trades = _against(kept, found.frozen)
    findings = [*found.findings(), *_sides(kept, trades, found.date), *_sizes(kept, found.date)]
    return Screening(
        findings=finding_table(findings),
        bounds=pd.DataFrame([vars(found.bounds)]),
        measures=day_measures(kept, trades, settings.session, settings.known_ns),
    )


def apply_bounds(day: Day, bounds: RowBounds, frozen: tuple[tuple[int, int], ...]) -> Day:
    """Return the day without the rows beyond the bounds and the repeats of frozen books; deeper
    levels beyond them are not displayed.
    """
    ts = day.quotes["ts"].to_numpy()
    book = book_of(day.quotes)
    flags = flag_book(book, bounds)
    quotes = day.quotes
    for side, far in (("bid", flags.far_bid), ("ask", flags.far_ask)):
        for level in np.flatnonzero(far[:, 1:].any(axis=0)) + 1:
            gone = pl.Series(far[:, level])
            quotes = quotes.with_columns(
                pl.when(gone)
                .then(fill)
                .otherwise(pl.col(f"{side}_{name}_{level}"))
                .alias(f"{side}_{name}_{level}")
                for name, fill in (("px", float("nan")), ("sz", 0.0))
            )
    kept = ~(flags.beyond | _within(ts, frozen))
    trades = day.trades.filter(~pl.Series(_trade_flags(day.trades, bounds).any(axis=0)))
    return Day(quotes.filter(pl.Series(kept)), trades)


def _trade_flags(trades: pl.DataFrame, bounds: RowBounds) -> Flags:
    """Return which trades are beyond the bounds of price and of size, (2, m)."""
    price, size = trades["price"].to_numpy(), trades["size"].to_numpy()
    off = (price < bounds.price_low) | (price > bounds.price_high)
    return np.array([off, (size > bounds.trade_size) & ~off])


def _within(ts: Ints, stretches: tuple[tuple[int, int], ...]) -> Flags:
    held = np.zeros(len(ts), dtype=bool)
    for start, end in stretches:
        held |= (ts > start) & (ts < end)
    return held


def _against(day: Day, frozen: tuple[tuple[int, int], ...]) -> AgainstQuotes:
    """Hold the trades against the quotes before them, save where those stand still."""
    quotes = [day.quotes[name].to_numpy() for name in ("ts", "bid_px_0", "ask_px_0")]
    ts, *rest = (day.trades[name].to_numpy() for name in ("ts", "price", "aggressor"))
    found, live = against_quotes(*quotes, ts, *rest), ~_within(ts, frozen)
    return AgainstQuotes(found.known & live, found.outside & live, found.agrees * live)


class _Screen:
    """One day's bounds, and what is beyond them."""

    def __init__(self, day: Day, settings: ScreenSettings) -> None:
        self.day, self.settings, self.date = day, settings, settings.session.date
        self.ts = day.quotes["ts"].to_numpy()
        book = book_of(day.quotes)
        self.bounds = row_bounds(book, self._grid(book.mid), day.trades["size"].to_numpy())
        self.flags: BookFlags = flag_book(book, self.bounds)
        self.trade_flags = _trade_flags(day.trades, self.bounds)
        self.gaps, self.frozen = self._silences(book)

    def findings(self) -> Iterator[Finding]:
        """Yield what the rows of quotes and of trades say."""
        yield from self._left_out()
        yield from self._too_many()
        for start, end in self.gaps:
            minutes = (end - start) // MINUTE_NS
            message = f"no rows for {minutes} minutes, where there are some most minutes beside it"
            yield Finding("tape_gap", self.date, start, end, 0, message)
        for start, end in self.frozen:
            rows = int(_within(self.ts, ((start, end),)).sum())
            message = (
                f"the book stands still for {(end - start) // MINUTE_NS} minutes, where it changes "
                f"most minutes beside it: its {rows:,} repeats are left out"
            )
            yield Finding("frozen_quote", self.date, start, end, rows, message)

    def _left_out(self) -> Iterator[Finding]:
        low, high = self.bounds.price_low, self.bounds.price_high
        band = f"{low:,.6g} to {high:,.6g}"
        flags, traded = self.flags, self.day.trades["ts"].to_numpy()
        deeper = (flags.far_bid[:, 1:] | flags.far_ask[:, 1:]).any(axis=1) & ~flags.beyond
        none = np.zeros(len(traded), dtype=bool)
        for code, quotes, trades, bound in (
            ("implausible_price", flags.price, self.trade_flags[0], f"a price outside {band}"),
            (
                "implausible_size",
                flags.size & ~flags.price,
                self.trade_flags[1],
                f"over {self.bounds.level_size:,.3g} shares at a level or "
                f"{self.bounds.trade_size:,.3g} in a trade",
            ),
            (
                "implausible_depth",
                flags.depth & ~flags.price & ~flags.size,
                none,
                f"levels of over {self.bounds.typical_size:,.3g} shares throughout",
            ),
            ("far_level", deeper, none, f"a deeper level outside {band}"),
        ):
            counts, times = (quotes.sum(), trades.sum()), (self.ts[quotes], traded[trades])
            if not any(counts):
                continue
            ns = np.concatenate(times)
            message = f"{counts[0]:,} quotes and {counts[1]:,} trades with {bound}, left out"
            if code == "far_level":
                message = f"{counts[0]:,} quotes with {bound}, taken as not displayed"
            rows = int(sum(counts))
            yield Finding(code, self.date, int(ns.min()), int(ns.max()), rows, message)

    def _too_many(self) -> Iterator[Finding]:
        flags, number = self.flags, len(self.ts)
        for code, off, least, what in (
            ("two_scales", flags.scaled, SCALED_SHARE, "prices"),
            ("two_size_scales", flags.depth & ~flags.price, SCALED_SHARE, "sizes"),
            ("implausible_rows", flags.beyond, BEYOND_SHARE, "rows"),
        ):
            if off.sum() > least * number:
                ns = self.ts[off]
                beyond = "beyond what the day supports" if what == "rows" else "in another scale"
                message = (
                    f"{what} of {off.sum():,} of {number:,} quotes are {beyond} (least price "
                    f"{self.bounds.price_low:,.4g}, largest {self.bounds.price_high:,.4g}, typical "
                    f"level up to {self.bounds.typical_size:,.4g} shares), at most {least:.0%} can "
                    "be told from the rest"
                )
                rows = int(off.sum())
                yield Finding(code, self.date, int(ns[0]), int(ns[-1]), rows, message)
                return

    def _grid(self, mid: Floats) -> Floats:
        session, end = self.settings.session, self.settings.known_ns
        return np.concatenate(
            [
                standing_before(self.ts, mid, np.arange(opens, min(closes, end), MINUTE_NS))
                for opens, closes in session.stretches
            ]
        )

    def _silences(self, book: Book) -> tuple[list[tuple[int, int]], tuple[tuple[int, int], ...]]:
        stretches, end = self.settings.session.stretches, self.settings.known_ns
        everything = np.sort(np.concatenate([self.ts, self.day.trades["ts"].to_numpy()]))
        columns = (book.bid_px, book.ask_px, book.bid_sz, book.ask_sz)
        moved = np.ones(len(self.ts), dtype=bool)
        moved[1:] = sum((np.diff(np.nan_to_num(one), axis=0) != 0).any(axis=1) for one in columns)
        changes = self.ts[moved]
        gaps = silences(everything, stretches, end)
        frozen = (
            (start, stop)
            for start, stop in silences(changes, stretches, end)
            if not any(first < stop and start < last for first, last in gaps)
        )
        return gaps, tuple(frozen)


def _sides(day: Day, trades: AgainstQuotes, date: str) -> Iterator[Finding]:
    """Yield the half-hours whose stated sides are the other way round, as one finding."""
    ts, agrees = day.trades["ts"].to_numpy(), trades.agrees
    said = int((agrees != 0).sum())
    if said < LEAST_TRADES:
        return
    block = ts // BLOCK_NS
    turned = [one for one in np.unique(block) if contradicted(agrees[block == one], LEAST_BLOCK)]
    held = np.isin(block, turned)
    if not turned and contradicted(agrees, LEAST_TRADES):
        held = np.ones(len(ts), dtype=bool)
    against = held & (agrees < 0)
    if against.sum() > FLIPPED_SHARE * said:
        share = against.sum() / (held & (agrees != 0)).sum()
        message = (
            f"{share:.0%} of {(held & (agrees != 0)).sum():,} stated trade sides contradict the "
            "quotes that stood before them: the sides are the other way round"
        )
        ns, rows = ts[held], int(against.sum())
        yield Finding("sides_flipped", date, int(ns[0]), int(ns[-1]), rows, message)


def _sizes(day: Day, date: str) -> Iterator[Finding]:
    """Yield the half-hours whose trades are in another scale than the day's, as one finding."""
    ts, size = day.trades["ts"].to_numpy(), day.trades["size"].to_numpy()
    if not (size > 0).any():
        return
    block, middle = ts // BLOCK_NS, typical_of(size)
    off = np.zeros(len(ts), dtype=bool)
    for one in np.unique(block):
        inside = block == one
        if inside.sum() >= LEAST_BLOCK:
            factor = typical_of(size[inside]) / middle
            off |= inside & (max(factor, 1 / factor) > SIZE_FACTOR)
    if off.any():
        message = (
            f"{off.sum():,} trades are of {typical_of(size[off]):,.4g} shares typically, the day's "
            f"of {middle:,.4g}"
        )
        ns, rows = ts[off], int(off.sum())
        yield Finding("two_size_scales", date, int(ns[0]), int(ns[-1]), rows, message)
