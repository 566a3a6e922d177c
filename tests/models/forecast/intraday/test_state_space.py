"""The intraday model against Gaussian conditioning, planted markets, and changed futures."""

from dataclasses import astuple

import numpy as np
import pytest

from models.forecast.daily.har import fit_har
from models.forecast.intraday.dynamics import fit_dynamics
from models.forecast.intraday.moving import seasonal_baseline
from models.forecast.intraday.profile import additive_means
from models.forecast.intraday.state_space import fit_intraday, one_step

PHI, STATE, NOISE = 0.97, 0.06, 0.3


def shape(periods: int) -> np.ndarray:
    time = np.linspace(0, 1, periods)
    curve = 1.2 * np.exp(-time / 0.1) + 0.7 * np.exp(-(1 - time) / 0.1)
    return curve - curve.mean()


def market(days: int, periods: int, seed: int) -> np.ndarray:
    """Logs of a market: persistent daily levels, the U shape, an AR(1) within the day, noise."""
    rng = np.random.default_rng(seed)
    level = np.zeros(days)
    for day in range(1, days):
        level[day] = 0.9 * level[day - 1] + 0.1 * rng.normal()
    deviation = np.empty((days, periods))
    deviation[:, 0] = np.sqrt(STATE) * rng.normal(size=days)
    for period in range(1, periods):
        shock = np.sqrt(STATE * (1 - PHI**2)) * rng.normal(size=days)
        deviation[:, period] = PHI * deviation[:, period - 1] + shock
    return (
        3
        + shape(periods)
        + level[:, None]
        + deviation
        + np.sqrt(NOISE) * rng.normal(size=(days, periods))
    )


def conditional(fit, row: np.ndarray, known: np.ndarray, target: int) -> tuple[float, float]:
    """Mean and variance of row[target] given row[known], from the model's joint Gaussian."""
    place = np.arange(len(row))
    dynamics = fit.dynamics
    joint = fit.state.level_variance + dynamics.state_variance * dynamics.phi ** np.abs(
        place - place[:, None]
    )
    joint = joint + dynamics.noise_variance * np.eye(len(row))
    mean = fit.profile + fit.state.level
    weight = np.linalg.solve(joint[np.ix_(known, known)], joint[known, target])
    value = mean[target] + weight @ (row[known] - mean[known])
    return value, joint[target, target] - weight @ joint[known, target]


@pytest.fixture(scope="module")
def history() -> np.ndarray:
    return market(12, 60, 0)


def test_one_step_is_gaussian_conditioning(history):
    fit = fit_intraday(history[:-1])
    row = history[-1].copy()
    row[[3, 4, 20]] = np.nan
    got = fit.one_step(row)
    for target in (0, 1, 5, 21, 59):
        known = np.flatnonzero(np.isfinite(row[:target]))
        value, variance = conditional(fit, row, known, target)
        assert got.log_mean[target] == pytest.approx(value, rel=1e-9)
        assert got.log_variance[target] == pytest.approx(variance, rel=1e-9)


def test_the_rest_of_the_day_is_gaussian_conditioning(history):
    fit = fit_intraday(history[:-1])
    row = history[-1]
    got = fit.update(row[:10]).update(row[10:25]).forecast(35)
    for target in (25, 40, 59):
        value, variance = conditional(fit, row, np.arange(25), target)
        assert got.log_mean[target - 25] == pytest.approx(value, rel=1e-9)
        assert got.log_variance[target - 25] == pytest.approx(variance, rel=1e-9)


def test_a_day_without_observations_is_the_day_ahead_forecast(history):
    forecast = one_step(np.vstack([history, np.full(60, np.nan)]))
    mean, variance = forecast.log_mean, forecast.log_variance
    ahead = fit_intraday(history).forecast(60)
    np.testing.assert_allclose(mean[-1], ahead.log_mean, rtol=1e-12)
    np.testing.assert_allclose(variance[-1], ahead.log_variance, rtol=1e-12)


