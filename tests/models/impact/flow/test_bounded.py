"""Gamma between nothing and the immediate response, against a numerical minimum."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize

from models.impact.flow.bounded import bounded_impact, projected
from models.impact.flow.immediate import ImmediateFit, fit_immediate
from models.impact.flow.permanent import PermanentImpact, permanent_impact
from models.impact.flow.trades import immediate_sums
from tests.models.impact.trade_tapes import Truth, edges, trades

DRAWS = 60


def covariance(first: float, second: float, correlation: float) -> np.ndarray:
    errors = np.array([first, second])
    return np.outer(errors, errors) * [[1, correlation], [correlation, 1]]


def minimum(estimates: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return the cone's nearest point by a general solver: gamma = a, immediate = a + b."""
    half = np.linalg.cholesky(np.linalg.inv(spread)).T
    found = optimize.nnls(half @ [[1.0, 0.0], [1.0, 1.0]], half @ estimates)[0]
    return np.array([found[0], found.sum()])


def test_the_projection_is_the_minimum_of_the_same_quadratic() -> None:
    rng = np.random.default_rng(0)
    for _ in range(400):
        estimates = rng.normal([1.0, 1.0], 1.5)
        spread = covariance(*rng.uniform(0.05, 1.0, 2), rng.uniform(-0.9, 0.9))
        found, best = projected(estimates, spread), minimum(estimates, spread)
        np.testing.assert_allclose([found.gamma, found.immediate], best, atol=1e-8)
        away = best - estimates
        assert found.distance == pytest.approx(away @ np.linalg.inv(spread) @ away, abs=1e-8)
        assert 0 <= found.low <= found.gamma + 1e-9 <= found.high + 2e-9
        assert 0 <= found.share_low <= found.share_high <= 1


def test_inside_the_cone_nothing_changes_and_at_the_bound_both_are_pooled() -> None:
    spread = covariance(0.3, 0.1, 0.2)
    inside = projected(np.array([0.2, 1.0]), spread)
    assert (inside.gamma, inside.immediate, inside.pooled) == (0.2, 1.0, False)
    assert (inside.standard_error, inside.distance) == (pytest.approx(0.3), 0.0)
    bound = projected(np.array([2.0, 1.0]), spread)
    precision = np.linalg.inv(spread)
    mean = precision.sum(axis=1) @ [2.0, 1.0] / precision.sum()
    assert bound.gamma == bound.immediate == pytest.approx(mean)
    assert bound.standard_error == pytest.approx(precision.sum() ** -0.5)
    assert bound.standard_error < 0.1


def test_the_intervals_are_where_the_profile_likelihood_is_near() -> None:
    rng, reach = np.random.default_rng(1), 1.96
    for _ in range(DRAWS):
        estimates = rng.normal([1.0, 1.0], 0.8)
        spread = covariance(*rng.uniform(0.1, 0.6, 2), rng.uniform(-0.5, 0.5))
        found, precision = projected(estimates, spread, reach), np.linalg.inv(spread)
        grid = np.linspace(0, 6, 1201)
        gamma, immediate = np.meshgrid(grid, grid, indexing="ij")
        away = np.stack([gamma, immediate], axis=-1) - estimates
        square = np.einsum("...i,ij,...j", away, precision, away)
        near = ((gamma <= immediate) & (square <= found.distance + reach**2)).any(axis=1)
        if near.any():
            assert found.low == pytest.approx(grid[near][0], abs=0.03)
            assert found.high == pytest.approx(grid[near][-1], abs=0.03)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
def test_intervals_hold_the_truth(share: float) -> None:
    rng, spread = np.random.default_rng(2), covariance(0.25, 0.08, 0.2)
    drawn = rng.multivariate_normal([share, 1.0], spread, 2000)
    found = [projected(each, spread) for each in drawn]
    held = np.mean([each.low <= share <= each.high for each in found])
    of_share = np.mean([each.share_low - 1e-9 <= share <= each.share_high + 1e-9 for each in found])
    assert 0.935 < held <= 0.985
    assert of_share > 0.935
    assert all(each.gamma <= each.immediate for each in found)


def fits(truth: Truth, seed: int, blocks: int = 13) -> tuple[PermanentImpact, ImmediateFit]:
    """Return both fits of one tape, gamma's by minute."""
    tape = trades(truth, seed, blocks)
    minutes = edges(blocks)[0] + np.arange(blocks * 30 + 1) * 60_000_000_000
    mids = tape.mid[np.maximum(np.searchsorted(tape.ts, minutes) - 1, 0)]
    period = np.searchsorted(minutes, tape.trade_ts, side="right") - 1
    flow = np.bincount(period, tape.aggressor * tape.trade_size, len(minutes) - 1)
    long_run = permanent_impact(np.diff(mids), flow, np.zeros(len(flow), np.int64))
    return long_run, fit_immediate(immediate_sums(tape, edges(blocks)))


@pytest.mark.parametrize("passing", [0.0, 1e-5])
def test_gamma_is_never_above_what_trades_move_at_once(passing: float) -> None:
    found = [bounded_impact(*fits(Truth(passing=passing), seed)) for seed in range(12)]
    for one in found:
        assert 0 <= one.gamma <= one.immediate
        assert one.gamma == pytest.approx(one.share * one.immediate)
        codes = {caveat.code for caveat in one.warnings}
        above = one.long_run.estimate > one.at_once.estimate
        assert ("gamma_at_immediate" in codes) == (above and one.long_run.gamma > 0)
        assert one.summary().count("gamma_at_immediate") == ("gamma_at_immediate" in codes)
    if not passing:
        assert 2 <= sum(one.share == 1.0 for one in found) <= 10
        assert sum(one.low <= 1e-5 <= one.high for one in found) >= 10


def test_without_an_immediate_response_gamma_stays_and_it_is_said() -> None:
    long_run, at_once = fits(Truth(), 3)
    unknown = replace(at_once, identified=False, warnings=fit_immediate_unknown().warnings)
    found = bounded_impact(long_run, unknown)
    assert (found.gamma, found.standard_error) == (long_run.gamma, long_run.standard_error)
    assert np.isnan(found.immediate)
    assert np.isnan(found.share)
    assert "immediate_not_identified" in {caveat.code for caveat in found.warnings}
    assert found.high - found.low == pytest.approx(2 * 1.96 * found.standard_error, rel=1e-3)


def fit_immediate_unknown() -> ImmediateFit:
    return fit_immediate(immediate_sums(trades(Truth(per_second=0.0), 0, 2), edges(2)))


def test_a_gamma_that_its_own_caveat_set_to_zero_stays_zero() -> None:
    long_run, at_once = fits(Truth(), 4)
    for estimate in (-1e-5, 5e-6, 5e-5):
        found = bounded_impact(replace(long_run, gamma=0.0, estimate=estimate), at_once)
        assert (found.gamma, found.share, found.low) == (0.0, 0.0, 0.0)
        assert found.immediate == at_once.estimate
        assert found.standard_error == long_run.standard_error
        assert "gamma_at_immediate" not in {caveat.code for caveat in found.warnings}


def test_the_influence_of_periods_makes_the_error() -> None:
    long_run, _ = fits(Truth(passing=1e-5), 5)
    found = np.linalg.norm(long_run.influence)
    assert found == pytest.approx(long_run.response.standard_error, rel=0.01)
    assert len(long_run.influence) == 390
