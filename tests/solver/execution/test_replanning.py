"""Re-planning and the frontier."""

import numpy as np
import pytest

from solver import (
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
)
from tests.solver.cases import day_problem


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