@pytest.mark.parametrize(("day", "period"), [(0, 1), (0, 30), (1, 0), (6, 17), (11, 59)])
def test_the_past_does_not_see_the_future(history, day, period):
    """Every prediction up to and including that of the first changed value is bit-identical."""
    changed = history.copy()
    changed[day, period:] = 50.0
    changed[day + 1 :] = -50.0
    before, after = (astuple(one_step(values)) for values in (history, changed))
    until = day * 60 + period + 1
    for left, right in zip(before, after, strict=True):
        np.testing.assert_array_equal(left.ravel()[:until], right.ravel()[:until])
    if until < history.size:
        assert not np.array_equal(
            before[0].ravel()[until:], after[0].ravel()[until:], equal_nan=True
        )


def test_nothing_is_predicted_before_the_first_observation(history):
    late = history.copy()
    late[0, :5] = np.nan
    forecast = one_step(late)
    mean, variance = forecast.log_mean, forecast.log_variance
    assert np.isnan(mean[0, :6]).all()
    assert np.isnan(variance[0, :6]).all()
    assert np.isfinite(mean[0, 6:]).all()
    assert np.isfinite(mean[1:]).all()
    empty = fit_intraday(history[:0])
    assert empty.level_model == "none"
    assert np.isnan(empty.forecast(60).mean).all()
    assert [caveat.code for caveat in empty.warnings] == ["short_history"]


def test_the_first_day_learns_its_own_noise():
    """Dynamics far from the defaults: after some hours the stated variance is the errors'."""
    found = []
    for seed in range(20):
        row = 3 + np.sqrt(8.0) * np.random.default_rng(seed).normal(size=(1, 390))
        forecast = one_step(row)
        mean, variance = forecast.log_mean, forecast.log_variance
        found.append(((row - mean) ** 2 / variance)[0, 90:].mean())
    assert np.mean(found) == pytest.approx(1, abs=0.15)


def test_a_measurement_that_never_changes_is_forecast_as_it_is():
    forecast = one_step(np.full((4, 100), np.log(0.01)))
    mean, variance = forecast.log_mean, forecast.log_variance
    later = np.exp(mean + variance / 2)[:, 40:]
    np.testing.assert_allclose(later, 0.01, rtol=0.002)


def test_planted_profile_and_dynamics_are_found():
    history = market(60, 390, 1)
    fit = fit_intraday(history)
    assert fit.dynamics.phi == pytest.approx(PHI, abs=0.025)
    assert fit.dynamics.state_variance == pytest.approx(STATE, rel=0.4)
    assert fit.dynamics.noise_variance == pytest.approx(NOISE, rel=0.05)
    assert np.sqrt(((fit.profile - shape(390)) ** 2).mean()) < 0.05
    assert fit.profile.mean() == pytest.approx(0, abs=0.01)


def test_forecasts_beat_the_baseline_and_know_their_error():
    history = market(25, 200, 2)
    forecast = one_step(history)
    mean, variance = forecast.log_mean, forecast.log_variance
    late = slice(10, None)
    miss = history[late] - mean[late]
    assert (miss**2).mean() < 0.93 * np.nanmean(
        (history[late] - seasonal_baseline(history)[late]) ** 2
    )
    assert (miss**2).mean() < 1.15 * NOISE  # the noise itself cannot be foreseen
    assert (miss**2 / variance[late]).mean() == pytest.approx(1, abs=0.08)
    assert (np.abs(miss) < 1.645 * np.sqrt(variance[late])).mean() == pytest.approx(0.9, abs=0.02)


