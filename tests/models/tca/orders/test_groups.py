"""Groups of orders: their sums are the book's; intervals and tests hold what they say."""

import numpy as np
import pytest

from models.tca.orders.groups import middle, modified_z, ratio_of_sums, sign_test


def days(rng: np.random.Generator, count: int = 15, orders: int = 12) -> np.ndarray:
    return np.repeat(np.arange(count), orders)


def test_weighted_ratios_of_groups_are_the_books() -> None:
    rng = np.random.default_rng(0)
    cost, notional = rng.normal(size=300), rng.uniform(1, 9, 300)
    group, day = rng.integers(0, 4, 300), rng.integers(0, 10, 300)
    whole = ratio_of_sums(cost, notional, day)
    parts = [
        ratio_of_sums(cost[group == g], notional[group == g], day[group == g]) for g in range(4)
    ]
    weights = np.bincount(group, notional) / notional.sum()
    assert weights @ [part.value for part in parts] == pytest.approx(whole.value, abs=1e-9)


def test_intervals_hold_the_truth_where_orders_of_a_day_are_alike() -> None:
    rng, held, median_held, count = np.random.default_rng(1), 0, 0, 400
    for _ in range(count):
        day = days(rng)
        cost = 5 + rng.normal(size=15)[day] + rng.normal(size=len(day))
        notional = rng.uniform(1, 3, len(day))
        found = ratio_of_sums(cost * notional, notional, day, unit=1.0)
        held += found.low <= 5 <= found.high
        other = middle(cost, day)
        median_held += other.low <= 5 <= other.high
    assert 0.92 <= held / count <= 0.98
    assert 0.91 <= median_held / count <= 0.99


def test_the_sign_test_rejects_as_often_as_it_says_and_sees_what_is_there() -> None:
    rng, rejected, seen, count = np.random.default_rng(2), 0, 0, 600
    for _ in range(count):
        day = days(rng, 10)
        common = rng.normal(size=10)[day]
        rejected += sign_test(common + rng.normal(size=len(day)), day) < 0.05
        seen += sign_test(1.5 + common + rng.normal(size=len(day)), day) < 0.05
    assert rejected / count < 0.075
    assert seen / count > 0.9


def test_one_day_has_no_error() -> None:
    found = ratio_of_sums(np.ones(5), np.ones(5), np.zeros(5, int))
    assert found.value == 1e4
    assert np.isnan(found.error)
    assert np.isnan(found.low)


def test_an_outlier_stands_out_of_its_own_scale() -> None:
    rng = np.random.default_rng(3)
    cost = rng.normal(10, 2, 500)
    cost[7] = 100.0
    z = modified_z(cost)
    assert z[7] > 30
    assert (np.abs(np.delete(z, 7)) > 3.5).mean() < 0.01
    assert np.isnan(modified_z(np.ones(4))).all()
