"""The slope of the mid's move on the book's pressure: planted, absent, and blind to the future."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter

from models.forecast.book import BookMoves, book_moves, fit_mid_move
from models.microstructure.book import Book

BLOCK = 90  # times ten seconds apart in a quarter of an hour
SECOND_NS = 1_000_000_000


def made(seed: int, slope: float, times: int = 14 * BLOCK) -> tuple[BookMoves, np.ndarray]:
    """Return pressure that lasts about a minute, moves that overlap as 30 s in steps of 10 do."""
    rng = np.random.default_rng(seed)
    pressure = 0.5 * np.tanh(lfilter([0.5], [1.0, -0.85], rng.standard_normal(times)))
    noise = np.convolve(rng.standard_normal(times + 2), np.ones(3), "valid")
    return BookMoves(pressure, slope * pressure + noise), np.arange(times) // BLOCK


def test_a_planted_slope_is_found_within_its_error() -> None:
    fits = [fit_mid_move(*made(seed, 1.5)) for seed in range(100)]
    off = np.array([(one.estimate - 1.5) / one.standard_error for one in fits])
    assert (np.abs(off) < 2.2).mean() >= 0.9  # of t by 13 blocks
    assert abs(off.mean()) < 3 / np.sqrt(len(off))
    kept = [one for one in fits if one.slope]
    assert len(kept) > 50
    assert all(0 < one.slope < one.estimate for one in kept)


def test_shuffled_moves_leave_nothing() -> None:
    nothing = 0
    for seed in range(200):
        moves, block = made(seed, 1.5)
        order = np.random.default_rng(seed + 1000).permutation(len(block))
        nothing += fit_mid_move(replace(moves, move=moves.move[order]), block).slope == 0
    assert nothing >= 190


def test_what_predicts_early_but_not_late_is_no_forecast() -> None:
    moves, block = made(0, 1.5)
    turned = np.where(block < 7, 1.0, -1.0) * moves.move
    found = fit_mid_move(replace(moves, move=turned), block)
    assert found.r2_out_of_sample < 0 == found.slope


def test_too_few_blocks_and_empty_books_say_nothing() -> None:
    moves, block = made(0, 1.5, 9 * BLOCK)
    flat = replace(moves, pressure=np.zeros(len(block)))
    for few, labels in ((moves, block), (flat, np.arange(len(block)) // 45)):
        found = fit_mid_move(few, labels)
        assert found.slope == 0
        assert np.isnan([found.estimate, found.r2_out_of_sample]).all()
        assert found.n == len(block)


def test_times_that_are_not_known_are_counted_and_change_nothing() -> None:
    moves, block = made(1, 1.5)
    more = BookMoves(np.append(moves.pressure, [np.nan, 1.0]), np.append(moves.move, [1.0, np.nan]))
    found = fit_mid_move(more, np.append(block, [13, 13]))
    assert found.excluded == 2
    assert replace(found, excluded=0) == fit_mid_move(moves, block)


def books(rows: int, seed: int) -> tuple[np.ndarray, Book]:
    """Return a book every other second."""
    rng = np.random.default_rng(seed)
    bid = 100 + np.cumsum(rng.integers(-1, 2, rows))[:, None] * 0.01
    ask = bid + rng.integers(1, 5, (rows, 1)) * 0.01
    sizes = rng.integers(1, 100, (2, rows, 1)).astype(float)
    return np.arange(rows) * 2 * SECOND_NS, Book(bid, sizes[0], ask, sizes[1])


def test_pressure_is_the_weighted_mid_less_the_mid_and_moves_are_of_the_next_thirty_seconds() -> (
    None
):
    ts, book = books(100, 0)
    times = np.array([-1, 1, 20 * SECOND_NS, ts[-1] - 30 * SECOND_NS, ts[-1] + 400 * SECOND_NS])
    found = book_moves(ts, book, times)
    bid, ask = book.bid_sz[:, 0], book.ask_sz[:, 0]
    weighted = (book.bid_px[:, 0] * ask + book.ask_px[:, 0] * bid) / (bid + ask)
    rows = [0, 10, 84]
    assert found.pressure[1:4] == pytest.approx((weighted - book.mid)[rows], abs=1e-12)
    assert found.move[1:4] == pytest.approx(book.mid[[15, 25, 99]] - book.mid[rows])
    assert np.isnan(found.pressure[[0, 4]]).all()


def test_the_tape_after_a_time_changes_nothing_of_what_was_known_by_it() -> None:
    ts, book = books(5000, 1)
    other = books(5000, 2)[1]
    cut = 2500
    changed = Book(*(np.vstack([getattr(book, name)[:cut], getattr(other, name)[cut:]])
                     for name in ("bid_px", "bid_sz", "ask_px", "ask_sz")))  # fmt: skip
    times = np.arange(0, ts[-1], 10 * SECOND_NS)
    known = times + 30 * SECOND_NS < ts[cut]
    block = times // (300 * SECOND_NS)
    fits = []
    for one in (book, changed):
        found = book_moves(ts, one, times)
        assert len(found.move) == len(times)
        past = BookMoves(found.pressure[known], found.move[known])
        fits.append(fit_mid_move(past, block[known]))
    assert fits[0] == fits[1]
    assert fits[0].n == known.sum()
