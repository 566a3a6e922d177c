"""What predicting the mid from the book is worth to a policy, fitted on earlier tape."""

from dataclasses import dataclass

import numpy as np
import pytest

from models.forecast.book import book_moves, fit_mid_move
from models.microstructure.book import Book
from pipeline.engine.sessions import SECOND_NS
from pipeline.replay.loop import Replayed
from pipeline.replay.side_tape import SideTape
from solver.execution import TakeOrWait
from tests.pipeline.replay.markets import BAND, T0, clock, order, work_all

EARLIER, LATER = 1_080, 240  # books, one every ten seconds: three hours, then the order
SHARES = 12_000.0  # half of what stands at the best prices


@dataclass(frozen=True)
class Tape:
    """A tape from three hours before T0 on."""

    ts: np.ndarray
    book: Book

    @property
    def slope(self) -> float:
        """Return the slope fitted on what was before T0."""
        times = self.ts[self.ts < T0 - 40 * SECOND_NS]
        return fit_mid_move(book_moves(self.ts, self.book, times), times // (900 * SECOND_NS)).slope

    def worked(self, sign: int, slope: float) -> dict[str, Replayed]:
        """Replay a policy that heeds the slope and one that does not, by name."""
        made = order(SideTape.of(self.ts, self.book, sign), SHARES, clock(10.0 * LATER))
        every = {"heeds": TakeOrWait(mid_move=slope), "plain": TakeOrWait()}
        return {name: run for (name, _), run in work_all(made, every, BAND)[0].done.items()}


def tape(seed: int, follows: float) -> Tape:
    """Return books whose mid moves by so much of their pressure until the next, and by noise."""
    rng, rows = np.random.default_rng(seed), EARLIER + LATER
    tilt, half = rng.uniform(-0.9, 0.9, rows), rng.choice([0.01, 0.02, 0.05], rows)
    moves = follows * tilt * half + 0.004 * rng.standard_normal(rows)
    mid = (100.0 + np.cumsum(moves) - moves)[:, None]
    step = half[:, None] + [[0.0, 0.2]]
    size = 100.0 * np.column_stack([np.ones(rows), np.full(rows, 1e4)])
    bid, ask = size.copy(), size.copy()
    bid[:, 0] *= 1 + tilt
    ask[:, 0] *= 1 - tilt
    ts = T0 + (np.arange(-EARLIER, LATER) * 10 - 2) * SECOND_NS
    return Tape(ts, Book(mid - step, bid, mid + step, ask))


def realized(run: Replayed) -> float:
    """Return what was paid over the mid that came half a minute later, bps."""
    return run.parts.over_mid - run.markouts[30]


def test_where_the_mid_follows_the_book_heeding_it_saves() -> None:
    saved = []
    for seed in range(4):
        made = tape(seed, 1.0)
        assert made.slope == pytest.approx(1.0, abs=0.3)
        for sign in (1, -1):
            done = made.worked(sign, made.slope)
            plain, heeds = (
                run.parts.over_mid - run.pressure_bps for run in (done["plain"], done["heeds"])
            )
            assert heeds < plain  # over the mid that the planted slope lets expect
            saved.append(realized(done["plain"]) - realized(done["heeds"]))
    assert np.mean(saved) > 3 * np.std(saved, ddof=1) / np.sqrt(len(saved))


def test_where_the_book_says_nothing_nothing_is_lost() -> None:
    slopes = [tape(seed, 0.0).slope for seed in range(20)]
    assert slopes.count(0.0) >= 19
    made = tape(slopes.index(0.0), 0.0)
    done = made.worked(1, 0.0)
    assert done["heeds"].sent.shares.tolist() == done["plain"].sent.shares.tolist()
    assert done["heeds"].sent.limit.tolist() == done["plain"].sent.limit.tolist()
    assert realized(done["heeds"]) == realized(done["plain"])
