"""Walks by hand, and books cut to fewer levels against what the levels cut off show."""

import numpy as np
import pytest

from models.microstructure.walking import (
    Continuation,
    continuation,
    continued_walk,
    spacing,
    walk,
)


def test_a_walk_goes_on_behind_the_last_level():
    """Asks 10.00 x 100, 10.02 x 50; behind them 30 shares at 10.05, 40 at 10.08, 50 at 10.11."""
    price, size = np.array([[10.00, 10.02]]), np.array([[100.0, 50.0]])
    wanted = np.array([100.0, 150.0, 160.0, 180.0, 200.0, 220.0, 250.0])
    behind = Continuation(np.array([0.03]), np.array([20.0]), np.array([10.0]))
    cost = continued_walk(price, size, wanted, behind)[0]
    shown = 50 * 0.02
    expected = [
        0.0,
        shown,
        shown + 10 * 0.05,
        shown + 30 * 0.05,
        shown + 30 * 0.05 + 20 * 0.08,
        shown + 30 * 0.05 + 40 * 0.08,
        shown + 30 * 0.05 + 40 * 0.08 + 30 * 0.11,
    ]
    np.testing.assert_allclose(cost, expected, atol=1e-12)
    censored, depth = walk(price, size, wanted)
    assert depth[0] == 150
    np.testing.assert_allclose(censored[0], np.minimum(expected, shown), atol=1e-12)


def test_what_stands_behind_follows_the_levels_but_the_best():
    """Levels of 7, 20, 30, 40 shares: a line from 20 in steps of 10, the best level left aside."""
    found = continuation(np.array([[7.0, 20.0, 30.0, 40.0], [7.0, 40.0, 30.0, 20.0]]), np.ones(2))
    np.testing.assert_allclose(found.size, [40.0, 30.0])  # shrinking levels are held at their mean
    np.testing.assert_allclose(found.growth, [10.0, 0.0])
    few = continuation(np.array([[5.0, np.nan], [5.0, 9.0]]), np.ones(2))
    np.testing.assert_allclose(few.size, [5.0, 9.0])


def test_gaps_are_those_of_the_deeper_half_and_one_level_has_none():
    price = np.array([[10.0, 10.1, 10.2, 10.4, 10.8], [10.0, 10.3, np.nan, np.nan, np.nan]])
    last, gap = spacing(price)
    np.testing.assert_allclose(last, [0.8, 0.3])
    np.testing.assert_allclose(gap, [(0.8 - 0.2) / 2, 0.3])
    assert np.isnan(spacing(np.array([[10.0, np.nan]]))[1]).all()


@pytest.mark.parametrize("growth", [0.0, 0.5])
def test_cutting_levels_off_gives_back_the_mean_cost_that_they_show(growth):
    """Shares that vary level by level, as on real books: thin moments are followed by levels as
    thick as any.
    """
    rng = np.random.default_rng(0)
    rows, levels, kept = 4000, 24, 4
    mean = 100 * (1 + growth * np.arange(levels))
    size = mean * rng.gamma(1.0, 1.0, (rows, levels))
    price = 50 + 0.01 * np.cumsum(rng.poisson(1.0, (rows, levels)) + 1, axis=1)
    wanted = np.array([1.0, 1.5, 2.0]) * mean[:kept].sum()
    whole, depth = walk(price, size, wanted)
    assert (depth > wanted[-1]).all()
    cut = price[:, :kept], size[:, :kept]
    behind = continuation(cut[1].mean(axis=0)[None], spacing(cut[0])[1].mean()[None])
    cost = continued_walk(*cut, wanted, behind.take(np.zeros(rows, dtype=int)))
    np.testing.assert_allclose(cost.mean(axis=0), whole.mean(axis=0), rtol=0.1)
