"""Who knows every book: against brute force, within the band, never dearer than who waits."""

from itertools import product

import numpy as np
import pytest

from solver.execution import Band, BooksToCome, Cells, clairvoyant, waiting_slopes


def books(seed: int, moments: int, columns: int) -> np.ndarray:
    """Return books of which each is a row that never falls."""
    return np.sort(np.random.default_rng(seed).integers(1, 9, (moments, columns)), axis=1) / 1.0


def cost(price: np.ndarray, taken: np.ndarray) -> float:
    return float(sum(row[:cells].sum() for row, cells in zip(price, taken, strict=True)))


@pytest.mark.parametrize("seed", range(12))
def test_equal_to_brute_force(seed: int) -> None:
    moments, shares = 4, 8
    cells = Cells.of(Band(0.3), shares, moments, 100)
    assert cells.step == 1
    price = books(seed, moments, shares)
    best = np.inf
    for taken in product(range(shares + 1), repeat=moments):
        left = shares - np.cumsum(taken)
        inside = (left >= cells.low) & (left <= cells.high)
        if inside.all() and left[-1] == 0:
            best = min(best, cost(price, np.array(taken)))
    found = clairvoyant(price, cells, shares)
    left = shares - np.cumsum(found)
    assert left[-1] == 0
    assert ((left >= cells.low) & (left <= cells.high)).all()
    assert cost(price, found) == pytest.approx(best)


def test_books_that_are_all_alike_are_worked_at_no_more_than_waiting_is_worth() -> None:
    moments, shares = 30, 60
    cells = Cells.of(Band(0.1), shares, moments, 100)
    one = np.arange(1.0, cells.reach + 1.0)
    price = np.tile(one, (moments, 1))
    found = clairvoyant(price, cells, shares)
    assert (found == shares // moments).all()
    books_to_come = BooksToCome(one[None, :], np.array([0]), np.eye(1), np.ones(moments))
    kept = waiting_slopes(books_to_come, cells, 0)[0][0]
    assert kept.min() >= 1.0  # the cheapest level there is
