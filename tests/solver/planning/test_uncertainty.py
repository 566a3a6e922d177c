"""Intervals against finite changes, robust plans against the worst they were built for."""

import sys

import numpy as np
import pytest

from solver import (
    PowerLaw,
    Problem,
    ProblemError,
    Solution,
    TableLaw,
    Uncertainty,
    cost_interval,
    evaluate,
    robust,
    sensitivities,
    solve,
)
from tests.solver.cases import OWN, day_problem, path_cost


def changed(problem: Problem, name: str, error: float) -> Problem:
    """The problem with one parameter off by `error` in every period."""
    spread, scale, exponent = problem.law_rows
    law = {
        "scale": PowerLaw(scale * (1 + error), exponent, spread),
        "exponent": PowerLaw(scale, exponent + error, spread),
        "spread": PowerLaw(scale, exponent, spread * (1 + error)),
    }.get(name, problem.law)
    return Problem(
        problem.shares,
        law,
        permanent=np.asarray(problem.permanent) * (1 + error * (name == "permanent")),
        drift=np.asarray(problem.drift) + error * (name == "drift"),
        side=problem.side,
        own_impact=problem.own_impact,
    )


@pytest.mark.parametrize("own", OWN)
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_sensitivities_equal_finite_differences(side: str, own: str) -> None:
    rng = np.random.default_rng(0)
    law = PowerLaw(rng.lognormal(size=8), 1.5, 0.01)
    problem = Problem(1e3, law, permanent=1e-3, drift=1e-2, side=side, own_impact=own)
    x = rng.dirichlet(np.ones(8)) * 1e3
    for name, slope in sensitivities(problem, x).items():
        h = 1e-5
        up, down = (path_cost(changed(problem, name, e), x) for e in (h, -h))
        assert slope == pytest.approx((up - down) / (2 * h), rel=1e-6)


def test_interval_covers_what_random_parameters_give() -> None:
    rng = np.random.default_rng(1)
    problem = Problem(1e3, PowerLaw(rng.lognormal(size=8), 1.5, 0.01), permanent=1e-3)
    covariance = np.array([[0.01, -0.001], [-0.001, 0.0004]])
    uncertainty = Uncertainty(("scale", "exponent"), covariance)
    x = solve(problem).x
    interval = cost_interval(problem, x, uncertainty, level=0.9)
    draws = rng.multivariate_normal([0.0, 0.0], covariance, size=4000)
    costs = [
        evaluate(changed(changed(problem, "scale", a), "exponent", b), x).shortfall
        for a, b in draws
    ]
    assert 0.85 <= np.mean([(interval.low <= c <= interval.high) for c in costs]) <= 0.95
    assert interval.expected == pytest.approx(evaluate(problem, x).shortfall)


def test_robust_plan_has_the_least_worst_case_of_its_ellipsoid() -> None:
    problem = day_problem(np.random.default_rng(2), permanent=1e-8, risk_aversion=1e-4)
    covariance = np.diag([0.3, 0.5, 1e-4]) ** 2
    plan = robust(problem, Uncertainty(("scale", "permanent", "drift"), covariance), radius=2.0)
    directions = np.random.default_rng(3).standard_normal((300, 3))
    directions *= 2.0 / np.linalg.norm(directions, axis=1, keepdims=True)
    errors = directions * np.sqrt(np.diag(covariance))

    def worst(x: np.ndarray) -> float:
        pieces = evaluate(problem, x)
        slopes = np.array(
            [pieces.temporary, pieces.permanent, (problem.shares - np.cumsum(x)).sum()]
        )
        return pieces.objective + float((errors @ slopes).max())

    nominal = solve(problem)
    assert worst(plan.x) <= plan.worst * (1 + 1e-12)
    assert plan.lower_bound <= plan.worst <= plan.lower_bound * (1 + 1e-5)
    assert plan.worst < robust_value(problem, nominal.x, covariance)
    assert plan.nominal >= nominal.lower_bound
    assert plan.price_bps == pytest.approx(1e4 * (plan.nominal - nominal.objective) / (50.0 * 1e4))


def robust_value(problem: Problem, x: np.ndarray, covariance: np.ndarray) -> float:
    """The worst case of a schedule over the ellipsoid of two standard errors, in closed form."""
    pieces = evaluate(problem, x)
    slopes = np.array([pieces.temporary, pieces.permanent, (problem.shares - np.cumsum(x)).sum()])
    return pieces.objective + 2.0 * float(np.sqrt(slopes @ covariance @ slopes))


