"""The contest: the better wins, equals are averaged, and intervals hold what they claim."""

from dataclasses import fields

import numpy as np
import pytest

from models.forecast.evaluation.contest import (
    choose,
    chosen_forecast,
    interval,
    judge,
    losses,
    standard_errors,
)
from models.forecast.intraday.catalogue import (
    DEFAULT_CANDIDATE,
    CandidateTrack,
    PastDays,
    track_candidate,
)
from models.forecast.intraday.period_forecast import PeriodForecast
from models.forecast.intraday.rest_of_day import forecast_rest_of_day
from models.losses import qlike
from tests.models.forecast.intraday.test_state_space import market


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


def test_the_best_wins_alone():
    logs, tracks = rivals(12, {DEFAULT_CANDIDATE: 0.6, "profile": 1.5, "averaged": 0.1})
    choice = choose(tracks, logs, False, "next_period", 4)
    assert choice.members == ("averaged",)
    assert choice.tested
    assert [entry.candidate for entry in choice.entries] == [
        "averaged",
        DEFAULT_CANDIDATE,
        "profile",
    ]
    assert choice.entries[0].n == 8 * 120


def test_equals_are_kept_as_often_as_the_set_claims_and_their_average_is_better():
    kept = 0
    for seed in range(40):
        logs, tracks = rivals(15, {DEFAULT_CANDIDATE: 0.5, "profile": 1.5, "averaged": 0.5}, seed)
        choice = choose(tracks, logs, False, "day_ahead", 5)
        if len(choice.members) > 1:
            kept += 1
            both = losses(chosen_forecast(tracks, choice, "day_ahead"), logs, False).mean()
            assert both < min(
                losses(tracks[name].day_ahead, logs, False).mean() for name in choice.members
            )
    assert kept >= 30  # 36 expected of a 90 % set, some fewer with forty observations


def test_twins_count_once():
    logs, tracks = rivals(12, {DEFAULT_CANDIDATE: 0.3, "profile": 1.5})
    tracks["combined_level"] = tracks[DEFAULT_CANDIDATE]
    assert choose(tracks, logs, False, "next_period", 4).members == (DEFAULT_CANDIDATE,)


def test_too_few_days_leave_the_default():
    logs, tracks = rivals(3, {DEFAULT_CANDIDATE: 2.0, "profile": 0.1})
    choice = choose(tracks, logs, False, "next_period", 1)
    assert choice.members == (DEFAULT_CANDIDATE,)
    assert not choice.tested
    assert "2 days" in choice.reason


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


def test_the_day_so_far_improves_the_rest():
    surprise = np.random.default_rng(7).normal(scale=0.6, size=(40, 1))  # of the day's level
    logs = market(40, 120, 6) + surprise
    found = forecast_rest_of_day(
        PastDays(logs), (DEFAULT_CANDIDATE,), range(20, 40), np.array([0, 30, 60, 90])
    )
    updated, morning = (np.abs(each).mean(axis=0) for each in (found.updated, found.morning))
    assert updated[0] == pytest.approx(morning[0])
    assert (updated[1:] < 0.8 * morning[1:]).all()
    short = logs.copy()
    short[-1, 60:] = np.nan
    found = forecast_rest_of_day(
        PastDays(short), (DEFAULT_CANDIDATE,), range(39, 40), np.array([90])
    )
    assert np.isnan(found.updated).all()


def test_a_market_of_known_dynamics_is_won_by_the_state_space():
    past = PastDays(market(24, 120, 8))
    tracks = {
        name: track_candidate(name, past)
        for name in (DEFAULT_CANDIDATE, "profile", "rolling_mean", "ewma")
    }
    assert choose(tracks, past.logs, False, "next_period", 8).members == (DEFAULT_CANDIDATE,)


def test_a_set_that_could_not_be_tested_is_not_claimed():
    """Six losses of whole days are too few for the confidence set: nobody is its survivor."""
    logs, tracks = rivals(8, {DEFAULT_CANDIDATE: 0.6, "profile": 1.5, "averaged": 0.1})
    cut = {
        name: CandidateTrack(
            told(each.next_period.log_mean[:, :20]), told(each.day_ahead.log_mean[:, :20])
        )
        for name, each in tracks.items()
    }
    choice = choose(cut, logs[:, :20], False, "next_period", 2)
    assert (choice.members, choice.tested) == ((DEFAULT_CANDIDATE,), False)
    assert "too few to test" in choice.reason
    assert choice.entries[0].candidate == "averaged"  # what was found is still told


def test_an_average_is_judged_where_its_members_are():
    """Being perfect where the other has no word is no reason against their average."""
    rng = np.random.default_rng(0)
    logs, best, other = (
        np.zeros((20, 240)),
        rng.normal(size=(20, 240)),
        1.02 * rng.normal(size=(20, 240)),
    )
    best[:, :180], other[:, :180] = 0.0, np.nan
    tracks = {
        name: CandidateTrack(told(each), told(each))
        for name, each in ((DEFAULT_CANDIDATE, best), ("profile", other))
    }
    choice = choose(tracks, logs, False, "next_period", 2)
    assert set(choice.members) == {DEFAULT_CANDIDATE, "profile"}
    assert "averaged" in choice.reason