def test_levels_and_quantiles_of_the_day_ahead_are_calibrated():
    ratio, inside = [], []
    for seed in range(30):
        history = market(15, 120, 100 + seed)
        ahead = fit_intraday(history[:-1]).forecast(120)
        realized = np.exp(history[-1])
        ratio.append(realized.sum() / ahead.mean.sum())
        low, high = ahead.quantiles(np.array([0.1, 0.9]))
        inside.append(((realized > low) & (realized < high)).mean())
        assert (ahead.variance > 0).all()
    assert np.mean(ratio) == pytest.approx(1, abs=3 * np.std(ratio) / np.sqrt(30))
    assert np.mean(inside) == pytest.approx(0.8, abs=0.05)


def test_short_days_and_holes_do_no_harm():
    full = market(20, 120, 3)
    ragged = full.copy()
    ragged[4, 60:] = np.nan  # an early close
    ragged[9] = np.nan  # a day without data
    ragged[np.random.default_rng(0).random(full.shape) < 0.1] = np.nan
    fit, whole = fit_intraday(ragged), fit_intraday(full)
    assert fit.missing == pytest.approx(np.isnan(ragged).mean())
    assert np.abs(fit.profile - whole.profile).max() < 0.3
    assert fit.dynamics.noise_variance == pytest.approx(whole.dynamics.noise_variance, rel=0.15)
    assert np.isfinite(one_step(ragged).log_mean[1:]).all()


def test_many_days_bring_the_har_level():
    history = market(64, 40, 4)
    fit = fit_intraday(history)
    assert fit.level_model == "har"
    levels = (history - fit.profile).mean(axis=1)
    har = fit_har(levels)
    assert fit.state.level == pytest.approx(har.forecast(levels), rel=1e-12)
    assert fit.state.level_variance == pytest.approx(har.residual_variance)
    assert fit_intraday(history[:40]).level_model.startswith("ewma(")


def test_reaching_beyond_the_day_is_refused(history):
    fit = fit_intraday(history).update(history[0, :50])
    with pytest.raises(ValueError, match="horizon: 11 periods, the day has 10 left"):
        fit.forecast(11)
    with pytest.raises(ValueError, match="observations: 11 periods"):
        fit.update(history[0, :11])
    assert "phi" in fit.summary()


def test_smoothing_is_the_weighted_local_line():
    from models.forecast.intraday.profile import BANDWIDTH, fit_profile

    rng = np.random.default_rng(0)
    period, count = rng.normal(size=90), rng.integers(1, 4, 90).astype(float)
    smooth = fit_profile(period, count, 0.0, 0.0, 1) / 0.5  # of one day half is believed
    place = np.arange(90)
    for target in (0, 7, 45, 89):
        weight = count * np.exp(-0.5 * ((place - target) / BANDWIDTH) ** 2)
        line = np.polyfit(place - target, period, 1, w=np.sqrt(weight))
        assert smooth[target] == pytest.approx(line[1], abs=0.005)


def test_additive_means_of_a_whole_table_are_its_margins(history):
    level, period = additive_means(history)
    np.testing.assert_allclose(level, history.mean(axis=1))
    np.testing.assert_allclose(period, history.mean(axis=0) - history.mean(), atol=1e-12)


def test_additive_means_do_not_take_a_short_day_for_a_high_one():
    """Without noise levels and shape are found exactly although one day lacks its low afternoon."""
    table = np.array([[1.0], [2.0], [4.0]]) + np.array([3.0, 0.0, -1.0, -2.0])
    table[1, 2:] = np.nan
    level, period = additive_means(table)
    np.testing.assert_allclose(np.diff(level), [1, 2], atol=0.02)
    np.testing.assert_allclose(np.diff(period), [-3, -1, -1], atol=0.02)


def test_dynamics_stand_on_defaults_where_there_is_too_little():
    from models.forecast.intraday.dynamics import Dynamics

    for history in (np.zeros((0, 30)), np.ones((1, 3)), np.full((2, 30), np.nan)):
        dynamics, profile = fit_dynamics(history)
        assert dynamics == Dynamics()
        np.testing.assert_array_equal(profile, 0)
