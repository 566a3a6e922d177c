"""The tape of a book that moves within the minute, and the states behind it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.simulation.book_chain import MovingBook
from models.simulation.market import (
    LEVELS,
    TICK,
    DayTape,
    DrawnTrades,
    MarketConfig,
    draw_trades,
    price_moves,
    simulate_truth,
    stream,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SECOND_NS = 1_000_000_000
MOST_MISSING = 0.9  # of a side: trades leave a tenth of it
MOVING = 3  # the random stream of these tapes, beside the market's own


@dataclass(frozen=True, eq=False)
class MovingDay:
    """One symbol-day's tape and the truth at each of its books. Shapes: (n, 4), (n, 2).

    levels: of the chain's factors; missing: shares that trades have left missing, of bid and ask.
    """

    tape: DayTape
    levels: Ints
    missing: Floats

    def rows_at(self, times: Ints) -> Ints:
        """Return the book that stands at each time, ns after the open."""
        return np.searchsorted(self.tape.quote_ns, times, side="right") - 1


def simulate_moving_day(market: MarketConfig, book: MovingBook, index: int, day: int) -> MovingDay:
    """Make the tape of symbol `index` on day number `day`; days can be made in any order.

    Trades, the efficient price and permanent impact are as in `simulate_day`. Every change of a
    factor is on the tape at its time, so that each book is a function of the chain's state, of what
    is missing and of noise that is independent from book to book. A trade leaves its size missing
    from the side it hit, from each level the same share.
    """
    truth = simulate_truth(market, index)
    draw, path = stream(market.seed, MOVING, index, day), truth.days[day]
    end_ns = len(path.eta) * market.period_ns
    trades = draw_trades(draw, path.volume, market.period_ns)
    factors = [_factor(draw, *one, end_ns) for one in zip(book.shape, book.rates, strict=True)]
    refreshes = draw.integers(1, end_ns, draw.poisson(end_ns / SECOND_NS / book.update))
    changes = [times for times, _ in factors]  # the first is the open, at which a book stands
    quote_ns = np.concatenate([*changes[:1], refreshes, *(each[1:] for each in changes[1:])])
    pushes = truth.gamma * trades.sign * trades.size
    jumps = np.concatenate([np.zeros(len(quote_ns)), pushes])
    quote_ns = np.concatenate([quote_ns, trades.reply_ns])
    order = np.argsort(quote_ns, kind="stable")
    quote_ns = quote_ns[order]
    moves = price_moves(draw, path.eta, market.period_ns, quote_ns) + jumps[order]
    price = truth.open_prices[day] + np.cumsum(moves)
    standing = [np.searchsorted(times, quote_ns, side="right") - 1 for times in changes]
    levels = np.column_stack(
        [level[rows] for (_, level), rows in zip(factors, standing, strict=True)]
    )
    missing = np.column_stack([_missing(book, trades, sign, quote_ns) for sign in (-1, 1)])
    spread, depth = book.spread_and_depth(levels)
    best_bid = np.rint(price / TICK - spread / 2).astype(np.int64)
    away = np.arange(LEVELS)
    tape = DayTape(
        quote_ns=quote_ns,
        bid_px=best_bid[:, None] - away,
        ask_px=(best_bid + spread)[:, None] + away,
        bid_sz=_sizes(draw, book, depth, missing[:, 0]),
        ask_sz=_sizes(draw, book, depth, missing[:, 1]),
        trade_ns=trades.ns,
        trade_size=trades.size.astype(np.int64),
        trade_sign=trades.sign,
    )
    return MovingDay(tape, levels, missing)


def _sizes(draw: np.random.Generator, book: MovingBook, depth: Floats, missing: Floats) -> Ints:
    """Draw one side's sizes, (n, LEVELS): the mean ones times noise, less what is missing.

    The best level always holds a share, and so do those behind it, so that the spread stays the
    planted one.
    """
    normal = draw.standard_normal((len(depth), LEVELS))
    whole = depth[:, None] * book.weights * np.exp(book.noise * normal - book.noise**2 / 2)
    gone = np.minimum(missing / whole.sum(axis=1), MOST_MISSING)
    return np.maximum(np.rint(whole * (1 - gone[:, None])), 1).astype(np.int64)


def _factor(draw: np.random.Generator, states: int, rate: float, end_ns: int) -> tuple[Ints, Ints]:
    """Draw a factor's path from its stationary law: times from 0 on (ns) and the level from each.

    It counts states - 1 coins that are each turned at `rate` / 2, which is the urn's chain.
    """
    times, changes, start = [], [], 0
    for _ in range(states - 1):
        up = int(draw.integers(2))
        turns = draw.poisson(rate / 2 * end_ns / SECOND_NS)
        times.append(np.sort(draw.integers(1, end_ns, turns)))
        changes.append((1 - 2 * up) * (1 - 2 * (np.arange(turns) % 2)))
        start += up
    every = np.concatenate([np.empty(0, dtype=np.int64), *times])
    order = np.argsort(every, kind="stable")
    steps = np.concatenate([np.empty(0, dtype=np.int64), *changes])[order]
    return np.append(0, every[order]), np.append(start, start + np.cumsum(steps))


def _missing(book: MovingBook, trades: DrawnTrades, sign: int, quote_ns: Ints) -> Floats:
    """Return what is missing of the side that trades of this sign hit, at each book, shares."""
    hit = np.flatnonzero(trades.sign == sign)
    hit = hit[np.argsort(trades.reply_ns[hit], kind="stable")]
    if not len(hit) or not book.taken:
        return np.zeros(len(quote_ns))
    times, size = trades.reply_ns[hit], book.taken * trades.size[hit]
    kept = np.exp2(-np.diff(times, prepend=times[0]) / SECOND_NS / book.refill)
    after, hole = np.empty(len(hit)), 0.0
    for place in range(len(hit)):
        hole = min(hole * kept[place] + size[place], MOST_MISSING * book.depth)
        after[place] = hole
    last = np.searchsorted(times, quote_ns, side="right") - 1
    since = (quote_ns - times[np.maximum(last, 0)]) / SECOND_NS
    return np.where(last >= 0, after[last] * np.exp2(-np.maximum(since, 0.0) / book.refill), 0.0)
