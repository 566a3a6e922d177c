"""Walks of the book: what taking each size from it costs, averaged over the time of each period."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.microstructure.book import Book
from models.microstructure.standing import Segments
from models.microstructure.walking import Continuation, continuation, continued_walk, spacing

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CHUNK_ROWS = 32_768
SIDES = {1: "ask", -1: "bid"}  # a buy walks the ask
MEASURED = ("excess", "censored")
LEAST_LEVELS = 2  # of a book that goes on behind them: one level has no gap to the next


@dataclass(frozen=True)
class Chunk:
    """A chunk of snapshots: the number of the first, their books, and the time that they stood.

    stood: rows count from the chunk's first; those without a two-sided book are left out.
    """

    first: int
    book: Book
    stood: Segments


def chunks(quotes: pl.DataFrame, parts: Segments) -> Iterator[Chunk]:
    """Yield the day's books a chunk of rows at a time."""
    for first in range(0, max(len(quotes), 1), CHUNK_ROWS):
        book = book_of(quotes.slice(first, CHUNK_ROWS))
        row = parts.row - first
        some = (row >= 0) & (row < len(book.bid_px))
        some[some] = np.isfinite(book.mid[row[some]])
        yield Chunk(first, book, Segments(row[some], parts.period[some], parts.seconds[some]))


def levels_of(quotes: pl.DataFrame) -> int:
    """Return how many levels the snapshots have."""
    return sum(name.startswith("bid_px_") for name in quotes.columns)


def book_of(quotes: pl.DataFrame) -> Book:
    """Return the snapshots as arrays."""
    levels = range(levels_of(quotes))
    return Book(
        **{
            name: quotes.select(f"{name}_{level}" for level in levels).to_numpy()
            for name in ("bid_px", "bid_sz", "ask_px", "ask_sz")
        }
    )


def add_by_period(totals: dict[str, Floats], name: str, value: Floats, period: Ints) -> None:
    """Add rows, (m, columns), to the sums of their periods; periods of the rows never fall."""
    if len(period):
        starts = np.flatnonzero(np.diff(period, prepend=-1))
        totals[name][period[starts]] += np.add.reduceat(value, starts, axis=0)


def cuts(levels: int) -> dict[str, int]:
    """Return how many levels are walked, by the prefix of their columns: all, and half of them."""
    half = -(-levels // 2)
    return {"": levels} | ({"cut_": half} if LEAST_LEVELS <= half < levels else {})


def walk_sums(
    quotes: pl.DataFrame, parts: Segments, wanted: Floats, periods: int
) -> dict[str, Floats]:
    """Return the integrals over time of each size's walk and of the time it was censored.

    wanted: (S,) shares. By cut ("" or "cut_"), name ("excess", "censored") and side (1, -1), as
    "cut_excess_-1": (periods, S), currency seconds and seconds.
    """
    levels = levels_of(quotes)
    behind = _behind(quotes, parts, periods, levels)
    keys = [f"{cut}{name}_{side}" for cut in cuts(levels) for name in MEASURED for side in SIDES]
    totals = {key: np.zeros((periods, len(wanted))) for key in keys}
    for part in chunks(quotes, parts):
        row, period, seconds = part.stood.row, part.stood.period, part.stood.seconds[:, None]
        for cut, number in cuts(levels).items():
            for side, letters in SIDES.items():
                price, size = _side(part.book, letters, number, row)
                cost = continued_walk(price, size, wanted, behind[cut, side].take(period))
                short = size.sum(axis=1)[:, None] < wanted
                for name, value in zip(MEASURED, (cost, short), strict=True):
                    add_by_period(totals, f"{cut}{name}_{side}", value * seconds, period)
    return totals


def _side(book: Book, side: str, levels: int, row: Ints) -> tuple[Floats, Floats]:
    price, size = (getattr(book, f"{side}_{name}") for name in ("px", "sz"))
    return price[row, :levels], size[row, :levels]


def _behind(
    quotes: pl.DataFrame, parts: Segments, periods: int, levels: int
) -> dict[tuple[str, int], Continuation]:
    """Return by cut and side what stands behind the last level, of shape (periods,).

    It follows from the period's mean levels and gap. Where one level was shown all along the gap is
    the spread; a file of one level has none, and a walk of it goes on at the best price.
    """
    keys = [(cut, side) for cut in cuts(levels) for side in SIDES]
    totals = {"spread": np.zeros((periods, 2))}
    for cut, side in keys:
        totals[f"gap_{cut}{side}"] = np.zeros((periods, 2))
    for side in SIDES:
        totals[f"shares_{side}"] = np.zeros((periods, levels))
        totals[f"shown_{side}"] = np.zeros((periods, levels))
    for part in chunks(quotes, parts):
        row, period, seconds = part.stood.row, part.stood.period, part.stood.seconds[:, None]
        spread = (part.book.ask_px[row, 0] - part.book.bid_px[row, 0])[:, None]
        add_by_period(totals, "spread", np.hstack([spread * seconds, seconds]), period)
        for cut, side in keys:
            price, size = _side(part.book, SIDES[side], cuts(levels)[cut], row)
            _, gap = spacing(price)
            known = np.isfinite(gap)
            held = np.column_stack([np.where(known, gap, 0.0), known])
            add_by_period(totals, f"gap_{cut}{side}", held * seconds, period)
            if not cut:
                add_by_period(totals, f"shares_{side}", size * seconds, period)
                add_by_period(totals, f"shown_{side}", (size > 0) * seconds, period)
    spread = _ratio(*totals["spread"].T)
    found = {}
    for cut, side in keys:
        gap = _ratio(*totals[f"gap_{cut}{side}"].T)
        gap = np.where(np.isnan(gap), spread, gap) * (levels >= LEAST_LEVELS)
        shares = _ratio(totals[f"shares_{side}"], totals[f"shown_{side}"])
        found[cut, side] = continuation(shares[:, : cuts(levels)[cut]], gap)
    return found


def _ratio(total: Floats, time: Floats) -> Floats:
    return np.divide(total, time, out=np.full(total.shape, np.nan), where=time > 0)
