"""The bootstrap beside the sandwich, and the joint covariance, against independent estimates."""

import numpy as np
import pytest

from models.impact.book.cost_law import Family, fit_law
from models.inference.covariance import Covariance, Influence
from models.inference.joint import joined, one_step_bootstrap, slope_influence
from tests.models.impact.books import Truth, noisy, planted


def test_the_bootstrap_agrees_with_refits_on_the_same_draws():
    """One Newton step on drawn clusters is the refit on them, to first order."""
    cells, _ = noisy()
    fit = fit_law(cells, Family.SPREAD_POWER, 3)
    drawn = one_step_bootstrap(fit.values, fit.sums, fit.transform, 12, 3)
    picks = np.random.default_rng(3).integers(30, size=(12, 30))
    for stepped, pick in zip(drawn.estimates, picks, strict=True):
        rows = np.concatenate(
            [np.flatnonzero(cells.cluster == fit.sums.labels[one]) for one in pick]
        )
        refit = fit_law(cells.take(rows), Family.SPREAD_POWER, 3)
        assert np.abs(stepped - refit.values).max() < 0.5 * fit.covariance.standard_errors.max()
        assert stepped[3] == pytest.approx(refit.k, abs=0.3 * fit.covariance.standard_errors[3])


def test_bootstrap_errors_are_near_the_sandwichs_on_many_clusters():
    cells = planted(Truth(days=60, periods=8, day_noise=0.1, tilt=0.02), 0)
    fit = fit_law(cells, Family.SPREAD_POWER, 2)
    drawn = one_step_bootstrap(fit.values, fit.sums, fit.transform, 800, 0)
    np.testing.assert_allclose(drawn.standard_errors, fit.covariance.standard_errors, rtol=0.15)


def test_slope_influence_is_the_clustered_error_of_statsmodels():
    import statsmodels.api as sm

    rng = np.random.default_rng(0)
    x, y, cluster = rng.normal(size=200), rng.normal(size=200), rng.integers(0, 12, 200)
    found = slope_influence(np.append(x, np.nan), np.append(y, 1.0), np.append(cluster, 5))
    fit = sm.OLS(y, sm.add_constant(x)).fit(
        cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False}
    )
    assert np.sqrt(found.covariance[0, 0]) == pytest.approx(fit.bse[1], rel=1e-9)
    assert not slope_influence(np.ones(10), y[:10], cluster[:10]).values.any()


def test_joined_keeps_both_errors_and_takes_their_correlation_from_the_clusters():
    rng = np.random.default_rng(1)
    labels = np.arange(40)
    common = rng.normal(size=40)
    own = np.column_stack([common + rng.normal(size=40), rng.normal(size=40)])
    influence = Influence(labels, own, np.full(2, 30.0))
    other = Influence(labels[5:], (2 * common)[5:, None], np.array([34.0]))
    covariance = Covariance(("a", "b"), influence.covariance, influence.dof)
    full = joined(covariance, influence, "gamma", other, 0.3)
    assert full.names == ("a", "b", "gamma")
    np.testing.assert_allclose(full.matrix[:2, :2], covariance.matrix)
    assert full.standard_errors[2] == pytest.approx(0.3)
    expected = own[5:, 0] @ common[5:] / np.sqrt((own[:, 0] ** 2).sum() * (common[5:] ** 2).sum())
    assert full.matrix[0, 2] / (full.standard_errors[0] * 0.3) == pytest.approx(expected)
    assert np.linalg.eigvalsh(full.matrix)[0] > 0
    assert full.dof.tolist() == [30, 30, 34]


def test_sampling_correlation_of_two_estimates_on_shared_shocks_is_found():
    """A mean and a slope that one daily shock moves correlate over data sets as reported."""
    rng = np.random.default_rng(2)
    means, slopes, reported = [], [], []
    for _ in range(400):
        shock, x = rng.normal(size=(30, 1)), rng.normal(size=(30, 20))
        first, y = shock + 0.5 * rng.normal(size=(30, 20)), shock * x + rng.normal(size=(30, 20))
        day = np.repeat(np.arange(30), 20)
        own = Influence(
            np.arange(30), (first - first.mean()).sum(axis=1, keepdims=True) / 600, np.array([29.0])
        )
        slope = slope_influence(x.ravel(), y.ravel(), day)
        full = joined(
            Covariance(("mean",), own.covariance),
            own,
            "slope",
            slope,
            float(np.linalg.norm(slope.values)),
        )
        means.append(first.mean())
        slopes.append(np.polyfit(x.ravel(), y.ravel(), 1)[0])
        reported.append(full.matrix[0, 1] / np.prod(full.standard_errors))
    assert np.mean(reported) == pytest.approx(np.corrcoef(means, slopes)[0, 1], abs=0.08)
    assert np.mean(reported) > 0.5
