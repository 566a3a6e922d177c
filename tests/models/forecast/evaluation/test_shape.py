"""The slope of outcomes on forecasts within the day, its error by days, and what it is worth."""

import numpy as np
import pytest
import statsmodels.api as sm

from models.forecast.evaluation.shape import ShapeSlope, joint_moments, shape_slope

DAYS, PERIODS = 6, 40


def drawn(seed: int, slope: float, days: int = DAYS) -> tuple[np.ndarray, np.ndarray]:
    """Forecasts, and outcomes that follow them by `slope`, with levels and errors by day."""
    rng = np.random.default_rng(seed)
    told = rng.standard_normal((days, 1)) + 0.3 * rng.standard_normal((days, PERIODS))
    own = (slope + 0.2 * rng.standard_normal((days, 1))) * told  # days differ
    return told, own + rng.standard_normal((days, 1)) + 0.2 * rng.standard_normal(told.shape)


def test_the_slope_and_its_error_are_those_of_least_squares_with_day_effects() -> None:
    told, came = drawn(0, 0.6)
    told[2, 5] = np.nan
    came[3, 7] = -np.inf  # a zero has no log
    found = shape_slope(told, came)
    known = np.isfinite(told) & np.isfinite(came)
    day = np.repeat(np.arange(DAYS), PERIODS)[known.ravel()]
    dummies = (day[:, None] == np.arange(DAYS)).astype(float)
    design = np.column_stack([told[known], dummies])
    fit = sm.OLS(came[known], design).fit(
        cov_type="cluster", cov_kwds={"groups": day, "use_correction": False}
    )
    assert found.slope == pytest.approx(fit.params[0], rel=1e-12)
    error = fit.bse[0] * np.sqrt(DAYS / (DAYS - 1))
    assert found.standard_error == pytest.approx(error, rel=1e-10)
    assert found.days == DAYS


@pytest.mark.parametrize(
    ("slope", "error", "days", "weight"),
    [
        (0.6, 0.3, 5, 0.6 * 0.75),
        (0.6, 0.7, 5, 0.0),
        (-0.6, 0.1, 5, 0.0),
        (1.4, 0.1, 5, 1.0),
        (0.6, 0.0, 2, 0.0),
        (0.0, np.nan, 0, 0.0),
    ],
)
def test_a_weight_is_the_slope_by_its_share_of_signal(
    slope: float, error: float, days: int, weight: float
) -> None:
    assert ShapeSlope(slope, error, days).weight == pytest.approx(weight)


def test_a_worthless_forecast_gets_little_weight_and_a_good_one_its_slope() -> None:
    worthless = [shape_slope(*drawn(seed, 0.0)).weight for seed in range(60)]
    good = [shape_slope(*drawn(seed, 0.7)).weight for seed in range(60)]
    assert np.mean(worthless) < 0.06
    assert np.mean(good) == pytest.approx(0.68, abs=0.03)


def test_a_forecast_without_a_shape_is_no_scored_day() -> None:
    told, came = drawn(1, 1.0)
    told[:4] = 2.5
    assert shape_slope(told, came).days == 2
    flat = shape_slope(np.full_like(told, 0.1), came)
    assert (flat.slope, flat.days, flat.weight) == (0.0, 0, 0.0)


def test_moments_are_covariances_within_each_day() -> None:
    one, other = drawn(2, 0.5), drawn(3, 0.5)
    found = joint_moments(np.stack([one[0], other[0]]), np.stack([one[1], other[1]]))
    assert found.shape == (DAYS, 2, 2)
    for day in range(DAYS):
        expected = np.cov(one[0][day], other[1][day], bias=True)[0, 1]
        assert found[day, 0, 1] == pytest.approx(expected)
