"""Estimates without a group against fits without it."""

import numpy as np
import pytest

from models.impact.book.cost_law import Family, fit_law
from models.inference.leave_out import changes_without, slopes_without
from tests.models.impact.books import Truth, planted


def test_a_step_without_a_day_is_the_fit_without_it_to_first_order():
    cells = planted(Truth(days=12, periods=20, day_noise=0.1, tilt=0.02), 1)
    fit = fit_law(cells, Family.SPREAD_POWER, 2)
    labels, changes = changes_without(fit.sums, fit.transform, fit.sums.labels)
    errors = fit.covariance.standard_errors
    assert len(labels) == 12
    for label, change in zip(labels, changes, strict=True):
        refit = fit_law(cells.take(np.flatnonzero(cells.cluster != label)), fit.family, 2)
        np.testing.assert_allclose(change, refit.values - fit.values, atol=0.25 * errors.max())
        assert change[2] == pytest.approx(refit.k - fit.k, abs=0.1 * errors[2])


def test_several_clusters_go_together_and_what_is_left_may_not_do():
    cells = planted(Truth(days=12, periods=20, day_noise=0.1), 2)
    fit = fit_law(cells, Family.SPREAD_POWER, 2)
    labels, changes = changes_without(fit.sums, fit.transform, fit.sums.labels // 4)
    assert list(labels) == [0, 1, 2]
    rest = np.flatnonzero(cells.cluster // 4 != 1)
    refit = fit_law(cells.take(rest), Family.SPREAD_POWER, 2)
    assert changes[1][2] == pytest.approx(refit.k - fit.k, abs=fit.covariance.standard_errors[2])
    _, alone = changes_without(fit.sums, fit.transform, np.zeros(12, dtype=int))
    assert np.isnan(alone).all()


def test_slopes_without_a_group_are_least_squares_on_the_rest():
    rng = np.random.default_rng(0)
    x, group = rng.normal(size=200), rng.integers(0, 5, 200)
    y = 2 * x + rng.normal(size=200) + group
    x[3], y[7] = np.nan, np.nan
    slope, labels, without = slopes_without(x, y, group)
    known = np.isfinite(x) & np.isfinite(y)
    assert slope == pytest.approx(np.polyfit(x[known], y[known], 1)[0])
    for label, one in zip(labels, without, strict=True):
        kept = known & (group != label)
        assert one == pytest.approx(np.polyfit(x[kept], y[kept], 1)[0])
