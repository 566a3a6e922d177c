"""Continuous answers: certificates recomputed from first principles, bounds, invariance,
gradients.
"""

import numpy as np
import pytest

from solver import PowerLaw, Problem, Settings, Status, evaluate, solve
from solver.continuous.certificate import certified_gap
from solver.problem.schedule import gradient
from tests.solver.cases import day_problem, path_cost, random_problem
from tests.solver.continuous.bounds import dual_bound, linear_bound, plain_gradient

PATHS = [pytest.param(True, id="compiled"), pytest.param(False, id="numpy")]


def convex_problems() -> list[Problem]:
    rng = np.random.default_rng(7)
    u = np.linspace(1.0, 2.0, 60)
    made = []
    for k in (1.1, 1.3, 1.5, 1.6, 2.0, 2.4):
        law = PowerLaw(1e-3 * 100.0 ** (1.5 - k) * np.exp(0.5 * rng.standard_normal(60)), k)
        made += [
            day_problem(rng, law=law),
            day_problem(rng, law=law, risk_aversion=1e-4),
            day_problem(rng, law=law, drift=-2e-4 * u, side="sell"),
            day_problem(rng, law=law, risk_aversion=1e-3, cap=400.0, floor=20.0),
            day_problem(
                rng, law=law, risk_aversion=1e-4, cap=np.where(np.arange(60) % 7 == 0, 0.0, 900.0)
            ),
        ]
        if k < 2.2:
            made.append(day_problem(rng, law=law, permanent=1e-9 * u, risk_aversion=1e-5))
        for gamma in (1e-5, 1e-5 * u):  # beyond what the letter's phi stays convex under
            made.append(day_problem(rng, law=law, permanent=gamma, own_impact="half"))
            made.append(day_problem(rng, law=law, permanent=gamma, cap=900.0, own_impact="half"))
    return made


@pytest.mark.parametrize("compiled", PATHS)
def test_convex_problems_close_the_gap_and_the_bound_is_true(compiled: bool) -> None:
    for i, problem in enumerate(convex_problems()):
        found = solve(problem, settings=Settings(compiled=compiled))
        assert found.status is Status.OPTIMAL, i
        assert found.relative_gap <= 1e-9, i
        independent = max(linear_bound(problem, found.x), dual_bound(problem, found.x))
        gross = found.breakdown.gross
        assert abs(found.objective - path_cost(problem, found.x)) <= 1e-12 * gross, i
        assert found.objective - independent <= 1e-9 * gross, i
        assert found.lower_bound <= independent + 1e-10 * gross, i


@pytest.mark.parametrize("compiled", PATHS)
@pytest.mark.parametrize("n", [4, 60])
def test_flat_trades_under_risk_close_the_gap(n: int, compiled: bool) -> None:
    """Linear cost: a trade has no curvature of its own."""
    rng = np.random.default_rng(10)
    for _ in range(40):
        law = PowerLaw(rng.lognormal(0.0, 0.3, n) / 9.0, 1.0, 0.01)
        risk: dict[str, float] = {"sigma": 0.2, "risk_aversion": rng.choice([0.0, 0.1, 1.0, 10.0])}
        gamma = np.linspace(0.4, 1.6, n) * rng.choice([0.0, 0.1]) * rng.random()
        problem = Problem(9.0, law, permanent=gamma, own_impact="half", **risk)
        found = solve(problem, settings=Settings(compiled=compiled))
        assert found.status is Status.OPTIMAL
        independent = linear_bound(problem, found.x)
        assert found.objective - independent <= 2e-9 * found.breakdown.gross


def test_a_single_multiplier_does_where_phi_is_not_bent() -> None:
    settings = Settings(compiled=False)
    for own, method in (("half", "multiplier"), ("none", "newton")):
        problem = day_problem(np.random.default_rng(3), permanent=1e-9, own_impact=own)
        assert solve(problem, settings=settings).method == method


