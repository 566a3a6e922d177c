"""Re-planning, the stochastic policy and the frontier."""

import itertools

import numpy as np
import pytest

from solver import (
    LiquidityChain,
    MarketState,
    Plan,
    PowerLaw,
    Problem,
    ProblemError,
    Status,
    TableLaw,
    evaluate,
    frontier,
    replan,
    solve,
    stochastic_policy,
)
from tests.solver.cases import OWN, day_problem, path_cost

CHAIN = LiquidityChain([0.5, 1.0, 2.5], [[0.7, 0.3, 0.0], [0.2, 0.6, 0.2], [0.0, 0.3, 0.7]])


def worked(problem: Problem, integer: bool = False) -> np.ndarray:
    """Return the trades of an order planned again before each, from the rest of the plan before."""
    plan, trades = Plan(integer), np.empty(0)
    for period in range(problem.n):
        rest = replan(problem, period, trades, plan=plan).x
        trades = np.append(trades, rest[0])
        plan = Plan(integer, start=rest[1:] if rest.size > 1 else None)
    return trades


@pytest.mark.parametrize(("own", "gamma"), [("none", 1e-9), ("half", 1e-5)])
@pytest.mark.parametrize("integer", [False, True])
def test_replanning_without_news_follows_the_first_plan(
    integer: bool, own: str, gamma: float
) -> None:
    problem = day_problem(
        np.random.default_rng(0),
        permanent=gamma,
        risk_aversion=1e-4,
        drift=1e-5,
        own_impact=own,
    )
    first = solve(problem, integer=integer)
    x = worked(problem, integer)
    assert evaluate(problem, x).objective <= first.objective * (1.0 + 1e-8)
    assert x.sum() == pytest.approx(problem.shares, rel=1e-12)
    assert np.abs(x - first.x).max() <= 1.0


def test_replan_keeps_limits_and_uses_news() -> None:
    problem = day_problem(np.random.default_rng(1), cap=400.0, floor=50.0)
    done = np.full(20, 200.0)
    news = MarketState(price=51.0, sigma=0.05, drift=2e-4 * np.ones(40), law=PowerLaw(1e-3, 1.5))
    rest = replan(problem, 20, done, news)
    assert rest.x.shape == (40,)
    assert rest.x.sum() == pytest.approx(6000.0)
    assert rest.x.min() >= 50.0 * (1 - 1e-12)
    assert rest.x.max() <= 400.0 * (1 + 1e-12)
    own = Problem(
        6000.0,
        PowerLaw(1e-3, 1.5),
        drift=2e-4,
        sigma=0.05,
        price=51.0,
        cap=400.0,
        floor=50.0,
        periods=40,
    )
    assert rest.objective == pytest.approx(solve(own).objective, rel=1e-9)


def test_replan_checks_what_was_done() -> None:
    problem = day_problem(np.random.default_rng(2))
    assert replan(problem, 3, [1e4, 0.0, 0.0]).x.sum() == 0.0
    for name, period, done in (
        ("executed", 2, [1.0]),
        ("executed", 1, [2e4]),
        ("period", 60, np.zeros(60)),
    ):
        with pytest.raises(ProblemError, match=name):
            replan(problem, period, done)


def test_tables_can_be_replanned() -> None:
    table = TableLaw(np.arange(9.0) ** 1.3 * np.linspace(1.0, 2.0, 4)[:, None])
    problem = Problem(16.0, table, lot=2.0)
    x = worked(problem)
    assert evaluate(problem, x).objective == pytest.approx(solve(problem).objective)


def expected_cost(problem: Problem, chain: LiquidityChain, start: int, trade: object) -> float:
    """The expectation over every path of states of the walked cost of the trades
    `trade(states)`.
    """
    total = 0.0
    for tail in itertools.product(range(3), repeat=problem.n - 1):
        states = np.array([start, *tail])
        chance = np.prod(
            [np.asarray(chain.transition)[a, b] for a, b in itertools.pairwise(states)]
        )
        if chance:
            levels = np.asarray(chain.levels)[states]
            scaled = Problem(
                problem.shares,
                PowerLaw(np.asarray(problem.law.scale) * levels, problem.law.exponent),
                permanent=problem.permanent,
                sigma=problem.sigma,
                risk_aversion=problem.risk_aversion,
                own_impact=problem.own_impact,
            )
            total += chance * path_cost(scaled, trade(states))
    return float(total)


