"""What stays missing from a book, when an order looks, and how a book goes on."""

import numpy as np
import pytest

from models.microstructure.book import Book
from pipeline.replay.depletion import Holes
from pipeline.replay.moments import Clock
from pipeline.replay.side_tape import SideTape, mid_path
from solver.execution import RUNGS
from tests.pipeline.replay.markets import law_at, ns, random_book

LADDER = np.array([10.0, 11.0, 13.0, 14.0, 15.0])  # two levels shown, three rungs of the law
SIZE = np.array([5.0, 5.0, 8.0, 8.0, 8.0])


def missing(*rows: list[float]) -> list[float]:
    """Return what is left of the ladder after 5 at 10 and 3 at 13 were taken and rows passed."""
    holes = Holes()
    holes.add(LADDER, np.array([5.0, 0.0, 3.0, 0.0, 0.0]), 2, 0)
    for row in rows:
        holes.pass_rows(np.array([row]))
    return holes.left(LADDER, SIZE, 2, 0).tolist()


def test_what_was_taken_is_missing_until_its_price_leaves() -> None:
    taken = [0.0, 5.0, 5.0, 8.0, 8.0]
    assert missing() == taken
    assert missing([10.0, 11.0]) == taken
    assert missing([8.0, 9.0]) == taken  # behind what is shown nothing is known
    assert missing([np.nan, np.nan]) == taken  # nor in a halt
    assert missing([11.0, 12.0]) == [5.0, 5.0, 5.0, 8.0, 8.0]  # the best price went past 10
    assert missing([9.0, 11.0]) == [5.0, 5.0, 5.0, 8.0, 8.0]  # 10 is not between 9 and 11
    assert missing([14.0, 15.0]) == [5.0, 5.0, 8.0, 8.0, 8.0]


def test_what_was_taken_unseen_counts_at_the_level_that_comes_to_stand_there() -> None:
    holes = Holes()
    holes.add(LADDER, np.array([0.0, 0.0, 3.0, 6.0, 0.0]), 2, 0)
    holes.pass_rows(np.array([[12.0, 13.5]]))
    now = np.array([12.0, 13.5, 14.0, 15.0])
    assert holes.left(now, np.array([4.0, 4.0, 2.0, 9.0]), 2, 0).tolist() == [4, 1, 0, 5]


def test_there_are_no_moments_in_breaks_nor_without_time_to_fill() -> None:
    open_at = ((ns(-15), ns(20)), (ns(50), ns(71)))
    times, first = Clock(ns(0), ns(100), 10 * 10**9, 2 * 10**9).moments(open_at)
    assert times.tolist() == [ns(each) for each in (-10, 0, 10, 50, 60)]
    assert first == 1
    later, first = Clock(ns(0), ns(100), 10 * 10**9, 2 * 10**9, 0.5).moments(open_at)
    assert later.tolist() == [ns(each) for each in (-15, -5, 5, 15, 55, 65)]
    assert first == 2


def test_a_book_is_what_had_arrived_and_is_not_too_old() -> None:
    ts, book = random_book(3, 0)
    ts = np.array([ns(0), ns(10), ns(20)])
    empty = book.ask_px.copy()
    empty[1, 0] = np.nan
    tape = SideTape.of(ts, Book(book.bid_px, book.bid_sz, empty, book.ask_sz), 1)
    looks = np.array([ns(-1), ns(0), ns(9), ns(10), ns(19), ns(20), ns(319), ns(320)])
    assert tape.arrived(looks).tolist() == [-1, 0, 0, -1, -1, 2, 2, -1]
    path = mid_path([(tape.ts, tape.mid)])
    assert np.isnan(path.at(looks)).tolist() == [1, 0, 0, 1, 1, 0, 0, 1]


def test_curves_never_fall_and_end_on_the_law() -> None:
    ts, book = random_book(200, 1)
    for sign in (1, -1):
        tape = SideTape.of(ts, book, sign)
        made = tape.ladders(np.arange(200), law_at(ts), 5_000.0)
        assert made.over.shape == (200, 3 + RUNGS)
        assert (np.diff(made.over, axis=1) >= 0).all()
        assert made.over[:, 0] == pytest.approx(tape.spread / 2)
        assert made.size[:, 3:].sum(axis=1) == pytest.approx(np.full(200, 5_000.0))
        depth = made.size[:, :3].sum(axis=1)
        # beyond its depth the book costs what the law adds: its marginal cost is the higher one
        law = (5_000 + 0.001 * (depth + 5_000) ** 2) - 0.001 * depth**2
        assert (made.over[:, 3:] * made.size[:, 3:]).sum(axis=1) == pytest.approx(law)
