"""Which rows of a day's tape lie beyond what the tape itself supports."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.microstructure.book import Book

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
PRICE_FACTOR = 5.0  # between a price and the day's level, where the day's own moves are small
DAY_SIGMAS = 10.0  # of the day's moves, where those are larger
BLOCK_FACTOR = (
    1_000.0  # between a size and the 99.9 % quantile of sizes: no block trade is as large
)
SCALE_FACTOR = 100.0  # between a book's typical size and the day's
DEVIATIONS = 6.0  # robust ones of typical sizes, where those vary more
NEAR, SMALLER = 21, 10.0  # snapshots about one whose book is that much smaller than the bound
TOP = 0.999
NORMAL = 1.4826  # standard deviations in a median absolute deviation of a normal
MOSTLY = 0.95  # of prices above zero: below it a market's prices may be negative
MOST_ROWS = 200_000  # of a day that its bounds are taken from, evenly spread over it


@dataclass(frozen=True)
class RowBounds:
    """What a day supports of its rows.

    price_low, price_high: currency; trade_size, level_size: the most shares of one trade and of one
    level; typical_size: the most shares that the levels of one book are of, as a geometric mean.
    """

    price_low: float
    price_high: float
    trade_size: float
    level_size: float
    typical_size: float


@dataclass(frozen=True, eq=False)
class BookFlags:
    """Which snapshots are beyond the bounds, and why.

    Shapes: price, scaled (a price with both sides off the same way), size, depth (n,); far_bid,
    far_ask (n, L): deeper levels at prices that no walk of the book would pay.
    """

    price: Flags
    scaled: Flags
    size: Flags
    depth: Flags
    far_bid: Flags
    far_ask: Flags

    @property
    def beyond(self) -> Flags:
        """Return which snapshots are to be left out, (n,)."""
        return self.price | self.size | self.depth


def price_band(price: Floats, grid: Floats) -> tuple[float, float]:
    """Return the least and the largest credible price of a day.

    price: (n,) mids of the snapshots, NaN where a side is unknown; grid: (m,) the mid that stands
    minute by minute, NaN where none does. A price is credible within a factor of 5 of the day's
    median, or within ten of the day's own standard deviations where that is more: the deviation is
    of the median absolute move a minute, which a few wrong rows do not bend. Where prices are not
    all above zero the band is of differences: four times the level or fifty deviations.
    """
    price = price[np.isfinite(price)]
    if not len(price):
        return -np.inf, np.inf
    level = float(np.median(price))
    if level > 0 and (price > 0).mean() >= MOSTLY:
        moves = np.diff(np.log(np.where(grid > 0, grid, np.nan)))
        reach = np.exp(max(np.log(PRICE_FACTOR), DAY_SIGMAS * _day_sigma(moves)))
        return level / reach, level * reach
    wide = max((PRICE_FACTOR - 1) * abs(level), 5 * DAY_SIGMAS * _day_sigma(np.diff(grid)))
    return (level - wide, level + wide) if wide > 0 else (-np.inf, np.inf)


def _day_sigma(moves: Floats) -> float:
    known = np.abs(moves[np.isfinite(moves)])
    return float(NORMAL * np.median(known) * np.sqrt(len(moves))) if len(known) else 0.0


def largest_size(size: Floats, least: float) -> float:
    """Return the most credible size: a thousand times the 99.9 % quantile of the credible ones.

    size: (n,) shares; least: what counts as ordinary at the least. The bound rises from the median
    until it holds itself, so that a few absurd sizes have no part in it.
    """
    some = np.sort(size[size > 0])
    if not len(some):
        return np.inf
    bound = BLOCK_FACTOR * max(float(np.median(some)), least)
    while True:
        top = float(np.quantile(some[some <= bound], TOP))
        higher = BLOCK_FACTOR * max(top, least)
        if higher <= bound:
            return bound
        bound = higher


def typical_sizes(book: Book) -> Floats:
    """Return the geometric mean of each snapshot's level sizes, (n,), 1 where none is shown.

    One large order moves it little; a book in another unit moves it in full.
    """
    size = np.concatenate([book.bid_sz, book.ask_sz], axis=1)
    shown = size > 0
    logs = np.log(np.where(shown, size, 1.0)).sum(axis=1)
    return np.asarray(np.exp(logs / np.maximum(shown.sum(axis=1), 1)))


def row_bounds(book: Book, grid: Floats, trade_size: Floats) -> RowBounds:
    """Return the bounds of a day's rows.

    book: (n, L) with n > 0; grid: (m,) the mid minute by minute; trade_size: (t,) shares. A trade
    is also credible up to the volume of all smaller ones, or a thousand times the book's size.
    """
    every = slice(None, None, max(len(book.bid_px) // MOST_ROWS, 1))
    part = Book(book.bid_px[every], book.bid_sz[every], book.ask_px[every], book.ask_sz[every])
    low, high = price_band(part.mid, grid)
    typical = np.log(typical_sizes(part))[np.isfinite(part.mid)]
    middle = float(np.median(typical))
    apart = NORMAL * float(np.median(np.abs(typical - middle)))
    trade = largest_size(trade_size, float(np.exp(middle)))
    return RowBounds(
        price_low=low,
        price_high=high,
        trade_size=max(trade, float(trade_size[trade_size <= trade].sum())),
        level_size=largest_size(np.concatenate([part.bid_sz, part.ask_sz], axis=1).ravel(), 0.0),
        typical_size=float(np.exp(middle + max(np.log(SCALE_FACTOR), DEVIATIONS * apart))),
    )


def flag_book(book: Book, bounds: RowBounds) -> BookFlags:
    """Return which snapshots and which of their deeper levels are beyond the bounds."""
    low, high = bounds.price_low, bounds.price_high
    bid, ask = book.bid_px[:, 0], book.ask_px[:, 0]
    largest = np.maximum(book.bid_sz.max(axis=1), book.ask_sz.max(axis=1))
    far = [(side < low) | (side > high) for side in (book.bid_px, book.ask_px)]
    far_bid, far_ask = (np.maximum.accumulate(each, axis=1) for each in far)
    return BookFlags(
        price=far_bid[:, 0] | far_ask[:, 0],
        scaled=(bid > high) | (ask < low),
        size=largest > bounds.level_size,
        depth=_scaled(typical_sizes(book), bounds.typical_size),
        far_bid=far_bid,
        far_ask=far_ask,
    )


def _scaled(typical: Floats, bound: float) -> Flags:
    """Return which books are in another scale: beyond the bound, or nearly so among such."""
    beyond = typical > bound
    if not beyond.any():
        return beyond
    about = np.convolve(beyond, np.ones(NEAR), mode="same") > NEAR / 2
    return beyond | (about & (typical > bound / SMALLER))
