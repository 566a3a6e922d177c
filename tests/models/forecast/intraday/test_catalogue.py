"""Every forecaster within the day: causality, hostile days, and plain ones by hand."""

import numpy as np
import pytest

from models.forecast.intraday.catalogue import (
    BASELINE_CANDIDATE,
    CANDIDATES,
    DEFAULT_CANDIDATE,
    PastDays,
    track_candidate,
)
from models.forecast.intraday.state_space import fit_intraday, one_step
from tests.models.forecast.intraday.test_state_space import market


def past(days: int, periods: int = 60, seed: int = 0) -> PastDays:
    kinds = (np.arange(days + 1) % 7 >= 5).astype(int)
    return PastDays(market(days, periods, seed), kinds, (market(days, periods, seed + 1),))


@pytest.mark.parametrize("name", CANDIDATES)
@pytest.mark.parametrize(("day", "period"), [(0, 20), (3, 0), (11, 31)])
def test_the_past_does_not_see_the_future(name: str, day: int, period: int):
    before = past(14)
    changed, other = before.logs.copy(), before.companions[0].copy()
    for logs in (changed, other):
        logs[day, period:] += 5.0
        logs[day + 1 :] = -3.0
    one, two = (
        track_candidate(name, before),
        track_candidate(name, PastDays(changed, before.kinds, (other,))),
    )
    for field in ("log_mean", "state_variance", "noise_variance"):
        first, second = getattr(one.next_period, field), getattr(two.next_period, field)
        np.testing.assert_array_equal(first[:day], second[:day])
        np.testing.assert_array_equal(first[day, : period + 1], second[day, : period + 1])
        first, second = getattr(one.day_ahead, field), getattr(two.day_ahead, field)
        np.testing.assert_array_equal(first[: day + 1], second[: day + 1])
    assert not np.array_equal(
        one.next_period.log_mean[day + 1 :], two.next_period.log_mean[day + 1 :]
    )


@pytest.mark.parametrize("name", CANDIDATES)
def test_updating_is_the_same_as_having_been_told(name: str):
    """What a fit says after part of a day does not depend on how the part was given."""
    days = past(12)
    fit, today = CANDIDATES[name](days.until(11), None), days.logs[11]
    whole, parts = (
        fit.update(today[:30]).forecast(30),
        fit.update(today[:11]).update(today[11:30]).forecast(30),
    )
    np.testing.assert_allclose(whole.log_mean, parts.log_mean)
    assert whole.log_mean.shape == (30,)


@pytest.mark.parametrize("name", CANDIDATES)
def test_half_days_holes_and_constants_are_ordinary(name: str):
    days = past(12)
    logs = days.logs.copy()
    logs[4, 32:] = np.nan  # an early close
    logs[6, 10:25] = np.nan  # a halt
    logs[8] = np.nan  # nothing at all
    logs[:, 17] = np.nan  # a minute in which nothing ever trades
    found = track_candidate(name, PastDays(logs, days.kinds, days.companions))
    known = np.delete(np.arange(60), 17)
    assert np.isfinite(found.next_period.log_mean[1:, known]).all()
    assert np.isfinite(found.day_ahead.log_mean[1:, known]).all()
    flat = track_candidate(name, PastDays(np.full((6, 30), 1.5)))
    np.testing.assert_allclose(flat.next_period.log_mean[1:], 1.5, atol=1e-6)
    nothing = track_candidate(name, PastDays(np.full((3, 10), np.nan)))
    assert np.isnan(nothing.next_period.log_mean).all()


def test_plain_forecasts_by_hand():
    logs = market(6, 40, 3)
    found = {
        name: track_candidate(name, PastDays(logs))
        for name in (BASELINE_CANDIDATE, "rolling_mean", "ewma", DEFAULT_CANDIDATE)
    }
    np.testing.assert_allclose(
        found[BASELINE_CANDIDATE].day_ahead.log_mean[4], logs[:4].mean(axis=0)
    )
    flat = logs.ravel()
    np.testing.assert_allclose(
        found["rolling_mean"].next_period.log_mean[3, 5], flat[105:125].mean()
    )
    weight = 0.5 ** (np.arange(124, -1, -1) / 8)
    np.testing.assert_allclose(
        found["ewma"].next_period.log_mean[3, 5], (weight * flat[:125]).sum() / weight.sum()
    )
    np.testing.assert_array_equal(
        found[DEFAULT_CANDIDATE].next_period.log_mean, one_step(logs).log_mean
    )


def test_the_robust_filter_forgets_an_outlier():
    logs = market(15, 60, 4)
    hit = logs[-1].copy()
    hit[20] += 8.0
    plain, robust = fit_intraday(logs[:-1]), fit_intraday(logs[:-1], clip=2.0)
    moved = {
        name: np.abs(
            fit.update(hit[:21]).forecast(10).log_mean
            - fit.update(logs[-1, :21]).forecast(10).log_mean
        )
        for name, fit in (("plain", plain), ("robust", robust))
    }
    assert (moved["robust"] < 0.5 * moved["plain"]).all()


def test_many_days_bring_the_daily_models():
    assert fit_intraday(market(70, 12, 5), daily=None).level_model == "har"
    fit = CANDIDATES["combined_level"](PastDays(market(70, 12, 5)), None)
    assert fit.size.level_model == "combined level"
    assert CANDIDATES["combined_level"](
        PastDays(market(10, 12, 5)), None
    ).size.level_model.startswith("ewma")


def test_a_period_that_never_had_a_measurement_takes_the_mean_of_the_others():
    logs = market(6, 40, 7)
    logs[:, 0] = np.nan
    found = track_candidate(BASELINE_CANDIDATE, PastDays(logs)).day_ahead
    assert np.isfinite(found.log_mean[1:]).all()
    assert found.log_mean[4, 0] == pytest.approx(logs[:4, 1:].mean())


def test_the_profile_expects_the_error_that_it_has_made():
    """Of independent logs day d + 1 misses the mean of d days by 1 + 1/d, the first by 1."""
    logs = np.random.default_rng(8).normal(size=(5, 20_000))
    expected = track_candidate(BASELINE_CANDIDATE, PastDays(logs)).day_ahead.noise_variance[1:, 0]
    errors = 1 + np.array([0, 1, 1 / 2, 1 / 3])
    np.testing.assert_allclose(expected, errors.cumsum() / np.arange(1, 5), rtol=0.03)


@pytest.mark.parametrize("name", ["rolling_mean", "ewma"])
def test_a_halt_of_any_length_leaves_the_moving_averages_their_memory(name: str):
    logs = market(5, 400, 9)
    before = track_candidate(name, PastDays(logs[:4])).day_ahead.log_mean[3]
    logs[3, 1:] = np.nan
    halted = track_candidate(name, PastDays(logs)).day_ahead.log_mean[4]
    assert np.isfinite(halted).all()
    flat = logs[:4].ravel()
    known = flat[np.isfinite(flat)]
    weight = 0.5 ** (np.arange(len(known) - 1, -1, -1) / 8)
    by_hand = (
        known[-20:].mean() if name == "rolling_mean" else (weight * known).sum() / weight.sum()
    )
    assert halted[0] == pytest.approx(by_hand)
    assert halted[0] != pytest.approx(before[0])
