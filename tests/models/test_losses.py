"""Losses against other implementations, the sandwich by brute force."""

import numpy as np
import pytest
from sklearn.metrics import mean_gamma_deviance, mean_tweedie_deviance

from models.inference.covariance import Covariance, clustered
from models.losses import (
    gamma_deviance,
    qlike,
    qlike_losses,
    tweedie_deviance,
    variance_losses,
)


def test_gamma_deviance_is_sklearns_and_has_no_value_at_zero():
    rng = np.random.default_rng(0)
    observed, predicted = rng.gamma(2, 1, 50), rng.gamma(2, 1, 50)
    assert gamma_deviance(observed, predicted).mean() == pytest.approx(
        mean_gamma_deviance(observed, predicted)
    )
    assert np.isnan(gamma_deviance(np.zeros(1), np.ones(1)))[0]


def test_tweedie_deviance_is_sklearns_zeros_included():
    rng = np.random.default_rng(0)
    observed, predicted = rng.poisson(1, 50) * rng.gamma(2, 1, 50), rng.gamma(2, 1, 50)
    assert (observed == 0).any()
    assert tweedie_deviance(observed, predicted).mean() == pytest.approx(
        mean_tweedie_deviance(observed, predicted, power=1.5)
    )


def test_a_variance_of_zero_is_scored_by_log_h_and_others_by_qlike():
    realized, one, two = (np.array(each) for each in ([2.0, 0.0, 5.0], [1.0, 2, 3], [4.0, 1, 2]))
    with np.errstate(divide="ignore"):
        logs = np.log(realized)
    first, second = (variance_losses(logs, each) for each in (one, two))
    np.testing.assert_allclose(
        first - second, np.log(one) + realized / one - np.log(two) - realized / two
    )
    np.testing.assert_allclose(first[[0, 2]], qlike_losses(realized[[0, 2]], one[[0, 2]]))
    assert first.mean() == pytest.approx(
        (np.log(one) + realized / one).mean() - (np.log(realized[[0, 2]]) + 1).mean()
    )
    assert np.isnan(variance_losses(np.array([np.nan]), np.ones(1)))[0]


def test_qlike_is_least_at_the_truth_and_leaves_out_what_is_missing():
    rng = np.random.default_rng(1)
    realized = rng.chisquare(5, 20_000) / 5
    losses = {scale: qlike(realized, np.full(20_000, scale)) for scale in (0.8, 1.0, 1.25)}
    assert min(losses, key=losses.get) == 1.0
    assert qlike(np.array([2.0, np.nan, 0.0]), np.array([1.0, 1.0, 1.0])) == pytest.approx(
        1 - np.log(2)
    )
    assert np.isnan(qlike(np.array([np.nan]), np.ones(1)))


def test_clustered_covariance_is_the_sum_over_pairs_of_one_cluster():
    rng = np.random.default_rng(2)
    scores, bread = rng.normal(size=(40, 3)), rng.normal(size=(3, 3))
    cluster = rng.integers(0, 6, 40)
    meat = sum(
        np.outer(scores[i], scores[j])
        for i in range(40)
        for j in range(40)
        if cluster[i] == cluster[j]
    )
    inverse = np.linalg.inv(bread)
    np.testing.assert_allclose(
        clustered(bread, scores, cluster), inverse @ meat @ inverse.T * 6 / 5
    )
    with pytest.raises(ValueError, match="cluster: 1 found"):
        clustered(bread, scores, np.zeros(40, dtype=int))


def test_delta_method_by_hand():
    covariance = Covariance(("a", "b"), np.array([[4.0, 1.0], [1.0, 9.0]]))
    np.testing.assert_array_equal(covariance.standard_errors, [2, 3])
    np.testing.assert_array_equal(covariance.delta(np.array([[1.0, -1.0]])), [[4 + 9 - 2]])
