"""The lognormal forecast: its moments by simulation, and averages by hand."""

import numpy as np
import pytest

from models.forecast.intraday.period_forecast import PeriodForecast, average_forecasts
from models.forecast.intraday.state_space import fit_intraday
from tests.models.forecast.intraday.test_state_space import market


def test_the_lognormal_moments_are_right():
    ahead = fit_intraday(market(12, 60, 0)).forecast(2)
    draws = np.exp(
        np.random.default_rng(0).normal(ahead.log_mean, np.sqrt(ahead.log_variance), (400_000, 2))
    )
    np.testing.assert_allclose(ahead.mean, draws.mean(axis=0), rtol=0.01)
    np.testing.assert_allclose(ahead.variance, draws.var(axis=0), rtol=0.05)
    np.testing.assert_allclose(
        ahead.quantiles([0.25]), np.quantile(draws, [0.25], axis=0), rtol=0.01
    )


def test_an_average_of_one_is_itself_and_of_two_the_geometric_mean():
    one, two = (PeriodForecast(np.array([x]), np.array([0.1]), np.array([0.2])) for x in (1.0, 2.0))
    assert average_forecasts([one]).log_mean[0] == 1.0
    assert average_forecasts([one, two]).log_mean[0] == pytest.approx(1.5)
    assert average_forecasts([one, two]).noise_variance[0] == pytest.approx(0.2)


def test_zeros_are_in_the_moments_and_the_quantiles():
    chance = np.array([0.3, 0.9])
    one = PeriodForecast(np.zeros(2), np.full(2, 0.1), np.full(2, 0.4), chance)
    rng = np.random.default_rng(0)
    draws = np.exp(rng.normal(0, 0.5**0.5, (400_000, 2))) * (rng.random((400_000, 2)) < chance)
    np.testing.assert_allclose(one.mean, draws.mean(axis=0), rtol=0.01)
    np.testing.assert_allclose(one.variance, draws.var(axis=0), rtol=0.03)
    found = one.quantiles(np.array([0.05, 0.5, 0.95]))
    np.testing.assert_allclose(found, np.quantile(draws, [0.05, 0.5, 0.95], axis=0), rtol=0.02)
    assert found[1, 0] == 0.0


def test_weights_are_of_the_logs_and_the_chances():
    one, two = (
        PeriodForecast(np.array([x]), np.array([0.1]), np.array([x]), np.array([x / 2]))
        for x in (1.0, 2.0)
    )
    found = average_forecasts([one, two], (0.75, 0.25))
    assert (found.log_mean[0], found.noise_variance[0], found.occurrence[0]) == (1.25, 1.25, 0.625)
