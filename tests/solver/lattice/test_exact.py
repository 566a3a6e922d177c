"""Whole-lot answers against brute force and the textbook recursion; bounds against both."""

import itertools

import numpy as np
import pytest

from solver import PowerLaw, Problem, Settings, Status, TableLaw, evaluate, solve, value_function
from solver.problem.shape import is_lattice_convex
from solver.solve import rounded
from tests.solver.cases import OWN, brute_force, path_cost, random_problem, textbook

PATHS = [pytest.param(True, id="compiled"), pytest.param(False, id="numpy")]


def check_limits(problem: Problem, x: np.ndarray) -> None:
    assert abs(x.sum() - problem.shares) <= 1e-12 * problem.shares
    assert (x >= (0.0 if problem.floor is None else np.asarray(problem.floor) * (1 - 1e-12))).all()
    assert problem.cap is None or (x <= np.asarray(problem.cap) * (1 + 1e-12)).all()


@pytest.mark.parametrize("compiled", PATHS)
@pytest.mark.parametrize("block", range(8))
def test_tiny_problems_equal_brute_force(block: int, compiled: bool) -> None:
    settings = Settings(compiled=compiled, grid=60)
    for seed in range(block * 60, block * 60 + 60):
        problem = random_problem(np.random.default_rng(seed))
        best = brute_force(problem)
        scale = 1.0 + abs(best)
        for method in ("auto", "dp"):
            whole = solve(problem, method=method, integer=True, settings=settings)
            if np.isinf(best):
                assert whole.status is Status.INFEASIBLE
                assert whole.reason
                continue
            assert whole.status is Status.OPTIMAL, seed
            assert abs(path_cost(problem, whole.x) - best) <= 1e-11 * scale, seed
            assert np.array_equal(np.rint(whole.x / problem.lot), whole.x / problem.lot)
            assert int(np.rint(whole.x / problem.lot).sum()) == problem.lots
            check_limits(problem, whole.x)
        if not problem.tabular and np.isfinite(best):
            free = solve(problem, settings=settings)
            check_limits(problem, free.x)
            assert free.lower_bound <= best + 1e-9 * scale, seed
            assert free.lower_bound <= free.objective + 1e-12 * scale
            assert free.status is not Status.OPTIMAL or free.objective <= best + 1e-8 * scale, seed


@pytest.mark.parametrize("compiled", PATHS)
@pytest.mark.parametrize("own", OWN)
@pytest.mark.parametrize("slope", [[1.0] * 4, [0.4, 0.8, 1.2, 1.6], [1.6, 1.2, 0.8, 0.4]])
@pytest.mark.parametrize("k", [1.0, 1.5, 2.0, 2.3])
def test_both_readings_equal_brute_force(
    k: float, slope: list[float], own: str, compiled: bool
) -> None:
    settings = Settings(compiled=compiled, grid=60)
    rng = np.random.default_rng(int(10 * k))
    for gamma, aversion in itertools.product((0.3, 2.0, 8.0), (0.0, 1.0)):
        problem = Problem(
            9.0,
            PowerLaw(rng.lognormal(0.0, 0.3, 4) * 9.0**-k, k, 0.01),
            permanent=gamma / 81.0 * np.array(slope),
            sigma=0.2,
            risk_aversion=aversion,
            own_impact=own,
        )
        best = brute_force(problem)
        schedules = [
            solve(problem, method="dp", settings=settings).x,
            solve(problem, integer=True, settings=settings).x,
        ]
        rounding = rounded(problem, settings, None)
        if rounding is not None:
            schedules.append(rounding.x)
            assert rounding.proved
        for x in schedules:
            assert path_cost(problem, x) == pytest.approx(best, abs=1e-12)
        free = solve(problem, settings=settings)
        assert free.lower_bound <= best + 1e-9
        if is_lattice_convex(problem.terms):
            assert rounding is not None
            assert free.status is Status.OPTIMAL
            assert free.objective <= best + 1e-9
        if own == "half" and slope[0] <= slope[-1]:
            assert is_lattice_convex(problem.terms)


