"""The choice: the better wins as days grow, the simplest stands before, equals are averaged."""

import numpy as np
import pytest

from models.forecast.evaluation.choice import choose, chosen_forecast
from models.forecast.evaluation.contest import losses
from models.forecast.intraday.catalogue import (
    DEFAULT_CANDIDATE,
    CandidateTrack,
    PastDays,
    track_candidate,
)
from tests.models.forecast.evaluation.test_contest import rivals, told
from tests.models.forecast.intraday.test_state_space import market


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


def test_one_day_can_overrule_the_default_and_is_not_called_a_test():
    logs, tracks = rivals(2, {DEFAULT_CANDIDATE: 2.0, "profile": 0.1})
    choice = choose(tracks, logs, False, "next_period", 1)
    assert (choice.members, choice.tested) == (("profile",), False)
    assert "over 1 day," in choice.reason


def test_without_a_day_to_score_the_state_space_stands():
    logs, tracks = rivals(1, {DEFAULT_CANDIDATE: 2.0, "profile": 0.1})
    choice = choose(tracks, logs, False, "next_period", 1)
    assert (choice.shares, choice.entries) == ({DEFAULT_CANDIDATE: 1.0}, ())


@pytest.mark.parametrize(("days", "least"), [(1, 0.48), (4, 0.45)])
def test_the_profile_stands_until_days_speak_against_it(days: int, least: float):
    """A forecaster two percent better: hardly believed of a day, alone after two hundred."""
    losses_of = {DEFAULT_CANDIDATE: 0.98, "profile": 1.0}

    def shares(count: int) -> dict[str, float]:
        logs = np.zeros((count + 1, 120))
        tracks = {
            name: CandidateTrack(*(told(np.full(logs.shape, loss**0.5)) for _ in range(2)))
            for name, loss in losses_of.items()
        }
        return choose(tracks, logs, False, "day_ahead", 1).shares

    weight = 0.5 / (0.5 + 0.5 * np.exp(4 * days / 2 * 0.02 / 0.98))
    assert shares(days)["profile"] == pytest.approx(weight)
    assert shares(days)["profile"] > least
    assert shares(200) == {DEFAULT_CANDIDATE: 1.0}


def test_a_market_of_known_dynamics_is_won_by_the_state_space():
    past = PastDays(market(24, 120, 8))
    tracks = {
        name: track_candidate(name, past)
        for name in (DEFAULT_CANDIDATE, "profile", "rolling_mean", "ewma")
    }
    assert choose(tracks, past.logs, False, "next_period", 8).members == (DEFAULT_CANDIDATE,)


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