@pytest.mark.parametrize("own", OWN)
@pytest.mark.parametrize("exponent", [0.7, 1.5])
def test_policy_value_is_its_exact_expectation_and_beats_every_static_plan(
    exponent: float, own: str
) -> None:
    problem = Problem(
        30.0,
        PowerLaw(np.linspace(1.0, 1.5, 5), exponent),
        permanent=[0.02, 0.03, 0.03, 0.02, 0.01],
        sigma=np.full(5, 0.3),
        risk_aversion=0.05,
        own_impact=own,
    )
    policy = stochastic_policy(problem, CHAIN)
    for start in range(3):
        value = policy.value(0, 30, start)
        assert expected_cost(problem, CHAIN, start, policy.follow) == pytest.approx(
            value, rel=1e-11
        )
        mean = Problem(
            30.0,
            PowerLaw(np.linspace(1.0, 1.5, 5) * CHAIN.expected(start, 5), exponent),
            permanent=problem.permanent,
            sigma=np.full(5, 0.3),
            risk_aversion=0.05,
            own_impact=own,
        )
        static = solve(mean, integer=True)
        assert expected_cost(problem, CHAIN, start, lambda states, x=static.x: x) == pytest.approx(
            static.objective, rel=1e-11
        )
        assert value <= static.objective + 1e-12


def test_policy_beats_the_static_plan_on_the_same_random_paths() -> None:
    """Common random numbers at a size whose paths cannot be enumerated: the mean saving is positive
    beyond its error.
    """
    rng = np.random.default_rng(4)
    n, lots = 30, 600
    law = PowerLaw(np.linspace(1.5, 1.0, n), 1.5)
    problem = Problem(float(lots), law, sigma=np.full(n, 0.5), risk_aversion=1e-4)
    policy = stochastic_policy(problem, CHAIN)
    mean = Problem(
        float(lots),
        PowerLaw(np.asarray(law.scale) * CHAIN.expected(1, n), 1.5),
        sigma=np.full(n, 0.5),
        risk_aversion=1e-4,
    )
    static = solve(mean, integer=True).x
    savings = []
    for _ in range(400):
        states = np.empty(n, dtype=int)
        states[0] = 1
        for t in range(1, n):
            states[t] = rng.choice(3, p=np.asarray(CHAIN.transition)[states[t - 1]])
        real = Problem(
            float(lots),
            PowerLaw(np.asarray(law.scale) * np.asarray(CHAIN.levels)[states], 1.5),
            sigma=np.full(n, 0.5),
            risk_aversion=1e-4,
        )
        savings.append(
            evaluate(real, static).objective - evaluate(real, policy.follow(states)).objective
        )
    assert np.mean(savings) > 3.0 * np.std(savings) / np.sqrt(len(savings))


def test_chain_is_checked() -> None:
    for name, levels, matrix in (
        ("transition", [1.0], [[0.5, 0.5]]),
        ("levels", [0.0, 1.0], np.eye(2)),
        ("transition", [1.0, 2.0], [[0.5, 0.4], [0.0, 1.0]]),
    ):
        with pytest.raises(ProblemError, match=name):
            LiquidityChain(levels, matrix)


@pytest.mark.parametrize(("own", "gamma"), [("none", 1e-9), ("half", 1e-5)])
def test_frontier_falls_in_variance_and_rises_in_cost(own: str, gamma: float) -> None:
    problem = day_problem(np.random.default_rng(3), permanent=gamma, own_impact=own)
    grid = np.concatenate(([0.0], np.geomspace(1e-7, 1e-2, 12)))
    line = frontier(problem, grid[::-1])
    assert np.array_equal(line.risk_aversion, grid)
    assert all(s.status is Status.OPTIMAL for s in line.solutions)
    assert (np.diff(line.variance) <= 1e-9 * line.variance[0]).all()
    assert (np.diff(line.shortfall) >= -1e-9 * line.shortfall[0]).all()
    assert line.x.shape == (13, 60)


def test_cut_floors_stay_in_whole_lots() -> None:
    problem = Problem(30.0, PowerLaw(1.0, 1.5), floor=10.0, periods=3)
    rest = replan(problem, 1, [25.0], plan=Plan(integer=True))
    assert rest.status is Status.OPTIMAL
    assert sorted(rest.x) == [2.0, 3.0]


def test_less_than_half_a_lot_left_is_done() -> None:
    problem = Problem(10.0, PowerLaw(np.ones(3), 1.5))
    rest = replan(problem, 1, [9.7], plan=Plan(integer=True))
    assert rest.method == "done"
    assert not rest.x.any()


@pytest.mark.parametrize("period", [1.0, "a"])
def test_replan_messages_name_the_argument(period: object) -> None:
    problem = Problem(10.0, PowerLaw(np.ones(3), 1.5))
    with pytest.raises(ProblemError, match="period"):
        replan(problem, period, [2.0])
    with pytest.raises(ProblemError, match="floor"):
        replan(problem, 1, [2.0], MarketState(floor=[1.0, 2.0, 3.0]))
