"""Days that weigh less in the law's fit: what stays the same, and what follows the market."""

from dataclasses import replace

import numpy as np
import pytest

from models.impact.book.cost_law import fit_law
from models.impact.book.families import Family
from models.impact.book.walks import Cells

SIZES = np.array([100.0, 300.0, 900.0, 2700.0])


def market(levels: np.ndarray, exponents: np.ndarray, seed: int = 0) -> Cells:
    """Return cells of one day an entry, with gamma noise about the law."""
    draw = np.random.default_rng(seed)
    days, periods = len(levels), 60
    day, period, size = (
        each.ravel()
        for each in np.meshgrid(np.arange(days), np.arange(periods), SIZES, indexing="ij")
    )
    volatility = np.exp(0.3 * draw.standard_normal((days, periods)))[day, period]
    thinness = np.exp(0.3 * draw.standard_normal((days, periods)))[day, period]
    mean = levels[day] * size ** exponents[day] * (1 + 0.6 * volatility) * thinness
    cost = mean * draw.gamma(4.0, 0.25, len(mean))
    zero = np.zeros(len(mean))
    return Cells(
        size=size,
        excess=cost,
        half_spread=zero,
        censored=zero,
        bucket=period // 30,
        volatility=volatility,
        thinness=thinness,
        cluster=day,
        day=day,
    )


def decayed(cells: Cells, half_life: float) -> Cells:
    assert cells.day is not None
    return replace(cells, weight=0.5 ** ((cells.day.max() - cells.day) / half_life))


def test_alike_weights_change_nothing() -> None:
    cells = market(np.full(12, 1e-3), np.full(12, 1.5))
    plain = fit_law(cells, Family.POWER, 2)
    halved = fit_law(replace(cells, weight=np.full(len(cells.size), 0.5)), Family.POWER, 2)
    np.testing.assert_allclose(halved.values, plain.values, rtol=1e-8)
    np.testing.assert_allclose(halved.covariance.matrix, plain.covariance.matrix, rtol=1e-6)


def test_a_day_that_weighs_twice_is_two_days() -> None:
    cells = market(np.full(6, 1e-3), np.full(6, 1.5))
    assert cells.day is not None
    last = cells.day == 5
    again = cells.take(last)
    columns = {
        name: np.concatenate([getattr(cells, name), getattr(again, name)])
        for name in vars(cells)
        if name != "weight"
    }
    twice = fit_law(Cells(**columns), Family.POWER, 2)
    weighed = fit_law(replace(cells, weight=1.0 + last), Family.POWER, 2)
    np.testing.assert_allclose(weighed.values, twice.values, rtol=1e-8)


def test_weights_follow_a_market_that_moves() -> None:
    """The level falls by half over 40 days, smoothly: the last day's is what is asked for."""
    days = 40
    levels = 1e-3 * 0.5 ** (np.arange(days) / (days - 1))
    gaps = {np.inf: [], 10.0: []}
    for seed in range(6):
        cells = market(levels, np.full(days, 1.5), seed)
        for half_life, found in gaps.items():
            fit = fit_law(decayed(cells, half_life), Family.POWER, 2)
            cost = np.log(fit.alpha.mean()) + fit.k * np.log(900) + np.log1p(fit.beta)
            true = np.log(levels[-1]) + 1.5 * np.log(900) + np.log(1.6)
            found.append(cost - true)
    assert np.mean(gaps[np.inf]) > 0.25  # the mean of the history, .35 above the last day
    assert np.abs(np.mean(gaps[10.0])) < 0.6 * np.mean(gaps[np.inf])


@pytest.mark.parametrize("half_life", [5.0, 60.0])
def test_weighted_intervals_hold_in_a_market_that_stays(half_life: float) -> None:
    held, seeds, draw = [], 60, np.random.default_rng(1)
    for seed in range(seeds):
        levels = 1e-3 * np.exp(0.15 * draw.standard_normal(20))
        cells = decayed(market(levels, 1.5 + 0.02 * draw.standard_normal(20), seed), half_life)
        fit = fit_law(cells, Family.POWER, 2)
        reach = fit.covariance.reach()[fit.names.index("k")]
        held.append(abs(fit.k - 1.5) < reach)
    assert abs(np.mean(held) - 0.95) < 2.5 * (0.95 * 0.05 / seeds) ** 0.5


def test_weights_must_be_above_zero() -> None:
    cells = market(np.full(2, 1e-3), np.full(2, 1.5))
    with pytest.raises(ValueError, match="weight"):
        replace(cells, weight=np.zeros(len(cells.size)))