def test_compiled_and_numpy_paths_agree() -> None:
    for i, problem in enumerate(convex_problems()):
        one, two = (solve(problem, settings=Settings(compiled=c)) for c in (True, False))
        assert abs(one.objective - two.objective) <= 2e-9 * one.breakdown.gross, i


def test_certificate_never_exceeds_any_schedule_found_at_random() -> None:
    """The gap of arbitrary points, convex or not, is at least their distance to the best of many
    random schedules.
    """
    for seed in range(150):
        rng = np.random.default_rng(seed)
        problem = random_problem(rng, 5, 9, tables=False)
        if problem.limited:
            continue
        draws = rng.dirichlet(np.full(problem.n, 0.3), size=200) * problem.shares
        costs = np.array([path_cost(problem, x) for x in draws])
        for x in draws[:5]:
            gap = certified_gap(problem.terms, np.abs(x))
            assert path_cost(problem, x) - gap <= costs.min() + 1e-9 * (1.0 + abs(costs.min())), (
                seed
            )


def test_integer_lies_between_continuous_and_its_rounding_bound() -> None:
    """The bound: rounding the shares left to lots costs at most what the larger curvature allows,
    found by evaluating it.
    """
    for problem in convex_problems():
        if problem.limited:
            continue
        free, whole = solve(problem), solve(problem, integer=True)
        left = np.floor(problem.shares - np.cumsum(free.x) + 0.5)
        rounded = -np.diff(np.concatenate(([problem.shares], left)))
        assert (
            free.lower_bound
            <= whole.objective
            <= evaluate(problem, rounded).objective * (1.0 + 1e-13)
        )
        assert whole.status is Status.OPTIMAL


def test_gradient_equals_complex_step_up_to_a_constant() -> None:
    for seed in range(100):
        problem = random_problem(np.random.default_rng(seed), 6, 9, tables=False)
        x = np.random.default_rng(seed + 1).dirichlet(np.ones(problem.n)) * problem.shares
        difference = gradient(problem.terms, x) - plain_gradient(problem, x)
        scale = 1.0 + np.abs(plain_gradient(problem, x)).max()
        assert np.ptp(difference) <= 1e-10 * scale, seed


def wild_problem(seed: int) -> Problem:
    """A convex order with costs spread over decades, strong risk or none, caps, floors, drift and
    permanent impact.
    """
    rng = np.random.default_rng(seed)
    n, shares = 390, float(rng.choice([1e3, 1e5, 1e8]))
    k = float(rng.choice([1.1, 1.2, 1.35, 1.5, 1.6, 1.8, 2.0]))
    scale = (
        np.exp(rng.choice([0.3, 1.0, 2.0]) * rng.standard_normal(n))
        * (shares / n) ** (1.0 - k)
        * 1e-2
    )
    fields: dict[str, object] = {"drift": rng.standard_normal() * 1e-4 * float(rng.random() < 0.3)}
    if rng.random() < 0.6:
        fields["sigma"] = 0.02 * np.exp(0.3 * rng.standard_normal(n))
        fields["risk_aversion"] = float(10.0 ** rng.uniform(-3.0, 2.0)) / shares
    if rng.random() < 0.4:
        fields["cap"] = shares / n * rng.uniform(1.2, 6.0)
    if rng.random() < 0.2:
        fields["floor"] = shares / n * rng.uniform(0.0, 0.8, n)
    if rng.random() < 0.4:
        least = (scale * k * (k - 1.0) * shares ** (k - 2.0)).min()
        fields["permanent"] = least * np.linspace(0.3, 0.9, n)
    if rng.random() < 0.3:
        fields |= {"permanent": np.linspace(1.0, 2.0, n) / shares, "own_impact": "half"}
    side = str(rng.choice(["buy", "sell"]))
    return Problem(
        shares, PowerLaw(scale, k, rng.random(n) * 0.01), lot=shares, side=side, **fields
    )


