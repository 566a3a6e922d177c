"""Regressors by hand."""

import numpy as np

from models.forecast.daily import designs
from tests.models.forecast.markets import market


def test_rows_by_hand():
    days = market(40)
    level, noise = days.level, np.sqrt(days.quarticity)
    day = 30
    row = day - designs.START
    week, month = level[day - 4 : day + 1].mean(), level[day - 21 : day + 1].mean()
    har = [1, level[day], week, month]
    np.testing.assert_allclose(designs.harq(days)[row], [*har, level[day] * noise[day]])
    halves = [days.negative[day], days.positive[day]]
    np.testing.assert_allclose(designs.semivariance_har(days)[row], [1, *halves, week, month])
    np.testing.assert_allclose(designs.jump_har(days)[row], [*har, days.jump[day]])
    logs = np.log(har[1:])
    tilt = [
        np.log(days.negative[each].mean() / days.positive[each].mean())
        for each in (slice(day, day + 1), slice(day - 4, day + 1))
    ]
    np.testing.assert_allclose(
        designs.log_semivariance_harq(days)[row], [1, *logs, *tilt, np.log(noise[day] / level[day])]
    )
    calendar = designs.log_calendar_har(days)[row]
    np.testing.assert_allclose(calendar[:4], [1, *logs])
    np.testing.assert_array_equal(calendar[4:], designs.next_weekday(days)[row])
    np.testing.assert_allclose(
        designs.log_jump_har(days)[row], [1, *logs, np.log(1 + days.jump[day] / level[day])]
    )


def test_the_next_weekday_skips_a_closed_weekend_only():
    days = market(40)  # business days from a Wednesday
    found = designs.next_weekday(days)
    friday = np.flatnonzero(np.datetime_as_string(days.date[designs.START :]) == "2020-01-31")[0]
    assert found[friday].tolist() == [0, 0, 0, 0, 0, 0]  # Monday
    assert found[friday + 1].tolist() == [1, 0, 0, 0, 0, 0]
    round_the_clock = type(days)(
        np.ones(40), date=np.arange("2020-01-01", "2020-02-10", dtype="datetime64[D]")
    )
    found = designs.next_weekday(round_the_clock)
    friday = 30 - designs.START  # 31 January
    assert found[friday].argmax() == 4
    assert found[friday + 2].sum() == 0
