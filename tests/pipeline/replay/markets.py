"""Small tapes that tests write, and an order on them."""

from dataclasses import dataclass, replace

import numpy as np

from models.microstructure.book import Book
from models.tca.mid_path import MidPath
from pipeline.engine.sessions import SECOND_NS
from pipeline.replay.books import Stage
from pipeline.replay.depletion import Holes
from pipeline.replay.loop import Accounting, Replayed
from pipeline.replay.moments import Clock
from pipeline.replay.replay import NO_PRINTS, Contest, Played, Prints, replay, set_stage
from pipeline.replay.side_tape import COLUMNS, SideTape
from solver import ImpactLaw
from solver.execution import Band, Learning, Policy

T0 = 1_700_000_000 * SECOND_NS
BAND, BY_PRICE = Band(), Accounting(Holes)
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


@dataclass(frozen=True, eq=False)
class Order:
    """An order on a tape whose market is open all along."""

    tape: SideTape
    stage: Stage

    @property
    def moments(self) -> int:
        return self.stage.moments

    @property
    def seen(self) -> np.ndarray:
        """Return the row that stood at each of the order's moments."""
        return self.tape.arrived(self.stage.times[self.stage.first :])


def order(tape: SideTape, shares: float, when: Clock, prints: Prints = NO_PRINTS) -> Order:
    """Return an order of the tape's side."""
    span = ((ns(-7200), ns(86400)),)
    return Order(tape, set_stage(tape.sign, shares, when, span, law_at, prints))


def work(
    made: Order,
    policy: Policy | Learning,
    band: Band = BAND,
    how: Accounting = BY_PRICE,
    rows: int = 10**9,
) -> Replayed:
    """Replay the order under one policy, the tape coming in batches of some rows."""
    return work_all(made, {"one": policy}, band, how, rows)[0].done["one", "how"]


def work_all(
    made: Order,
    policies: dict[str, Policy | Learning],
    band: Band = BAND,
    how: Accounting = BY_PRICE,
    rows: int = 10**9,
) -> tuple[Played, MidPath]:
    """Replay the order under several policies."""
    whole = made.tape
    batches = (
        replace(
            whole.since(first),
            **{name: getattr(whole, name)[first : first + rows] for name in COLUMNS},
        )
        for first in range(0, len(whole.ts), rows)
    )
    played, path = replay(batches, [Contest(made.stage, policies, {"how": how}, band)])
    return played[0], path


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