@pytest.mark.parametrize("compiled", PATHS)
@pytest.mark.parametrize("block", range(4))
def test_wild_convex_problems_are_certified_too(block: int, compiled: bool) -> None:
    for seed in range(block * 20, block * 20 + 20):
        problem = wild_problem(seed)
        found = solve(problem, settings=Settings(compiled=compiled))
        assert found.status is Status.OPTIMAL, seed
        assert found.relative_gap <= 1e-9, seed
    gross = found.breakdown.gross
    assert found.objective - dual_bound(problem, found.x) <= 2e-9 * gross
    assert found.lower_bound <= found.objective + 1e-13 * gross


@pytest.mark.parametrize("compiled", PATHS)
def test_units_do_not_matter(compiled: bool) -> None:
    settings = Settings(compiled=compiled)
    rng = np.random.default_rng(11)
    base = day_problem(rng, permanent=1e-8, risk_aversion=1e-4, drift=1e-5)
    spread, scale, exponent = base.law_rows
    reference = solve(base, settings=settings).x
    for share, money in ((100.0, 1.0), (1.0, 1e6), (1e-3, 1e-4)):
        other = Problem(
            base.shares * share,
            PowerLaw(scale * money / share**exponent, exponent, spread * money / share),
            permanent=np.asarray(base.permanent) * money / share**2,
            drift=np.asarray(base.drift) * money / share,
            sigma=np.asarray(base.sigma) * money / share,
            risk_aversion=base.risk_aversion / money,
        )
        assert (
            np.abs(solve(other, settings=settings).x / share - reference).max()
            <= 1e-4 * reference.max()
        )


def test_a_sale_mirrors_a_purchase_with_the_drift_turned_round() -> None:
    rng = np.random.default_rng(5)
    drift = 1e-4 * rng.standard_normal(60)
    buy = solve(day_problem(np.random.default_rng(1), drift=drift))
    sell = solve(day_problem(np.random.default_rng(1), drift=-drift, side="sell"))
    assert np.array_equal(buy.x, sell.x)
    assert buy.shortfall == sell.shortfall
    assert buy.cost - 50.0 * 1e4 == pytest.approx(sell.cost + 50.0 * 1e4, abs=1e-9)


def test_warm_start_reaches_the_same_optimum() -> None:
    problem = day_problem(np.random.default_rng(2), risk_aversion=1e-4)
    cold = solve(problem)
    for compiled in (True, False):
        warm = solve(problem, start=cold.x, settings=Settings(compiled=compiled))
        assert warm.status is Status.OPTIMAL
        assert abs(warm.objective - cold.objective) <= 1e-9 * cold.objective


def test_nonconvex_without_proof_is_only_feasible() -> None:
    """Falling permanent impact makes psi concave: the answer is stated with its gap, and the bound
    stays below the truth.
    """
    problem = Problem(
        200.0, PowerLaw(np.linspace(1.0, 2.0, 5), 1.2), permanent=np.linspace(0.3, 0.01, 5)
    )
    free, whole = solve(problem), solve(problem, integer=True)
    assert whole.status is Status.OPTIMAL
    assert free.lower_bound <= whole.objective
    assert free.status is Status.OPTIMAL or free.gap > 0.0


def test_bound_holds_where_one_period_makes_up_for_a_concave_one() -> None:
    problem = Problem(1000.0, PowerLaw([5.0, 1e-3], [0.6, 2.0]), floor=[150.0, 250.0])
    first = np.linspace(150.0, 750.0, 6001)
    least = float((5.0 * first**0.6 + 1e-3 * (1000.0 - first) ** 2).min())
    for x in ([500.0, 500.0], [150.0, 850.0], [700.0, 300.0]):
        assert evaluate(problem, x).objective - certified_gap(problem.terms, np.array(x)) <= least
    assert solve(problem).lower_bound <= least
    assert solve(problem, settings=Settings(compiled=False)).lower_bound <= least
