"""Shrinkage of time-of-day levels, against direct conditioning and on planted curves."""

import numpy as np
import pytest

from models.pooling.time_of_day import LENGTHS, shrink_profile

BUCKETS = 13
MIDPOINTS = (np.arange(BUCKETS) + 0.5) / BUCKETS
TIMES = (np.arange(390) + 0.5) / 390
SHAPES = {
    "flat": 0 * TIMES,
    "smile": 1.5 * (TIMES - 0.5) ** 2,
    "open": 0.6 * np.exp(-TIMES / 0.1) + 0.3 * TIMES,
}


def noisy(
    shape: np.ndarray, error: float, rng: np.random.Generator, uneven: float = 2.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return levels and an exponent with errors that share a large part, and their covariance."""
    loads = np.append(np.full(BUCKETS, 0.3), -0.04)
    own = error**2 * rng.uniform(1 / uneven, uneven, BUCKETS)
    covariance = np.outer(loads, loads) + np.diag(np.append(own, 1e-5))
    truth = np.append(-7 + shape.reshape(BUCKETS, -1).mean(axis=1), 1.5)
    return truth + rng.multivariate_normal(np.zeros(BUCKETS + 1), covariance), covariance


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("error", [0.05, 0.2])
def test_the_curve_is_nearer_to_the_truth_than_the_levels(shape, error):
    rng = np.random.default_rng(0)
    truth, squares, covered = -7 + SHAPES[shape], [], []
    for _ in range(25):
        estimates, covariance = noisy(SHAPES[shape], error, rng)
        fit = shrink_profile(estimates, covariance, MIDPOINTS, TIMES)
        steps = np.repeat(estimates[:BUCKETS], 30)
        squares.append([np.var(fit.curve - truth), np.var(steps - truth)])
        level = truth.reshape(BUCKETS, -1).mean(axis=1)
        covered.append(
            np.abs(fit.values[:BUCKETS] - level) < 1.96 * np.sqrt(np.diag(fit.covariance)[:BUCKETS])
        )
    ours, plain = np.mean(squares, axis=0)
    assert ours < 0.75 * plain
    assert 0.85 <= np.mean(covered) <= 1.0


def test_it_is_the_posterior_of_a_gaussian_process_with_a_vague_mean(monkeypatch):
    """Given deviation and length, condition the joint normal by hand."""
    import models.pooling.time_of_day

    monkeypatch.setattr(models.pooling.time_of_day, "DEVIATIONS", np.array([0.3]))
    monkeypatch.setattr(models.pooling.time_of_day, "LENGTHS", np.array([0.4]))
    estimates, covariance = noisy(SHAPES["smile"], 0.1, np.random.default_rng(1), uneven=1.0)
    fit = shrink_profile(estimates, covariance, MIDPOINTS, TIMES[::40])
    places = np.concatenate([MIDPOINTS, TIMES[::40]])
    distance = np.sqrt(5) * np.abs(places[:, None] - places) / 0.4
    prior = (
        0.09 * (1 + distance + distance**2 / 3) * np.exp(-distance) + 1e4
    )  # a vague mean around -7
    n = len(places) + 1
    full = np.zeros((n, n))
    full[:-1, :-1], full[-1, -1] = prior, 1e4  # the exponent, vague
    seen = np.r_[0:BUCKETS, n - 1]
    gain = full[:, seen] @ np.linalg.inv(full[np.ix_(seen, seen)] + covariance)
    start = np.append(np.full(n - 1, -7.0), 1.5)
    mean = start + gain @ (estimates - start[seen])
    spread = full - gain @ full[seen]
    np.testing.assert_allclose(fit.values, mean[seen], atol=1e-4)
    np.testing.assert_allclose(fit.covariance, spread[np.ix_(seen, seen)], atol=2e-4)
    np.testing.assert_allclose(fit.curve, mean[BUCKETS:-1], atol=1e-4)
    np.testing.assert_allclose(fit.curve_errors, np.sqrt(np.diag(spread)[BUCKETS:-1]), rtol=2e-3)


def test_precise_levels_stay_and_noise_becomes_flat():
    rng = np.random.default_rng(2)
    levels = -7 + 0.5 * rng.normal(size=BUCKETS)
    exact = shrink_profile(levels, 1e-8 * np.eye(BUCKETS), MIDPOINTS, MIDPOINTS)
    np.testing.assert_allclose(exact.values, levels, atol=1e-3)
    np.testing.assert_allclose(exact.curve, levels, atol=1e-3)
    assert exact.effective_dof == pytest.approx(BUCKETS, abs=0.01)
    noise = shrink_profile(levels, 25.0 * np.eye(BUCKETS), MIDPOINTS, TIMES)
    assert np.ptp(noise.curve) < 0.1 * np.ptp(levels)
    assert noise.effective_dof < 3
    np.testing.assert_allclose(noise.weights.sum(axis=1), 1.0, rtol=1e-9)
    np.testing.assert_allclose(noise.weights @ levels, noise.values, rtol=1e-9)


def test_the_curve_has_no_steps():
    estimates, covariance = noisy(SHAPES["open"], 0.1, np.random.default_rng(3))
    fit = shrink_profile(estimates, covariance, MIDPOINTS, TIMES)
    largest = np.abs(np.diff(estimates[:BUCKETS])).max()
    assert np.abs(np.diff(fit.curve)).max() < 0.15 * largest
    assert LENGTHS[0] <= fit.length <= LENGTHS[-1]


def test_a_noisy_bucket_borrows_from_its_neighbours_and_others_stay():
    levels = -7 + 0.3 * MIDPOINTS
    levels[6] += 1.0
    covariance = np.diag(np.append(np.full(BUCKETS, 0.02**2), [1e-4, 0.0]))
    covariance[6, 6] = 1.0
    fit = shrink_profile(np.append(levels, [1.5, 2.0]), covariance, MIDPOINTS, TIMES)
    assert fit.values[6] == pytest.approx(-7 + 0.3 * MIDPOINTS[6], abs=0.05)
    assert fit.own_weight[6] < 0.05
    assert fit.values[BUCKETS:].tolist() == [1.5, 2.0]
    assert not fit.covariance[-1].any()


def test_a_covariance_of_few_clusters_does_not_drive_levels_out_of_their_range():
    """Two blocks a bucket, as one day gives: directions of next to no variance, by chance."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        blocks = rng.normal(size=(26, BUCKETS)) * 0.2
        own = np.where(np.arange(26)[:, None] // 2 == np.arange(BUCKETS), blocks * 3, 0)
        own += 0.3 * rng.normal(size=(26, 1))
        covariance = own.T @ own / 26 * 2
        levels = -10 + rng.normal(0, 0.2, BUCKETS)
        fit = shrink_profile(levels, covariance, MIDPOINTS, TIMES)
        assert levels.min() < fit.values.min() <= fit.values.max() < levels.max()
        assert abs(fit.values.mean() - levels.mean()) < 0.1
        assert (fit.own_weight > 0).all()
        assert (fit.own_weight < 1.01).all()


def test_borrowed_buckets_with_one_common_error_do_no_harm():
    estimates, covariance = noisy(SHAPES["smile"], 0.1, np.random.default_rng(4))
    take = np.r_[0:5, 4, 6 : BUCKETS + 1]
    fit = shrink_profile(estimates[take], covariance[np.ix_(take, take)], MIDPOINTS, TIMES)
    assert np.isfinite(fit.curve_errors).all()
    assert (np.linalg.eigvalsh(fit.covariance) > -1e-9).all()


@pytest.mark.parametrize("levels", [1, 3])
def test_few_levels_stand_for_themselves(levels):
    middle = (np.arange(levels) + 0.5) / levels
    values = np.append(-7 + middle, 1.5)
    fit = shrink_profile(values, 0.01 * np.eye(levels + 1), middle, TIMES)
    np.testing.assert_array_equal(fit.values, values)
    np.testing.assert_allclose(fit.curve, np.interp(TIMES, middle, values[:-1]))
    assert fit.curve_errors[0] == pytest.approx(0.1)
    assert [caveat.code for caveat in fit.warnings] == ["profile_not_shrunk"] * (levels > 1)
    assert "levels" in fit.summary()


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="covariance: shape"):
        shrink_profile(np.zeros(13), np.eye(12), MIDPOINTS, TIMES)


def test_levels_without_error_are_kept_or_seen_as_near_the_curve_as_half_the_median():
    levels = np.linspace(0, 1, BUCKETS)
    exact = shrink_profile(levels, np.zeros((BUCKETS, BUCKETS)), MIDPOINTS, TIMES)
    np.testing.assert_array_equal(exact.values, levels)
    np.testing.assert_array_equal(exact.curve_errors, 0)
    rng = np.random.default_rng(1)
    noisy = rng.normal(0, 0.3, BUCKETS)
    one = shrink_profile(noisy, 0.09 * np.diag(np.arange(BUCKETS) != 3), MIDPOINTS, TIMES)
    assert 0 < one.own_weight[3] < 1
    assert one.own_weight[3] > np.median(one.own_weight)
