"""The chance of anything to measure: the filter against quadrature, the mean against the truth."""

import numpy as np
import pytest
from scipy.stats import gamma

from models.forecast.intraday.sparse.occurrence import OccurrenceFit, chance_so_far, fit_occurrence


def days(share: float, count: int, periods: int, seed: int, spread: float = 0.3) -> np.ndarray:
    """Return occurrences, (D, N), of a U-shaped chance and a lognormal factor of the day."""
    rng = np.random.default_rng(seed)
    rate = -np.log1p(-share) * (0.6 + 1.2 * np.linspace(-1, 1, periods) ** 2)
    factor = rng.lognormal(-(spread**2) / 2, spread, (count, 1))
    return (rng.random((count, periods)) < -np.expm1(-rate * factor)).astype(float)


@pytest.mark.parametrize("rate", [0.02, 0.5, 3.0])
def test_the_filter_is_the_posterior_by_quadrature(rate: float):
    fit = OccurrenceFit(np.full(40, rate), 8.0, 8.0)
    seen = (np.random.default_rng(1).random(40) < -np.expm1(-1.3 * rate)).astype(float)
    chances, _ = fit.one_step(seen)
    grid = np.linspace(1e-4, 6, 20_000)
    weight = gamma.pdf(grid, 8, scale=1 / 8)
    for place, value in enumerate(seen):
        some = -np.expm1(-grid * rate)
        expected = (weight * some).sum() / weight.sum()
        assert chances[place] == pytest.approx(expected, rel=0.01)
        weight = weight * (some if value else 1 - some)


@pytest.mark.parametrize("share", [0.02, 0.2, 0.6, 0.98])
def test_the_next_days_count_is_right_on_average(share: float):
    """Ten past days, forty symbols: the sum of chances against the count that comes."""
    told, came = [], []
    for seed in range(40):
        seen = days(share, 11, 390, seed)
        told.append(fit_occurrence(seen[:10]).forecast(390).sum())
        came.append(days(share, 200, 390, 1000 + seed).sum() / 200)
    assert np.mean(told) == pytest.approx(np.mean(came), rel=0.06)


def test_the_profile_is_the_truths_where_it_can_be_told_and_flat_where_not():
    rng = np.random.default_rng(0)
    shaped = fit_occurrence(days(0.2, 40, 390, 3)).forecast(390)
    assert shaped[:20].mean() > 2 * shaped[185:205].mean()
    flat = fit_occurrence((rng.random((5, 390)) < 0.02).astype(float)).forecast(390)
    assert np.ptp(flat) < 0.5 * flat.mean()


def test_periods_without_a_book_say_nothing():
    seen = days(0.3, 6, 60, 5)
    holed = seen.copy()
    holed[2, 30:] = np.nan
    fit = fit_occurrence(holed)
    assert np.isfinite(fit.forecast(60)).all()
    blank = np.full(10, np.nan)
    np.testing.assert_allclose(fit.update(blank).forecast(20), fit.forecast(30)[10:])


def test_a_first_day_counts_so_far_and_is_sure_until_a_zero():
    chance, error = chance_so_far(np.array([1.0, 1.0, 0.0, np.nan, 1.0]))
    np.testing.assert_allclose(chance, [1, 1, 1, 2.5 / 4, 2.5 / 4])
    assert error[2] == 0 < error[3]
