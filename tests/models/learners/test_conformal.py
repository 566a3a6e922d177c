"""Intervals of cost hold what they say, by day, and are absent where days are too few."""

import numpy as np

from benchmarks.conformal import covered, drawn
from models.learners.conformal import cost_reach


def test_nine_days_are_the_fewest() -> None:
    for days, known in ((8, False), (9, True)):
        cost, told, size, day = drawn(np.random.default_rng(0), days)
        found = cost_reach(cost, told, size, day)
        assert found.days == days
        assert np.isfinite(found.reach).all() == known
        if not known:
            assert np.isnan(found.interval(told[: len(found.size)])[0]).all()


def test_days_count_alike_however_many_rows_they_have() -> None:
    day = np.repeat(np.arange(10), [1000, *[10] * 9])
    score = np.where(day == 0, 5.0, np.linspace(0.1, 1.0, len(day)))
    found = cost_reach(np.exp(score), np.ones(len(day)), np.full(len(day), 100.0), day)
    assert found.reach[0] == 5.0  # the tenth at infinity and the tenth of the odd day leave .82
    light = cost_reach(np.exp(score), np.ones(len(day)), np.full(len(day), 100.0), day, level=0.8)
    assert light.reach[0] <= 1.0


def test_one_quantile_a_size() -> None:
    size = np.tile([100.0, 200.0], 200)
    draw = np.random.default_rng(1)
    cost = np.exp(draw.normal(size=400) * np.where(size > 150, 0.5, 0.1))
    found = cost_reach(cost, np.ones(400), size, np.repeat(np.arange(20), 20))
    assert found.size.tolist() == [100.0, 200.0]
    assert found.reach[1] > 3 * found.reach[0]


def test_nine_tenths_of_later_days_costs_are_inside() -> None:
    rates = np.array([covered(seed, 60, 20) for seed in range(12)])
    assert 0.88 <= rates.mean() <= 0.92
    assert (np.abs(rates.mean(axis=0) - 0.9) < 0.05).all()


def test_few_days_hold_no_less() -> None:
    assert np.mean([covered(seed, 20, 20) for seed in range(12)]) >= 0.9
