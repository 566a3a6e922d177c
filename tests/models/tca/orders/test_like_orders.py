"""Brokers compared on like orders: no confounding by size, errors that hold."""

import numpy as np
import pytest

from models.tca.orders.like_orders import compare_like, strata


def orders(rng: np.random.Generator, better: float) -> tuple[np.ndarray, ...]:
    """Return cost, whether of the first broker, size, day: the first gets the large orders."""
    count = 600
    size = rng.integers(0, 3, count)
    day = rng.integers(0, 20, count)
    first = rng.random(count) < np.array([0.2, 0.5, 0.8])[size]
    cost = 10.0 * size - better * first + 2 * rng.normal(size=20)[day] + rng.normal(0, 5, count)
    return cost, first, size, day


def test_size_is_no_merit_and_intervals_hold() -> None:
    rng, held, rejected, count = np.random.default_rng(0), 0, 0, 200
    found = []
    for _ in range(count):
        cost, first, size, day = orders(rng, 3.0)
        one = compare_like(cost, first, ~first, size, day)
        found.append(one.difference)
        held += abs(one.difference + 3.0) <= one.reach
        same, mine, size, day = orders(rng, 0.0)
        rejected += compare_like(same, mine, ~mine, size, day).p < 0.05
    assert np.mean(found) == pytest.approx(-3.0, abs=4 * np.std(found) / np.sqrt(count))
    assert 0.91 <= held / count <= 0.985
    assert rejected / count <= 0.09


def test_it_is_least_squares_with_a_constant_a_cell() -> None:
    cost, first, size, day = orders(np.random.default_rng(5), 1.0)
    design = np.column_stack([first, *(size == each for each in range(3))]).astype(float)
    slope = np.linalg.lstsq(design, cost, rcond=None)[0][0]
    assert compare_like(cost, first, ~first, size, day).difference == pytest.approx(slope)


def test_orders_without_a_like_one_are_counted() -> None:
    cost = np.array([1.0, 2.0, 3.0, 4.0])
    first = np.array([True, False, True, True])
    found = compare_like(cost, first, ~first, np.array([0, 0, 1, 2]), np.array([0, 1, 2, 3]))
    assert (found.first, found.second, found.alone) == (1, 1, 2)
    assert found.difference == -1.0


def test_strata_cut_numbers_and_keep_labels_and_the_unknown_apart() -> None:
    size = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, np.nan])
    side = np.array([0, 0, 0, 0, 0, 1, 1])
    found = strata([size, side])
    assert len(np.unique(found)) == 5
    assert found[0] == found[1] != found[2]
    assert found[6] not in found[:6]
