"""The averaged model within the day: what it may know, what it beats, and hostile days."""

import numpy as np
import pytest

from models.forecast.intraday.averaged import CLOCK, fit_averaged
from models.forecast.intraday.state_space import fit_intraday
from tests.models.forecast.intraday.test_state_space import market, shape


def two_speeds(days: int, periods: int, seed: int) -> np.ndarray:
    """Logs with a fast and a slow deviation, more on every tenth minute, and quiet weekends."""
    rng = np.random.default_rng(seed)
    flat, fast = (market(days, periods, seed) - shape(periods)).ravel(), 0.0
    for place in range(flat.size):
        fast = 0.6 * fast + 0.4 * rng.normal()
        flat[place] += fast
    logs = flat.reshape(days, periods) + 0.8 * (np.arange(periods) % 10 == 0)
    logs[np.arange(days) % 7 >= 5] -= 1.5
    return logs


def kinds(days: int) -> np.ndarray:
    return (np.arange(days) % 7 >= 5).astype(int)


def round_the_clock(days: int, periods: int, seed: int) -> np.ndarray:
    """Logs of a market that never closes: deviations that run through midnight, and noise."""
    rng = np.random.default_rng(seed)
    flat, slow, fast = np.empty(days * periods), 0.0, 0.0
    for place in range(flat.size):
        slow, fast = 0.99 * slow + 0.1 * rng.normal(), 0.5 * fast + 0.5 * rng.normal()
        flat[place] = slow + fast + 0.3 * rng.normal()
    return flat.reshape(days, periods)


def test_it_beats_the_state_space_alone_and_a_rolling_mean():
    logs, errors = round_the_clock(24, 120, 0), {"volume": [], "state": [], "rolling": []}
    for day in range(14, 24):
        fit = fit_averaged(logs[:day])
        rolling = [
            logs.ravel()[place - 20 : place].mean() for place in range(day * 120, day * 120 + 120)
        ]
        found = {
            "volume": fit.one_step(logs[day]).log_mean,
            "state": fit.state.one_step(logs[day]).log_mean,
            "rolling": np.array(rolling),
        }
        for name, forecast in found.items():
            errors[name].append(((logs[day] - forecast) ** 2).mean())
    means = {name: np.mean(each) for name, each in errors.items()}
    assert means["volume"] < 0.97 * means["state"]
    assert means["volume"] < 0.9 * means["rolling"]


def test_a_quiet_weekend_is_expected():
    logs = two_speeds(26, 120, 1)  # 26: the next to come is the sixth day of its week
    alike, told = fit_intraday(logs), fit_intraday(logs, kinds(27))
    truth = market(26, 120, 1).mean() - 1.5
    assert abs(told.state.level - truth) < 0.5 * abs(alike.state.level - truth)


def test_kinds_that_do_not_differ_are_hardly_believed():
    logs = market(20, 60, 2)
    alike, told = fit_intraday(logs), fit_intraday(logs, kinds(21))
    assert abs(alike.state.level - told.state.level) < 0.15


def test_clock_effects_are_found_and_noise_is_not():
    found = fit_averaged(two_speeds(30, 360, 3)).clock
    top = np.arange(CLOCK) % 10 == 0
    assert found[top].mean() - found[~top].mean() == pytest.approx(0.8, abs=0.2)
    assert np.abs(fit_averaged(market(5, 360, 4)).clock).max() < 0.15


@pytest.mark.parametrize("days", [1, 3, 90])
def test_the_past_does_not_see_the_future(days: int):
    """90 days of 120 periods: the trees are grown."""
    logs, other = two_speeds(days + 1, 120, 5), two_speeds(days + 1, 120, 6)
    fit = fit_averaged(logs[:-1], kinds(days + 1), (other[:-1],))
    assert (fit.trees is not None) == (days == 90)
    today, trades = logs[-1].copy(), other[-1].copy()
    before = fit.one_step(today, (trades,)).log_mean
    today[70:], trades[70:] = 9.0, 9.0
    after = fit.one_step(today, (trades,)).log_mean
    np.testing.assert_array_equal(before[:71], after[:71])
    assert (before[71:] != after[71:]).all()


def test_gaps_and_short_histories_give_the_state_space():
    logs = market(6, 60, 8)
    logs[2, 10:40] = np.nan
    logs[4] = np.nan
    fit = fit_averaged(logs)
    assert np.isfinite(fit.one_step(market(1, 60, 9)[0]).log_mean).all()
    short = fit_averaged(logs[:1])
    today = market(1, 60, 9)[0]
    np.testing.assert_array_equal(
        short.one_step(today).log_mean, fit_intraday(logs[:1]).one_step(today).log_mean
    )
    nothing = fit_averaged(np.full((3, 60), np.nan))
    assert np.isnan(nothing.one_step(np.full(60, np.nan)).log_mean).all()
    constant = fit_averaged(np.ones((5, 60)))
    np.testing.assert_allclose(constant.one_step(np.ones(60)).log_mean, 1.0)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="companions"):
        fit_averaged(np.ones((3, 60)), companions=(np.ones((2, 60)),))
    with pytest.raises(ValueError, match="kinds: 3 days"):
        fit_averaged(np.ones((3, 60)), kinds(3))
