"""The rolling origin: which days it scores, what it may know, and that blocks change nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.forecast.daily.catalogue import MODELS
from models.forecast.evaluation.comparison import compare
from models.forecast.evaluation.rolling_origin import (
    BacktestProtocol,
    joined_tracks,
    track_model,
)
from tests.models.forecast.daily.test_catalogue import sp500
from tests.models.forecast.markets import market

WINDOW = 60


def test_days_and_levels_are_those_of_the_protocol():
    days = market(100)
    protocol = BacktestProtocol(WINDOW, horizon=3)
    origins = protocol.origins(len(days))
    assert (origins[0], origins[-1]) == (82, 97)
    track = track_model(MODELS["random_walk"], days, protocol, origins)
    assert track.day.tolist() == list(range(84, 100))
    np.testing.assert_array_equal(track.realized, days.level[84:])
    np.testing.assert_array_equal(track.mean, days.level[81:97])  # the day before the origin
    with pytest.raises(ValueError, match="panel: 82 days; window 60 and horizon 1 need 83"):
        BacktestProtocol(WINDOW).origins(82)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [((29,), "window"), ((60, 0), "horizon"), ((60, 41), "horizon"), ((60, 1, 1.0), "coverage")],
)
def test_a_protocol_is_checked(arguments: tuple[float, ...], name: str):
    with pytest.raises(ValueError, match=name):
        BacktestProtocol(*arguments)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("horizon", [1, 3])
def test_the_past_does_not_see_the_future(name: str, horizon: int):
    days = market(130)
    other = market(130, seed=9)
    changed = days[:100].followed_by(replace(other[100:], date=days.date[100:]))
    protocol = BacktestProtocol(WINDOW, horizon)
    origins = range(90, 104)
    one, two = (track_model(MODELS[name], each, protocol, origins) for each in (days, changed))
    known = np.asarray(origins) <= 100  # the forecast on the eve of day 100 knows days 0 to 99
    for field in ("mean", "low", "high", "replaced"):
        np.testing.assert_array_equal(getattr(one, field)[known], getattr(two, field)[known])
    assert not (one.mean[~known] == two.mean[~known]).any()


@pytest.mark.parametrize("name", ["har", "log_calendar_harq", "lightgbm", "local_level", "gjr"])
def test_blocks_change_nothing(name: str):
    days, protocol = market(120), BacktestProtocol(WINDOW)
    whole = track_model(MODELS[name], days, protocol, range(82, 120))
    blocks = range(82, 95), range(95, 120)
    parts = joined_tracks([track_model(MODELS[name], days, protocol, each) for each in blocks])
    np.testing.assert_allclose(parts.mean, whole.mean, rtol=1e-8)
    np.testing.assert_allclose(parts.high, whole.high, rtol=1e-8)


def test_intervals_cover_what_they_say():
    """Nominal 90 %: 4 standard errors of 1,200 scored days are 3.5 points."""
    days = market(1600, seed=11)
    protocol = BacktestProtocol(378)
    for name in ("har", "log_har", "ewma", "log_calendar_harq"):
        track = track_model(MODELS[name], days, protocol, protocol.origins(len(days)))
        inside = (track.realized >= track.low) & (track.realized <= track.high)
        assert len(inside) == 1200
        assert 0.865 < inside.mean() < 0.935, name


def test_sp500_beats_har_by_fifteen_per_cent(real_data: Path):
    """HAR's QLIKE over 3,074 days is .140, the best at most .119, significantly and in the set."""
    days, protocol = sp500(real_data), BacktestProtocol(1000)
    origins = protocol.origins(len(days))
    assert len(origins) == 3074
    names = ("har", "log_har", "semivariance_har", "log_calendar_harq", "combination")
    scores = compare(
        {name: track_model(MODELS[name], days, protocol, origins) for name in names}, "har", 1, 0
    )
    by_name = {score.model: score for score in scores}
    assert by_name["har"].qlike == pytest.approx(0.140, abs=5e-4)
    best = scores[0]
    assert best.qlike <= 0.119
    assert best.dm < 0
    assert best.dm_p < 0.001
    assert best.in_mcs
    assert all(0.87 <= score.coverage <= 0.93 for score in scores)
    assert not by_name["har"].in_mcs
