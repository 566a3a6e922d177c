"""Losses and tests against what they are by definition."""

from dataclasses import replace

import numpy as np
import pytest

from models.forecast.evaluation.comparison import (
    compare,
    confidence_set,
    diebold_mariano,
)
from models.forecast.evaluation.rolling_origin import DailyTrack


def track(realized: np.ndarray, mean: np.ndarray) -> DailyTrack:
    return DailyTrack(
        np.arange(len(mean)), realized, mean, mean / 2, mean * 2, np.zeros(len(mean), dtype=bool)
    )


def test_scores_by_hand():
    realized = np.array([1.0, 2.0, 0.0, 8.0])
    scores = compare(
        {"a": track(realized, np.full(4, 2.0)), "b": track(realized, np.full(4, 4.0))}, "a", 1, 0
    )
    one = {score.model: score for score in scores}["a"]
    assert one.qlike == pytest.approx((0.5 + np.log(2) - 1 + 0 + 4 - np.log(4) - 1) / 3)
    assert one.mse == pytest.approx((1 + 0 + 36) / 3)
    assert one.mae_log == pytest.approx(np.log(2) * 3 / 3)
    assert one.bias == pytest.approx(2 / (11 / 3) - 1)
    assert one.coverage == pytest.approx(2 / 3)
    assert np.isnan(one.dm_p)
    assert np.isnan(one.mcs_p)
    assert scores[0].qlike <= scores[1].qlike


def test_diebold_mariano_is_newey_west_written_out():
    rng = np.random.default_rng(1)
    difference = np.convolve(rng.normal(size=305), np.ones(6), mode="valid") + 0.5
    lags, rest = 6, difference - difference.mean()  # 300^(1/3)
    autocovariance = [
        (rest[lag:] * rest[: len(rest) - lag]).sum() / len(rest) for lag in range(lags + 1)
    ]
    long_run = autocovariance[0] + 2 * sum(
        (1 - lag / (lags + 1)) * autocovariance[lag] for lag in range(1, lags + 1)
    )
    statistic, p = diebold_mariano(difference, 1)
    assert statistic == pytest.approx(difference.mean() / np.sqrt(long_run / 300))
    assert 0 < p < 1
    assert np.isnan(diebold_mariano(np.zeros(100), 1)[0])


def test_under_the_null_the_test_rejects_as_often_as_it_says():
    rng = np.random.default_rng(2)
    rejected = np.mean([diebold_mariano(rng.normal(size=300), 1)[1] < 0.05 for _ in range(400)])
    assert 0.02 < rejected < 0.1


def test_the_confidence_set_keeps_equals_and_drops_the_worse():
    rng = np.random.default_rng(3)
    losses = {
        "good": rng.normal(size=500),
        "equal": rng.normal(size=500),
        "bad": rng.normal(size=500) + 0.5,
    }
    found = confidence_set(losses, 0)
    assert found == confidence_set(losses, 0)
    assert found["bad"] < 0.01
    assert min(found["good"], found["equal"]) > 0.1


def test_models_that_do_not_differ_share_a_p():
    rng = np.random.default_rng(4)
    losses = {"a": rng.normal(size=200), "b": rng.normal(size=200)}
    found = confidence_set(losses | {"again": losses["b"].copy()}, 0)
    assert found["again"] == found["b"]
    assert np.isnan(confidence_set({"a": losses["a"], "again": losses["a"] + 1e-15}, 0)["a"])
    assert np.isnan(diebold_mariano(np.full(100, 1e-15), 1)[0])


def test_nothing_to_score_is_refused():
    some = track(np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match="baseline: 'c' is not among"):
        compare({"a": some}, "c", 1, 0)
    with pytest.raises(ValueError, match="no day to score"):
        compare({"a": replace(some, realized=np.zeros(3))}, "a", 1, 0)