@pytest.mark.parametrize("exponent", [0.5, 0.99, 1.5])
@pytest.mark.parametrize("own", OWN)
def test_robust_plan_asks_for_few_plans_and_bounds_every_corner(
    exponent: float, own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def counted(problem: Problem, **options: object) -> Solution:
        asked.append(problem)
        return solve(problem, **options)

    monkeypatch.setattr(sys.modules["solver.planning.robust"], "solve", counted)
    rng = np.random.default_rng(6)
    law = PowerLaw(rng.uniform(1.0, 1.2, 12), exponent)
    problem = Problem(1e3, law, permanent=1e-3, price=50.0, own_impact=own)
    errors = Uncertainty(("scale", "permanent", "drift"), np.diag([0.3, 0.5, 1e-3]) ** 2)
    plan = robust(problem, errors, radius=2.0)
    assert len(asked) <= 40  # a golden section of the dual took 19 a round
    corners = [robust_value(problem, x, np.asarray(errors.covariance)) for x in 1e3 * np.eye(12)]
    even = robust_value(problem, np.full(12, 1e3 / 12), np.asarray(errors.covariance))
    assert plan.lower_bound <= min(plan.worst, even, *corners) * (1 + 1e-12)
    assert plan.worst == pytest.approx(
        robust_value(problem, plan.x, np.asarray(errors.covariance)), rel=1e-12
    )


def test_robust_plan_with_half_of_the_own_move_need_not_fear_a_constant_gamma() -> None:
    problem = day_problem(np.random.default_rng(2), permanent=1e-6, own_impact="half")
    plan = robust(problem, Uncertainty(("permanent",), [[0.25]]), radius=2.0)
    assert np.allclose(plan.x, solve(problem).x, rtol=1e-4, atol=1e-3)
    assert plan.worst == pytest.approx(plan.nominal + 0.5 * 1e-6 * 1e8, rel=1e-9)


def test_robust_plan_against_scenarios_closes_its_gap() -> None:
    rng = np.random.default_rng(4)
    problem = day_problem(rng)
    u = np.linspace(-1.0, 1.0, 60)
    scenarios = [
        day_problem(rng, law=PowerLaw(1e-3 * np.exp(s * u), 1.5), drift=d)
        for s, d in ((1.0, 0.0), (-1.0, 0.0), (0.0, 1e-4))
    ]
    plan = robust(problem, scenarios)
    assert plan.worst == pytest.approx(max(path_cost(s, plan.x) for s in scenarios), rel=1e-12)
    assert plan.lower_bound <= plan.worst <= plan.lower_bound * (1 + 1e-3)
    for s in scenarios:
        assert max(path_cost(t, solve(s).x) for t in scenarios) >= plan.lower_bound


def test_arguments_are_checked() -> None:
    problem = day_problem(np.random.default_rng(5))
    x = solve(problem).x
    good = Uncertainty(("scale",), [[0.01]])
    for name, make in (
        ("names", lambda: Uncertainty(("alpha",), [[1.0]])),
        ("covariance", lambda: Uncertainty(("scale",), np.eye(2))),
        ("covariance", lambda: Uncertainty(("scale",), [[-1.0]])),
        ("level", lambda: cost_interval(problem, x, good, level=95.0)),
        ("radius", lambda: robust(problem, good, radius=-1.0)),
        ("against", lambda: robust(problem, [])),
        ("against", lambda: robust(problem, [day_problem(np.random.default_rng(5), shares=2e4)])),
        (
            "own_impact",
            lambda: robust(problem, [day_problem(np.random.default_rng(5), own_impact="half")]),
        ),
        (
            "exponents",
            lambda: robust(
                problem, [day_problem(np.random.default_rng(5), law=PowerLaw(1.0, 1.6))]
            ),
        ),
    ):
        with pytest.raises(ProblemError, match=name):
            make()


def test_robust_messages_name_the_argument() -> None:
    errors = Uncertainty(("scale",), [[0.01]])
    problem = Problem(3.0, PowerLaw(np.ones(2), 1.5))
    with pytest.raises(ProblemError, match="radius"):
        robust(problem, errors, radius=np.nan)
    with pytest.raises(ProblemError, match="rounds"):
        robust(problem, errors, rounds=0)
    with pytest.raises(ProblemError, match="permanent"):
        robust(Problem(3.0, problem.law, permanent=TableLaw(np.zeros((2, 4)))), errors)