def middling_problem(rng: np.random.Generator) -> Problem:
    """Up to 500 lots, with the pieces that exercise every row algorithm."""
    n, lots = int(rng.integers(2, 6)), int(rng.integers(60, 501))
    k = float(rng.choice([0.5, 0.8, 1.0, 1.05, 1.1, 1.5, 1.8, 2.0, 2.2, 2.5]))
    scale = rng.lognormal(size=n) * lots**-k * n ** (k - 1.0)
    limits = {}
    if rng.random() < 0.5:
        limits["cap"] = np.maximum(rng.integers(0, lots + 1, size=n), -(-lots // n)).astype(float)
    if rng.random() < 0.3:
        floor = np.minimum(rng.integers(0, lots + 1, size=n) // n, limits.get("cap", np.inf))
        limits["floor"] = floor * float(floor.sum() <= lots)
    law: PowerLaw | TableLaw = PowerLaw(scale, k, rng.random(n) / lots * 0.3)
    if rng.random() < 0.3:
        n_lots = np.arange(lots + 1)
        law = TableLaw(np.minimum(n_lots**1.5, 8.0 * n_lots) * np.ones((n, 1)) / lots**1.5)
    return Problem(
        float(lots),
        law,
        permanent=rng.choice([0.0, 1.0, 3.0, 10.0]) / lots**2 * rng.random(n),
        own_impact=str(rng.choice(OWN)),
        drift=rng.standard_normal(n) / lots * 0.5 * float(rng.random() < 0.4),
        sigma=rng.random(n) / lots,
        risk_aversion=float(rng.random() * 3.0 * (rng.random() < 0.4)),
        **limits,
    )


@pytest.mark.parametrize("block", range(4))
def test_middling_problems_equal_the_textbook_recursion(block: int) -> None:
    for seed in range(block * 8, block * 8 + 8):
        problem = middling_problem(np.random.default_rng(1000 + seed))
        best, _ = textbook(problem)
        for settings in (Settings(compiled=True), Settings(compiled=False)):
            for method in ("auto", "dp"):
                whole = solve(problem, method=method, integer=True, settings=settings)
                assert whole.status is Status.OPTIMAL
                assert abs(path_cost(problem, whole.x) - best) <= 1e-10 * (1.0 + abs(best)), (
                    seed,
                    settings,
                    method,
                )


@pytest.mark.parametrize("compiled", PATHS)
def test_value_function_equals_the_recursion_in_every_state(compiled: bool) -> None:
    for seed in range(12):
        problem = random_problem(np.random.default_rng(seed), 4, 60, tables=False)
        function = value_function(problem, Settings(compiled=compiled))
        _, tables = textbook(problem)
        for t in range(problem.n):
            for i, value in enumerate(function.values[t]):
                lots = int(function.lows[t]) + i
                assert abs(value - tables[t][lots]) <= 1e-10 * (1.0 + abs(value))
                assert function.trade(t, lots) in range(lots + 1)


def test_capped_concave_bands_of_every_width() -> None:
    rng = np.random.default_rng(3)
    for cap in (50, 61, 75, 99, 149, 150):
        law = PowerLaw(rng.lognormal(size=4) / 12.0, 0.6)
        problem = Problem(
            150.0, law, drift=rng.standard_normal(4) / 300.0, cap=float(cap), permanent=1e-6
        )
        best, _ = textbook(problem)
        for compiled in (True, False):
            found = solve(problem, integer=True, settings=Settings(compiled=compiled))
            assert abs(found.objective - best) <= 1e-11


@pytest.mark.parametrize("compiled", PATHS)
@pytest.mark.parametrize("shares", [1e3, 1e5, 1e8])
def test_rounded_optimum_survives_every_pairwise_exchange(shares: float, compiled: bool) -> None:
    """At sizes no recursion reaches: no lot moved from any period to any other lowers the cost
    (checked directly).
    """
    n = 12
    u = 0.5 + np.linspace(-1.0, 1.0, n) ** 2
    problem = Problem(shares, PowerLaw(u, 1.5), sigma=u, risk_aversion=0.05 / np.sqrt(shares))
    found = solve(problem, integer=True, settings=Settings(compiled=compiled))
    assert found.status is Status.OPTIMAL
    assert found.x.sum() == shares
    for i in range(n):
        for j in range(n):
            if i != j and found.x[i] >= 1.0:
                moved = found.x.copy()
                moved[i] -= 1.0
                moved[j] += 1.0
                assert evaluate(problem, moved).objective >= found.objective * (1.0 - 1e-14)


def test_infeasible_says_which_limit() -> None:
    tight = Problem(10.0, PowerLaw(1.0, 1.5), cap=np.array([3.5, 3.5, 3.5]), lot=1.0)
    found = solve(tight, integer=True)
    assert found.status is Status.INFEASIBLE
    assert found.reason.startswith("cap")
    short = Problem(10.0, TableLaw(np.arange(4.0) * np.ones((2, 1))))
    assert solve(short).status is Status.INFEASIBLE
    odd = Problem(
        10.0, PowerLaw(1.0, 1.5, 0.0), cap=np.array([3.5, 9.0]), floor=np.array([3.2, 0.0])
    )
    assert "period 0" in solve(odd, integer=True).reason


def test_orders_too_large_for_the_table_are_feasible_with_a_true_bound() -> None:
    """Bound and gap of the fallback are held against the exact recursion, which a small max_cells
    switches off.
    """
    for seed in range(40):
        problem = middling_problem(np.random.default_rng(seed))
        if problem.tabular:
            continue
        exact = solve(problem, method="dp")
        rough = solve(problem, integer=True, settings=Settings(max_cells=150, grid=20))
        check_limits(problem, rough.x)
        assert rough.x.sum() == problem.shares
        assert rough.lower_bound <= exact.objective + 1e-9 * exact.breakdown.gross, seed
        assert rough.objective >= exact.objective - 1e-12 * exact.breakdown.gross, seed


def test_no_schedule_costs_infinitely_much() -> None:
    none = solve(Problem(1.0, PowerLaw(1.0, 1.5), cap=0.4, periods=5), integer=True)
    assert none.status is Status.INFEASIBLE
    assert none.lower_bound <= none.objective == none.shortfall == np.inf
