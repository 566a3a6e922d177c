"""What moves from day to day, found beside blocks within days, against planted variances."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from models.impact.book.cost_law import Family, fit_law, is_level
from models.inference.covariance import ClusterSums, Influence, jackknifed
from models.inference.day_shifts import Days, day_shifts
from models.inference.joint import one_step_bootstrap
from tests.models.impact.books import noisy

DAYS, BLOCKS, ROWS = 5, 20, 8


def line(seed: int, level: float, slope: float) -> tuple[np.ndarray, ClusterSums]:
    """Least squares of a line around 0 whose level and slope move from day to day, by block."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(DAYS * BLOCKS, ROWS))
    moved = rng.normal(size=(2, DAYS, 1)) * np.array([level, slope])[:, None, None]
    a, b = np.repeat(moved, BLOCKS, axis=1)
    y = a + b * x + rng.normal(size=x.shape) + 0.5 * rng.normal(size=(len(x), 1))
    design = np.stack([np.ones(x.shape), x], axis=-1)
    best = np.linalg.lstsq(design.reshape(-1, 2), y.ravel())[0]
    scores = np.einsum("gri,gr->gi", design, y - design @ best)
    information = np.einsum("gri,grj->gij", design, design)
    days = Days(np.repeat(np.arange(DAYS), BLOCKS), np.eye(2))
    return best, ClusterSums(np.arange(len(x)), scores, -information, information, days)


def reach(found: Influence) -> np.ndarray:
    return stats.t.ppf(0.975, found.dof) * np.sqrt(np.diag(found.covariance))


def test_planted_variances_between_days_are_found():
    found = []
    for seed in range(200):
        sums = line(seed, 0.4, 0.2)[1]
        found.append(day_shifts(sums.days, sums.scores, sums.scores, sums.information))
    variance = np.array([one.variance for one in found])
    error = variance.std(axis=0) / np.sqrt(len(found))
    assert (np.abs(variance.mean(axis=0) - np.diag([0.16, 0.04])) < 3 * error).all()
    assert np.mean([one.dof for one in found]) == pytest.approx(DAYS - 1, rel=0.05)


@pytest.mark.parametrize(("level", "slope"), [(0.4, 0.2), (0.25, 0.13)])
def test_intervals_of_five_days_hold_what_blocks_alone_miss(level, slope):
    held, blind = [], []
    for seed in range(300):
        off, sums = line(seed, level, slope)
        found = jackknifed(sums, np.eye(2))
        held.append(np.abs(off) < reach(found))
        blind.append(np.abs(off) < reach(jackknifed(replace(sums, days=None), np.eye(2))))
        assert np.linalg.eigvalsh(found.covariance)[0] > 0
    assert (np.mean(held, axis=0) > 0.91).all()
    assert (np.mean(held, axis=0) <= 0.99).all()
    assert (np.mean(blind, axis=0) < 0.9).all()


def test_one_day_adds_nothing_and_several_add_rows_of_their_own():
    _, sums = line(0, 0.4, 0.2)
    alone = jackknifed(replace(sums, days=None), np.eye(2))
    one = Days(0 * sums.days.day, sums.days.directions)
    assert (jackknifed(replace(sums, days=one), np.eye(2)).values == alone.values).all()
    found = jackknifed(sums, np.eye(2))
    np.testing.assert_array_equal(found.values[found.labels >= 0], alone.values)
    rise = found.covariance - alone.covariance
    np.testing.assert_allclose(found.between.T @ found.between, rise, atol=1e-12)
    assert (np.diag(rise) > 0).all()
    assert (found.dof < 6).all()


def test_the_bootstrap_draws_days_beside_their_blocks():
    best, sums = line(1, 0.4, 0.2)
    found = jackknifed(sums, np.eye(2))
    drawn = one_step_bootstrap(best, sums, np.eye(2), 2000, 0, found.between)
    np.testing.assert_allclose(drawn.standard_errors, np.sqrt(np.diag(found.covariance)), rtol=0.1)


def test_the_law_says_how_few_its_days_are_and_keeps_what_blocks_identify():
    cells, _ = noisy()
    day = cells.cluster // 6
    moved = np.exp(0.3 * np.random.default_rng(0).normal(size=5))[day]
    cells = replace(cells, excess=cells.excess * moved)
    alone, few = (fit_law(one, Family.SPREAD_POWER, 3) for one in (cells, replace(cells, day=day)))
    levels = is_level(few.names)
    rise = few.covariance.standard_errors / alone.covariance.standard_errors
    assert (rise[levels] > 1).all()
    assert rise[few.names.index("theta")] < 1  # told within days, whose levels are no noise to it
    assert few.covariance.dof[few.names.index("k")] < 4.01
    assert [caveat.code for caveat in few.warnings] == ["few_clusters"]
    assert "5 days are few" in few.warnings[0].message
    single = fit_law(replace(cells, day=0 * day), Family.SPREAD_POWER, 3)
    assert [caveat.code for caveat in single.warnings] == ["one_day"]
    np.testing.assert_array_equal(single.covariance.matrix, alone.covariance.matrix)


def test_a_direction_that_chance_does_not_move_is_no_refusal() -> None:
    # costs exactly proportional to size: blocks leave the exponent without an error
    rng = np.random.default_rng(2)
    day = np.repeat(np.arange(4), 6)
    scores = np.column_stack([rng.normal(size=24), np.zeros(24)])
    information = np.tile(np.diag([5.0, 5.0]), (24, 1, 1))
    found = day_shifts(Days(day, np.eye(2)), scores, scores, information)
    assert np.isfinite(found.variance).all()
    assert found.variance[1, 1] == pytest.approx(0.0, abs=1e-12)
