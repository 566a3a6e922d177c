"""A law whose days have levels of their own: what states do is told within days."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from models.impact.book.cost_law import CostLawFit, Family, fit_law, is_level
from models.impact.book.day_levels import totals
from models.impact.book.families import _quasi_score, _usable, attempt
from models.impact.book.identification import asymmetry, profile_range
from models.impact.book.two_way import apart
from models.impact.book.walks import Cells
from tests.models.impact.books import Truth, noisy, planted

CENTRE = 400.0  # shares
TRUTH = Truth(days=12, periods=20, forecast_error=0.2)


def of_days(cells: Cells, per_block: int = 0) -> Cells:
    """Give cells of `planted` their days; clusters are whole days or so many periods of one."""
    day = cells.cluster
    if not per_block:
        return replace(cells, day=day)
    change = np.flatnonzero(np.diff(cells.volatility, prepend=-1.0) != 0)
    period = np.repeat(np.arange(len(change)), np.diff(change, append=len(day)))
    first = np.array([period[day == one].min() for one in range(day.max() + 1)])
    return replace(cells, day=day, cluster=100 * day + (period - first[day]) // per_block)


def dear_when_volatile(cells: Cells) -> Cells:
    """Make each day dearer the more volatile it is, whatever moves within it."""
    day = cells.cluster
    mean = np.bincount(day, np.log(cells.volatility)) / np.bincount(day)
    return replace(cells, excess=cells.excess * np.exp(mean - mean.mean())[day])


def test_levels_of_days_that_go_with_their_volatility_do_not_move_beta() -> None:
    within, between = [], []
    for seed in range(8):
        cells = dear_when_volatile(planted(TRUTH, seed))
        within.append(fit_law(of_days(cells), Family.SPREAD_POWER, 2))
        between.append(fit_law(cells, Family.SPREAD_POWER, 2))
    for name in ("beta", "theta"):
        truth = getattr(TRUTH, name)
        found = np.array([one.value(name) for one in within])
        chance = 3 * found.std() / np.sqrt(len(within))
        assert chance < 0.25 * truth
        assert found.mean() == pytest.approx(truth, abs=chance), name
    assert np.mean([one.beta for one in between]) > 2 * TRUTH.beta


@pytest.mark.parametrize(("days", "per_block"), [(12, 0), (5, 2)])
def test_errors_of_the_shape_and_of_the_mean_over_days_cover(days: int, per_block: int) -> None:
    truth = replace(TRUTH, days=days, day_noise=0.15, tilt=0.02)
    fits = []
    for seed in range(50):
        fits.append(fit_law(of_days(planted(truth, seed), per_block), Family.SPREAD_POWER, 2))
    names = fits[0].names
    centre = np.eye(len(names))
    centre[is_level(names), names.index("k")] = np.log(CENTRE)
    planted_at = np.append(np.log(truth.alpha), [truth.k, truth.beta, truth.theta])
    off = np.array([centre @ (one.values - planted_at) for one in fits])
    delta = [replace(one.covariance, matrix=one.covariance.delta(centre)) for one in fits]
    reach = np.array([one.reach() for one in delta])
    error = np.array([one.standard_errors for one in delta])
    for place, name in enumerate(names):
        chance = 3 * off[:, place].std() / np.sqrt(len(fits))
        assert off[:, place].mean() == pytest.approx(0.0, abs=0.01 + chance), name
        assert (np.abs(off[:, place]) < reach[:, place]).mean() >= 0.86, name
        assert error[:, place].mean() == pytest.approx(off[:, place].std(), rel=0.35), name


def test_the_shape_is_that_of_the_gamma_regression_with_a_constant_a_day() -> None:
    """k, theta and their CR3 errors with all effects written out; levels have their closed form."""
    import statsmodels.api as sm

    cells, _ = noisy()
    cells = replace(cells, volatility=np.ones(len(cells.size)), day=cells.cluster)
    fit = fit_law(cells, Family.SPREAD_POWER, 3)
    effects = np.column_stack([np.eye(3)[cells.bucket], np.eye(30)[cells.cluster][:, 1:]])
    design = np.column_stack([effects, np.log(cells.size), np.log(cells.thinness)])
    link = sm.families.Gamma(link=sm.families.links.Log())
    glm = sm.GLM(cells.excess, design, family=link).fit(tol=1e-12)
    np.testing.assert_allclose((fit.k, fit.theta), glm.params[-2:], rtol=1e-6)
    residual = cells.excess / glm.fittedvalues - 1
    scores = []
    for day in range(30):  # a day's own constant is its alone: left out with it
        here = design[cells.cluster == day]
        left = np.eye(len(here)) - here @ np.linalg.inv(design.T @ design) @ here.T
        scores.append(here.T @ np.linalg.pinv(left, 1e-9) @ residual[cells.cluster == day])
    bread = np.linalg.inv(design.T @ (design * (1 + residual)[:, None]))
    covariance = (bread @ np.transpose(scores) @ scores @ bread)[-2:, -2:]
    mine = [fit.names.index(name) for name in ("k", "theta")]
    np.testing.assert_allclose(fit.covariance.matrix[np.ix_(mine, mine)], covariance, rtol=1e-5)
    rate = cells.excess / cells.size**fit.k / cells.thinness**fit.theta
    means = [rate[cells.bucket == bucket].mean() for bucket in range(3)]
    np.testing.assert_allclose(fit.alpha, means, rtol=1e-8)


def test_the_equations_within_days_are_right_and_ignore_levels_of_days() -> None:
    _, cells, costs = _usable(of_days(planted(replace(TRUTH, days=3), 0)), Family.SPREAD_POWER)
    score = _quasi_score(cells, costs, {}, levelled=True)
    point = np.array([-7.0, -7.1, 1.4, 0.5, 0.8])

    def scores(at: np.ndarray) -> np.ndarray:
        moved = point.copy()
        moved[score.kept] = at
        return totals(score, moved)[0]

    own, slopes, _ = totals(score, point)
    numeric = approx_fprime(point[score.kept], scores, 1e-7)
    np.testing.assert_allclose(slopes, numeric, atol=1e-5 * np.abs(numeric).max())
    level = np.exp(np.array([0.3, -0.4, 0.1]))[cells.day]
    moved = totals(replace(score, cost=score.cost * level), point)
    np.testing.assert_allclose(moved[0], own, atol=1e-8 * np.abs(slopes).max())


def plain(fit: CostLawFit) -> set[str]:
    return {caveat.code for caveat in fit.warnings}


def test_days_share_their_level_where_states_hardly_move_within_them() -> None:
    cells = planted(TRUTH, 0)
    day = cells.cluster
    mean = np.exp(np.bincount(day, np.log(cells.volatility)) / np.bincount(day))[day]
    still = replace(cells, volatility=mean)
    free = replace(cells, excess=np.where(day == 3, 0.0, cells.excess))
    turn = (cells.bucket == 0) == (day < 6)  # mornings of some days, afternoons of the others
    for each in (still, free, cells.take(turn)):
        shared, known = (fit_law(one, Family.SPREAD_POWER, 2) for one in (each, of_days(each)))
        np.testing.assert_array_equal(known.values, shared.values)
        assert "days_share_level" in plain(known)
        assert "days_share_level" not in plain(shared)
    assert "days_share_level" not in plain(fit_law(of_days(cells), Family.SPREAD_POWER, 2))


def test_the_profile_and_the_sides_are_those_of_the_law_within_days() -> None:
    cells = of_days(dear_when_volatile(planted(replace(TRUTH, tilt=0.02), 1)))
    sizes = len(np.unique(cells.size))
    side = np.tile(np.repeat([-1, 1], sizes), len(cells.size) // (2 * sizes))
    found = attempt(replace(cells, excess=cells.excess * np.exp(0.1 * side)), Family.SPREAD_POWER)
    fit = found.solution
    for name in ("k", "beta"):
        ends = profile_range(found, name)
        place = fit.score.place(name)
        reach = 2.2 * fit.standard_error(name)
        assert fit.influence.dof[place] > 5
        assert ends.low == pytest.approx(fit.value(name) - reach, abs=0.3 * reach)
        assert ends.high == pytest.approx(fit.value(name) + reach, abs=0.3 * reach)
    assert asymmetry(found, side[found.index]).estimate == pytest.approx(0.2, abs=0.01)


def test_effects_of_bucket_and_day_are_those_of_least_squares() -> None:
    rng = np.random.default_rng(0)
    value, weight = rng.normal(size=60), rng.integers(0, 3, 60).astype(float)
    bucket, day = rng.integers(0, 4, 60), rng.integers(0, 5, 60)
    design = np.column_stack([np.eye(4)[bucket], np.eye(5)[day]])
    root = np.sqrt(weight)
    best = np.linalg.lstsq(design * root[:, None], value * root)[0]
    known = weight > 0
    np.testing.assert_allclose(
        apart(value, weight, bucket, day)[known], (value - design @ best)[known], atol=1e-12
    )
    alone = apart(value, np.ones(60), bucket, None)
    np.testing.assert_allclose(np.bincount(bucket, alone), 0.0, atol=1e-12)
