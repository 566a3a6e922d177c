"""Updated cross products against sums formed again, with rows large enough to cancel digits."""

import numpy as np
import pytest

from models.forecast.daily.sliding import sliding_products, solve_products


@pytest.mark.parametrize("window", [1, 7, 40])
def test_every_window_equals_its_own_sum(window: int):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(150, 4))
    rows[60] *= 1e9  # downdating by subtraction would leave an error of 1e18 * 1e-16
    moving = sliding_products(rows[:20], window)
    for end in range(20, 150):
        last = rows[max(0, end - window) : end] if end - window >= 0 else rows[:end]
        np.testing.assert_allclose(
            moving.total, last.T @ last, rtol=1e-12, atol=1e-12 * np.abs(last.T @ last).max()
        )
        if 60 not in range(end - window, end):
            assert np.abs(moving.total).max() < 1e4
        moving = moving.push(rows[end])


def test_a_window_that_is_not_full_grows():
    rows = np.random.default_rng(1).normal(size=(30, 3))
    moving = sliding_products(rows[:2], 10)
    for end in range(2, 30):
        last = rows[max(0, end - 10) : end]
        np.testing.assert_allclose(moving.total, last.T @ last, rtol=1e-12)
        moving = moving.push(rows[end])


def test_the_solution_is_least_squares_and_the_shortest_one_when_columns_repeat():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(50, 3)) * [1, 1e4, 1e-4], rng.normal(size=50)
    rows = np.column_stack([x, y])
    np.testing.assert_allclose(
        solve_products(rows.T @ rows), np.linalg.lstsq(x, y, rcond=None)[0], rtol=1e-9
    )
    twice = np.column_stack([x[:, 0], x[:, 0], y])
    found = solve_products(twice.T @ twice)
    assert found[0] == pytest.approx(found[1])
    assert found.sum() == pytest.approx(x[:, 0] @ y / (x[:, 0] @ x[:, 0]))
