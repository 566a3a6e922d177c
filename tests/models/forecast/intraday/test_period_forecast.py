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
