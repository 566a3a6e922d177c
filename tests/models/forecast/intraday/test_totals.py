"""Totals of a horizon: their interval against draws of the model itself, atoms of zero and all."""

import numpy as np
import pytest

from models.forecast.intraday.period_forecast import PeriodForecast
from models.forecast.intraday.sparse.totals import liquidity_volume, total_interval


def forecast(chance: float, periods: int = 50, arrival: float = 0.1) -> PeriodForecast:
    flat = np.ones(periods)
    return PeriodForecast(5 * flat, 0.05 * flat, 0.6 * flat, chance * flat, arrival * flat)


@pytest.mark.parametrize("chance", [0.02, 0.3, 1.0])
def test_the_interval_holds_what_the_model_draws(chance: float):
    ahead = forecast(chance, arrival=0.0 if chance == 1 else 0.1)
    rng = np.random.default_rng(1)
    shape = (20_000, 50)
    level = 0.05**0.5 * rng.standard_normal((shape[0], 1))
    sizes = np.exp(5 + level + 0.6**0.5 * rng.standard_normal(shape))
    rate = ((1 - min(chance, 1 - 1e-12)) ** -0.1 - 1) / 0.1
    some = 1 - np.exp(-rate * rng.gamma(10, 0.1, (shape[0], 1))) if chance < 1 else 1.0
    totals = np.where(rng.random(shape) < some, sizes, 0).sum(axis=1)
    low, high = total_interval(ahead, float(ahead.mean.sum()), 0.9, 10**6)
    held = ((totals >= low) & (totals <= high)).mean()
    assert held == pytest.approx(0.95 if low == 0 else 0.9, abs=0.015)
    assert (low == 0) == (chance == 0.02)
    assert totals.mean() == pytest.approx(ahead.mean.sum(), rel=0.03)


def test_a_corrected_mean_moves_the_interval_with_it():
    ahead = forecast(0.3)
    one = total_interval(ahead, float(ahead.mean.sum()), 0.9, 10**6)
    two = total_interval(ahead, 2 * float(ahead.mean.sum()), 0.9, 10**6)
    assert two == pytest.approx((2 * one[0], 2 * one[1]))


def test_liquidity_is_told_from_a_twentieth_of_the_mean_at_least():
    np.testing.assert_allclose(
        liquidity_volume(np.array([0.0, 4.0, 100.0, np.nan]), np.array([50.0, np.nan, 150.0])),
        [5, 5, 100, np.nan],
    )


def test_a_mean_that_few_measurements_tell_widens_it():
    ahead = forecast(0.3)
    (low, high), (least, most) = (
        total_interval(ahead, float(ahead.mean.sum()), 0.9, events) for events in (10**6, 20)
    )
    assert least < low < high < most
