"""The VWAP curve: a share, shaped like the day's volume."""

import numpy as np
import pytest

from models.forecast.intraday.state_space import fit_intraday
from models.forecast.intraday.volume_curve import expected_volume_curve
from tests.models.forecast.intraday.test_state_space import market, shape


def test_the_curve_is_a_share_and_follows_the_profile():
    logs = market(10, 60, 7)
    curve = expected_volume_curve(fit_intraday(logs[:-1]).forecast(60), logs[:-1])
    assert curve[-1] == pytest.approx(1)
    assert (np.diff(curve) > 0).all()
    truth = np.exp(shape(60)).cumsum() / np.exp(shape(60)).sum()
    even = np.arange(1, 61) / 60
    assert np.abs(curve - truth).mean() < 0.5 * np.abs(even - truth).mean()
