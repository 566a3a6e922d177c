"""Plans under learned curves of a parameter file: exact, from the file alone."""

import itertools

import numpy as np
import pytest

from solver import (
    ImpactLaw,
    OrderTerms,
    TableLaw,
    evaluate,
    evaluate_curve,
    from_params,
    learned_curve,
    solve,
    solve_curve,
    tilt_of,
)
from tests.solver.planning.test_tilt import N, file_of, shape_of

POINT = OrderTerms(slices=1, max_participation=1.0, plan="point", lot=100)
KNOTS = [100.0, 300.0, 900.0]


def with_curves(content: dict, seed: int = 0, sd: float = 0.4) -> dict:
    """The file with ratios that differ by period and size."""
    rng = np.random.default_rng(seed)
    ratio = np.exp(sd * rng.standard_normal((N, len(KNOTS))))
    content["symbols"]["ABC"]["curves"] = {
        "learner": "hybrid",
        "knots": KNOTS,
        "ratio": ratio.tolist(),
    }
    return content


@pytest.mark.parametrize("seed", range(5))
def test_small_orders_equal_brute_force(seed: int) -> None:
    terms = OrderTerms(
        slices=1, max_participation=1.0, plan="point", lot=100, risk_aversion=1e-5, end="09:34"
    )
    problem = from_params(with_curves(file_of(None), seed), "ABC", 700, terms)
    assert isinstance(problem.law, TableLaw)
    assert problem.n == 4
    plans = [100.0 * np.array(x) for x in itertools.product(range(8), repeat=4) if sum(x) == 7]
    best = min(evaluate(problem, x).objective for x in plans)
    found = solve(problem)
    assert found.objective == pytest.approx(best, rel=1e-12)
    assert found.status.name == "OPTIMAL"


def test_the_plan_told_is_that_of_the_table() -> None:
    params = with_curves(file_of(None))
    tilt = tilt_of(params, "ABC", 20_000, POINT)
    curve = learned_curve(params, "ABC", 20_000, POINT, tilt)
    found = solve_curve(tilt.problem, curve)
    table = solve(from_params(params, "ABC", 20_000, POINT))
    np.testing.assert_array_equal(found.x, table.x)
    assert found.shortfall == pytest.approx(table.shortfall)
    told = evaluate_curve(tilt.problem, curve, found.x)
    assert told.shortfall == pytest.approx(table.shortfall)
    assert told.spread == pytest.approx(evaluate(tilt.problem, found.x).spread)
    law = solve(tilt.problem, integer=True)
    assert evaluate_curve(tilt.problem, curve, law.x).objective > found.objective


def test_an_order_of_many_lots_is_rounded_from_coarser_ones() -> None:
    params = with_curves(file_of(None), sd=0.1)
    terms = OrderTerms(slices=1, max_participation=1.0, plan="point")
    tilt = tilt_of(params, "ABC", 99_991, terms)
    curve = learned_curve(params, "ABC", 99_991, terms, tilt)
    found = solve_curve(tilt.problem, curve)
    assert found.status.name == "FEASIBLE"
    assert found.x.sum() == 99_991
    assert (found.x == np.rint(found.x)).all()
    exact = solve_curve(tilt_of(params, "ABC", 100_000, POINT).problem, curve)
    assert found.objective / 99_991 == pytest.approx(exact.objective / 100_000, rel=1e-3)


def test_what_no_state_is_believed_in_is_no_reason_to_tilt() -> None:
    worthless = with_curves(file_of(shape_of(0.0, 5)))
    terms = OrderTerms(slices=1, max_participation=1.0, lot=100)
    tilt = tilt_of(worthless, "ABC", 60_000, terms)
    curve = learned_curve(worthless, "ABC", 60_000, terms, tilt)
    assert np.ptp(curve.log_ratio, axis=0).max() < 1e-12
    whole = with_curves(file_of(shape_of(1.0, 5, 0.25**2)))
    tilt = tilt_of(whole, "ABC", 60_000, terms)
    curve = learned_curve(whole, "ABC", 60_000, terms, tilt)
    assert np.ptp(curve.log_ratio, axis=0).min() > 0.1


def test_beyond_the_last_knot_the_files_exponent_rules() -> None:
    params = with_curves(file_of(None))
    curve = learned_curve(params, "ABC", 60_000, POINT, tilt_of(params, "ABC", 60_000, POINT))
    law = ImpactLaw.from_section(params["symbols"]["ABC"])
    one, two = (curve.cost(np.array([x]))[:, 0] for x in (900.0, 9000.0))
    lone, ltwo = (law.cost(x) for x in (900.0, 9000.0))
    np.testing.assert_allclose(two / one, ltwo / lone)
