"""What the periods to come are expected to be when their place in the day is left aside."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.tilt import drawn, history, sessions
from pipeline.stages.forecasting.horizon import flat_level, horizon_forecast


def test_a_level_starts_from_the_last_observations_of_the_session() -> None:
    scope, dates = sessions()
    rng = np.random.default_rng(0)
    one = history(drawn(0.0, scope.periods, rng), rng)["half_spread"]
    before = horizon_forecast(one, dates, scope)
    assert flat_level(one, before, dates, scope) == pytest.approx(before.mean.mean())
    within = replace(scope, date=str(dates[-1]), first=70, starts=scope.starts[70:])
    expected = np.exp(one.measured[-1, 10:70]).mean()
    assert flat_level(one, before, dates, within) == pytest.approx(expected)
    later = one.measured.copy()
    later[-1, 70:] += 1.0  # not known yet
    assert flat_level(replace(one, measured=later), before, dates, within) == expected
