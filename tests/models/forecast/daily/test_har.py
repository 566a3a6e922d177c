"""HAR on the published panel and on a regression written out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.forecast.daily.har import fit_har


def test_published_coefficients_on_sp500(real_data: Path) -> None:
    """Bollerslev, Patton, Quaedvlieg 2016: full-sample OLS, as published to four digits."""
    panel = pd.read_csv(real_data / "realized" / "SP500RM.csv.gz")
    fit = fit_har(panel["RV"].to_numpy(dtype=float))
    np.testing.assert_allclose(fit.coefficients, [0.1123, 0.2273, 0.4903, 0.1864], atol=5e-5)
    assert fit.r2 == pytest.approx(0.5224, abs=5e-5)
    assert fit.n == 4096 - 22


def test_it_is_the_regression_written_out():
    daily = np.random.default_rng(0).normal(size=80).cumsum()
    daily[30] = np.nan
    fit = fit_har(daily)
    rows, target = [], []
    for day in range(21, 79):
        row = [
            1.0,
            daily[day],
            np.nanmean(daily[day - 4 : day + 1]),
            np.nanmean(daily[day - 21 : day + 1]),
        ]
        if np.isfinite(row).all() and np.isfinite(daily[day + 1]):
            rows.append(row)
            target.append(daily[day + 1])
    expected, rest, _, _ = np.linalg.lstsq(np.array(rows), np.array(target), rcond=None)
    np.testing.assert_allclose(fit.coefficients, expected, rtol=1e-8)
    assert fit.n == len(rows) == 56
    assert fit.residual_variance == pytest.approx(rest[0] / (len(rows) - 4))
    last = [1.0, daily[-1], daily[-5:].mean(), daily[-22:].mean()]
    assert fit.forecast(daily) == pytest.approx(np.dot(last, expected))
    assert "weekly" in fit.summary()


def test_too_few_days_are_refused():
    with pytest.raises(ValueError, match="daily: 21 days"):
        fit_har(np.zeros(21))
    with pytest.raises(ValueError, match="daily: 8 days have a level and its lags"):
        fit_har(np.arange(30.0))
