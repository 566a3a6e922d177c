"""What is told of costs to come is shrunk by later days, and nothing where there is nothing."""

from dataclasses import replace

import numpy as np

from benchmarks.coming import drawn, log_cost
from models.learners.ahead import HORIZONS, AheadFit, SideDay, fit_ahead
from models.learners.quantiles import crps, fit_quantiles, pinball
from solver.execution.coming import NAMES, Coming, minutes_of


def fitted(link: float, days: int = 8) -> AheadFit:
    books = [drawn(seed, 200, link) for seed in range(days)]
    return fit_ahead([[SideDay(minutes_of(one, 1), log_cost(one))] for one in books])


def test_planted_pressure_is_told() -> None:
    found = fitted(1.0)
    assert (found.r2[:5] > 0.3).all()
    assert (np.abs(found.slope[:5] - 1) < 0.25).all()
    assert found.days == 7


def test_independent_books_tell_nothing() -> None:
    found = fitted(0.0)
    assert (found.r2 < 0.03).all()
    assert not found.coefficients.any()


def test_few_days_are_not_believed() -> None:
    found = fitted(1.0, days=3)
    assert not found.coefficients.any()
    assert np.isnan(found.r2).all()


def test_quantiles_do_not_cross_and_beat_the_marginal_ones() -> None:
    draw = np.random.default_rng(0)
    x, levels = draw.standard_normal((600, 2)), np.array([0.1, 0.5, 0.9])
    y = x[:, 0] + np.exp(0.5 * x[:, 1]) * draw.standard_normal(600)
    told = fit_quantiles(x[:400], y[:400], levels, trees=40).quantiles(x[400:])
    assert (np.diff(told, axis=1) >= 0).all()
    flat = np.broadcast_to(np.quantile(y[:400], levels), told.shape)
    assert crps(y[400:], told, levels) < 0.9 * crps(y[400:], flat, levels)
    np.testing.assert_allclose(pinball(np.array([2.0]), np.array([[1.0]]), np.array([0.9])), 0.9)


def test_a_state_that_never_moved_tells_nothing() -> None:
    rng = np.random.default_rng(4)
    days = []
    for seed in range(8):
        book = drawn(seed, 200, 1.0)
        still = np.full(len(book.spread), 0.02) * (
            1.0 + 1e-12 * rng.standard_normal(len(book.spread))
        )
        days.append([SideDay(minutes_of(replace(book, spread=still), 1), log_cost(book))])
    found = fit_ahead(days)
    spread = [name.startswith("spread") for name in NAMES]
    assert found.coefficients.any()
    assert not found.coefficients[:, spread].any()
    coming = Coming(np.array(HORIZONS, dtype=float), found.coefficients, 60.0)
    assert (np.abs(np.log(coming.factors(drawn(9, 60, 1.0), 60.0, 100))) < 3).all()
