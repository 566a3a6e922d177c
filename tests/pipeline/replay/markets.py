"""Small tapes that tests write, and an order on them."""

import numpy as np

from models.microstructure.book import Book
from pipeline.engine.sessions import SECOND_NS
from pipeline.replay.curves import SideTape
from pipeline.replay.moments import Clock
from pipeline.replay.replay import Stage, set_stage
from solver import ImpactLaw

T0 = 1_700_000_000 * SECOND_NS
LAW = ImpactLaw(alpha=0.001, k=2.0, gamma=0.002, spread=1.0)


def law_at(times: np.ndarray) -> ImpactLaw:
    """Return the same law at each time."""
    one = np.ones(len(times))
    return ImpactLaw(LAW.alpha * one, LAW.k, 0.0, LAW.gamma, LAW.spread * one, one, one)


def ns(seconds: float) -> int:
    """Return a time in seconds after T0, ns."""
    return T0 + round(seconds * SECOND_NS)


def clock(end: float, interval: float = 10.0, latency: float = 1.0) -> Clock:
    """Return an order's clock from T0 on, seconds."""
    return Clock(T0, ns(end), round(interval * SECOND_NS), round(latency * SECOND_NS))


def stage(tape: SideTape, shares: float, when: Clock) -> Stage:
    """Return an order on a tape whose market is open all along."""
    return set_stage(tape, shares, when, ((ns(-7200), ns(86400)),), law_at)


def random_book(rows: int, seed: int, levels: int = 3) -> tuple[np.ndarray, Book]:
    """Return times half a second apart, from an hour before T0 on, and books that wander."""
    rng = np.random.default_rng(seed)
    ts = T0 - 3600 * SECOND_NS + np.arange(rows) * SECOND_NS // 2
    bid = 10_000 + np.cumsum(rng.integers(-1, 2, rows))
    ask = bid + rng.integers(1, 6, rows)
    step = np.arange(levels)
    sizes = rng.integers(1, 40, (2, rows, levels)).astype(np.float64)
    book = Book(
        bid_px=(bid[:, None] - step) / 100,
        bid_sz=sizes[0],
        ask_px=(ask[:, None] + step) / 100,
        ask_sz=sizes[1],
    )
    return ts, book


def mirrored(book: Book, centre: float) -> Book:
    """Return the book with buyers and sellers exchanged around a price."""
    return Book(2 * centre - book.ask_px, book.ask_sz, 2 * centre - book.bid_px, book.bid_sz)
