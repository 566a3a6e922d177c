"""The contest's records by hand, and intervals that hold what they claim."""

from dataclasses import fields

import numpy as np
import pytest

from models.forecast.evaluation.contest import (
    interval,
    judge,
    loss_name,
    losses,
    standard_errors,
)
from models.forecast.intraday.catalogue import DEFAULT_CANDIDATE, CandidateTrack
from models.forecast.intraday.period_forecast import PeriodForecast
from models.losses import qlike, tweedie_deviance


def told(log_mean: np.ndarray, variance: float = 1.0) -> PeriodForecast:
    return PeriodForecast(log_mean, np.zeros(log_mean.shape), np.full(log_mean.shape, variance))


def rivals(
    days: int, errors: dict[str, float], seed: int = 0
) -> tuple[np.ndarray, dict[str, CandidateTrack]]:
    """Return logs and forecasts that miss their mean, each by its own noise."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(days, 120))
    logs = truth + 0.5 * rng.normal(size=truth.shape)
    forecasts = {
        name: told(truth + error * rng.normal(size=truth.shape)) for name, error in errors.items()
    }
    return logs, {name: CandidateTrack(each, each) for name, each in forecasts.items()}


def test_only_periods_that_all_forecast_are_compared():
    logs, tracks = rivals(10, {DEFAULT_CANDIDATE: 0.5, "profile": 0.5})
    hole = tracks["profile"].next_period.log_mean
    hole[:, :60] = np.nan
    assert (
        judge({name: each.next_period for name, each in tracks.items()}, logs, False, 2)[0].n
        == 8 * 60
    )


def test_the_loss_of_a_variance_is_qlike_of_its_mean():
    logs, tracks = rivals(4, {DEFAULT_CANDIDATE: 0.5})
    forecast = tracks[DEFAULT_CANDIDATE].next_period
    assert losses(forecast, logs, True).mean() == pytest.approx(qlike(np.exp(logs), forecast.mean))


@pytest.mark.parametrize("heavy", [False, True])
def test_intervals_cover_what_they_claim(heavy: bool):
    """Errors of another spread, fat tails: the past's quantiles are right, the Gaussian's not."""
    rng = np.random.default_rng(1)
    errors = 0.4 * rng.standard_t(3, size=(40, 100)) if heavy else rng.normal(size=(40, 100))
    forecast = told(np.zeros((40, 100)))
    early = PeriodForecast(*(getattr(forecast, each.name)[:20] for each in fields(PeriodForecast)))
    low, high = interval(forecast, standard_errors(early, errors[:20]), 0.9)
    level = np.exp(errors)[20:]
    assert ((level >= low[20:]) & (level <= high[20:])).mean() == pytest.approx(0.9, abs=0.02)
    low, high = interval(forecast, np.array([]), 0.9)
    assert ((level >= low[20:]) & (level <= high[20:])).mean() == pytest.approx(
        0.97 if heavy else 0.9, abs=0.02
    )


def test_forecasters_that_never_differ_share_a_record():
    logs, tracks = rivals(12, {"profile": 1.5, DEFAULT_CANDIDATE: 0.3})
    told_each = {name: each.next_period for name, each in tracks.items()}
    found = judge(told_each | {"twin": told_each[DEFAULT_CANDIDATE]}, logs, False, 4)
    assert [entry.candidate for entry in found] == [f"{DEFAULT_CANDIDATE} = twin", "profile"]
    assert found[0].blocks == 8 * 4


def test_a_day_is_scored_and_not_tested():
    logs, tracks = rivals(3, {"profile": 1.5, DEFAULT_CANDIDATE: 0.3})
    found = judge({name: each.next_period for name, each in tracks.items()}, logs, False, 2)
    assert [entry.n for entry in found] == [120, 120]
    assert np.isnan([(entry.dm_p, entry.mcs_p) for entry in found]).all()


def test_zeros_are_scored_by_means():
    logs = np.log(np.array([[2.0, 1.0], [3.0, 1.0]]))
    forecast = PeriodForecast(np.zeros((2, 2)), np.zeros((2, 2)), np.ones((2, 2)))
    assert [loss_name(logs, each) for each in (False, True)] == ["mse_log", "qlike"]
    logs[0, 1], logs[1, 1] = -np.inf, np.nan
    assert [loss_name(logs, each) for each in (False, True)] == ["tweedie", "qlike_zeros"]
    found = losses(forecast, logs, False)
    assert found[0, 1] == pytest.approx(tweedie_deviance(np.zeros(1), forecast.mean[0, :1])[0])
    assert np.isnan(found[1, 1])
    assert np.isfinite(losses(forecast, logs, True)[0]).all()


@pytest.mark.parametrize("chance", [0.05, 0.3, 0.97])
@pytest.mark.parametrize("empirical", [False, True])
def test_intervals_hold_what_they_claim_with_zeros_among_them(chance: float, empirical: bool):
    rng = np.random.default_rng(3)
    shape = (40, 500)
    logs = np.where(rng.random(shape) < chance, rng.normal(size=shape), -np.inf)
    forecast = PeriodForecast(*(np.full(shape, each) for each in (0.0, 0.0, 1.0, chance)))
    errors = standard_errors(forecast, logs) if empirical else np.array([])
    low, high = interval(forecast, errors, 0.9)
    held = ((np.exp(logs) >= low) & (np.exp(logs) <= high)).mean()
    assert held == pytest.approx(max(0.9, 1 - chance), abs=0.01)
    assert (low > 0).all() == (chance > 0.95)
