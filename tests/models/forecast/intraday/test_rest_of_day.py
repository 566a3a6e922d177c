"""The rest of the day: what the day so far adds, and where it adds nothing."""

import numpy as np
import pytest

from models.forecast.intraday.catalogue import DEFAULT_CANDIDATE, PastDays
from models.forecast.intraday.rest_of_day import forecast_rest_of_day, update_weights
from tests.models.forecast.intraday.test_state_space import market


def test_the_day_so_far_improves_the_rest():
    surprise = np.random.default_rng(7).normal(scale=0.6, size=(40, 1))  # of the day's level
    logs = market(40, 120, 6) + surprise
    found = forecast_rest_of_day(
        PastDays(logs), {DEFAULT_CANDIDATE: 1.0}, range(20, 40), np.array([0, 30, 60, 90])
    )
    updated, morning = (np.abs(each).mean(axis=0) for each in (found.updated, found.morning))
    assert updated[0] == pytest.approx(morning[0])
    assert (updated[1:] < 0.8 * morning[1:]).all()
    short = logs.copy()
    short[-1, 60:] = np.nan
    found = forecast_rest_of_day(
        PastDays(short), {DEFAULT_CANDIDATE: 1.0}, range(39, 40), np.array([90])
    )
    assert np.isnan(found.updated).all()


def test_updates_that_have_not_helped_are_left_out():
    """Mornings that already know the level, and updates that only add noise to it."""
    rng = np.random.default_rng(0)
    origins = np.array([0, 30, 60, 90])
    morning = 0.05 * rng.standard_normal((6, 4))
    np.testing.assert_array_equal(
        update_weights(morning + 0.3 * np.sign(morning), morning, origins, 120), 0.0
    )
    right = update_weights(np.zeros((6, 4)), morning, origins, 120)
    np.testing.assert_allclose(right, (0.5 / 6 + 1) / (1 / 6 + 1))
    np.testing.assert_array_equal(update_weights(morning[:0], morning[:0], origins, 120), 0.5)


def test_what_is_used_rests_on_days_before():
    logs = market(12, 120, 6)
    origins = np.array([30, 60])
    changed = logs.copy()
    changed[9:] += 1.0
    one, two = (
        forecast_rest_of_day(PastDays(each), {DEFAULT_CANDIDATE: 1.0}, range(6, 12), origins)
        for each in (logs, changed)
    )
    np.testing.assert_array_equal(one.used[:3], two.used[:3])
    np.testing.assert_array_equal(one.weights[:4], two.weights[:4])
    assert (one.weights[6] != two.weights[6]).any()
