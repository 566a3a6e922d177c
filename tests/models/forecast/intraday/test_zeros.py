"""Measurements with zeros: what has none is as it was, what has is a chance times a size."""

import numpy as np
import pytest

from benchmarks.thin import MEAN_SIZE, drawn
from models.forecast.intraday.catalogue import CANDIDATES, PastDays, track_candidate
from models.forecast.intraday.sparse.zeros import level_ratio, positive
from models.forecast.intraday.state_space import fit_intraday
from tests.models.forecast.intraday.test_state_space import market


def thin(days: int, periods: int = 60, seed: int = 0, share: float = 0.3) -> np.ndarray:
    """Return logs, (D, N), -inf of zero."""
    empty = np.random.default_rng(seed).random((days, periods)) >= share
    return np.where(empty, -np.inf, market(days, periods, seed))


def test_without_zeros_nothing_changes_to_the_bit():
    logs = market(6, 60, 1)
    fit = CANDIDATES["state_space"](PastDays(logs[:5]), None)
    plain = fit_intraday(logs[:5])
    found, expected = fit.one_step(logs[5]), plain.one_step(logs[5])
    np.testing.assert_array_equal(found.mean, expected.mean)
    np.testing.assert_array_equal(found.occurrence, 1.0)
    ahead = fit.update(logs[5, :20]).forecast(40)
    np.testing.assert_array_equal(ahead.mean, plain.update(logs[5, :20]).forecast(40).mean)


@pytest.mark.parametrize("name", CANDIDATES)
def test_the_past_does_not_see_later_zeros(name: str):
    logs = thin(6)
    changed = logs.copy()
    changed[4, 30:] = np.where(np.isinf(logs[4, 30:]), 2.0, -np.inf)
    changed[5] = -np.inf
    one, two = (track_candidate(name, PastDays(each, None, (each,))) for each in (logs, changed))
    for field in ("next_period", "day_ahead"):
        first, second = (getattr(each, field) for each in (one, two))
        np.testing.assert_array_equal(first.mean[:4], second.mean[:4])
    np.testing.assert_array_equal(one.next_period.mean[4, :31], two.next_period.mean[4, :31])
    np.testing.assert_array_equal(one.day_ahead.mean[4], two.day_ahead.mean[4])
    assert np.isfinite(one.next_period.mean[1:]).all()
    assert ((one.day_ahead.occurrence[1:] > 0) & (one.day_ahead.occurrence[1:] < 1)).all()


def test_a_quiet_morning_lowers_the_afternoon():
    logs = thin(12, share=0.5)
    fit = CANDIDATES["state_space"](PastDays(logs[:11]), None)
    quiet = fit.update(np.full(30, -np.inf)).forecast(30).occurrence
    busy = fit.update(positive(np.zeros(30))).forecast(30).occurrence
    assert (quiet < 0.8 * busy).all()


def test_the_ratio_is_of_sums_of_the_past_alone():
    """After ten that do not count, 4, 0, 8 come where 2 is said; twenty of their mean weigh."""
    logs = np.log(np.array([10 * [4.0] + [4.0, 1.0, 8.0]]))
    logs[0, 11] = -np.inf
    found = level_ratio(np.full((1, 13), 2.0), logs)
    np.testing.assert_array_equal(found[:11], 1.0)
    np.testing.assert_allclose(found[11:], [84 / 82, 84 / 82, (12 + 120) / (4 + 120)])
    assert level_ratio(np.full((1, 13), np.nan), logs).tolist() == 14 * [1]


@pytest.mark.parametrize(("share", "seeds"), [(0.02, 40), (0.2, 8), (0.6, 8)])
def test_totals_are_right_on_average(share: float, seeds: int):
    """Ten days alike: the next one's total against their mean, whose days' factors it shares.

    Sizes alone, without the chance of one, would miss by 50, 5 and 1.7 times.
    """
    told, came = [], []
    for seed in range(seeds):
        volume = drawn(share, MEAN_SIZE, (10, 390), np.random.default_rng([seed, 5]))
        with np.errstate(divide="ignore"):
            past = PastDays(np.log(volume))
        track = track_candidate("state_space", past)
        ahead = CANDIDATES["state_space"](past, None).forecast(390).mean.sum()
        told.append(ahead * level_ratio(track.day_ahead.size, past.logs)[-1])
        came.append(volume.sum(axis=1).mean())
    assert np.mean(told) == pytest.approx(np.mean(came), rel=0.1)
