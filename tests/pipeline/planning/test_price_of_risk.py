"""An order's frontier, its most urgent plan, and the order that asks for it."""

import numpy as np
import pandas as pd
import pytest

from pipeline.engine.errors import InputError
from pipeline.planning.price_of_risk import RISE, risk_frontier, urgency
from pipeline.planning.schedule import plan_order
from pipeline.report.figures.risk import plot_frontier
from solver import PowerLaw, Problem, evaluate, solve
from tests.pipeline.command import impact
from tests.pipeline.conftest import SmallRun
from tests.pipeline.planning.test_allocate import order_of

pytestmark = pytest.mark.xdist_group("end_to_end")


def stated(exponent: float = 1.5, sigma: float = 0.05) -> Problem:
    scale = 1e-3 * (1 + 0.5 * np.cos(np.linspace(0, 6, 60)))
    law = PowerLaw(scale, exponent, 0.01)
    return Problem(shares=6000, law=law, sigma=sigma, price=100.0, own_impact="half")


def test_no_plan_of_less_risk_costs_less_than_the_frontier() -> None:
    problem = stated()
    found = pd.DataFrame(risk_frontier(problem))
    assert (np.diff(found["cost"]) > 0).all()
    assert (np.diff(found["deviation"]) < 0).all()
    urgent, patient = (found.set_index("point").loc[name] for name in ("urgent", "patient"))
    assert 1 + 0.99 * RISE < urgent["over_mid"] / patient["over_mid"] <= 1 + RISE
    rng = np.random.default_rng(0)
    for decay in np.linspace(0, 0.2, 30):  # front-loaded plans, each above the frontier
        x = np.exp(-decay * np.arange(60)) * rng.uniform(0.9, 1.1, 60)
        pieces = evaluate(problem, 6000 * x / x.sum())
        least = np.interp(np.sqrt(pieces.variance), found["deviation"][::-1], found["cost"][::-1])
        assert pieces.shortfall >= least * (1 - 1e-3)


def test_plans_that_jump_and_prices_that_stand_still_have_no_frontier() -> None:
    assert risk_frontier(stated(exponent=1.0)) == ()
    assert risk_frontier(stated(sigma=0.0)) == ()
    assert urgency(risk_frontier(stated(sigma=0.0)), 0.0) == []
    assert urgency(risk_frontier(stated()), 1e-6) == []


def test_the_picture_marks_the_plan_twap_and_the_most_urgent_plan(small_run: SmallRun) -> None:
    params = small_run.result.results.params
    order = order_of(shares=10_000, risk_aversion="auto")
    plan = plan_order(params, "SIM0", order)
    notional = params.symbols["SIM0"].reference.price * 10_000
    figure = plot_frontier(plan.frontier, plan.costs, notional)
    curve, even, urgent, chosen = figure.axes[0].lines
    costs = plan.costs.set_index("method")
    assert len(curve.get_xdata()) == len(plan.frontier)
    for mark, name in ((even, "twap"), (chosen, "optimal")):
        assert mark.get_xdata()[0] == pytest.approx(costs.loc[name, "deviation_bps"])
        assert mark.get_ydata()[0] == pytest.approx(costs.loc[name, "cost_bps"])
    assert urgent.get_xdata()[0] == pytest.approx(chosen.get_xdata()[0], rel=1e-3)
    assert f"{RISE:.0%} more" in urgent.get_label()


def test_auto_costs_two_per_cent_more_over_mid_and_bears_less_risk(small_run: SmallRun) -> None:
    params = small_run.result.results.params
    for symbol in params.symbols:
        auto, free = (
            plan_order(params, symbol, order_of(shares=10_000, risk_aversion=risk))
            for risk in ("auto", 0.0)
        )
        one, other = (plan.costs.set_index("method").loc["optimal"] for plan in (auto, free))
        rise = (one["spread"] + one["temporary"]) / (other["spread"] + other["temporary"]) - 1
        assert 0.9 * RISE < rise <= 1.01 * RISE
        assert one["deviation"] < 0.95 * other["deviation"]
        assert free.risk_aversion == 0.0 < auto.risk_aversion
        assert "raises spread" in dict(auto.warnings.to_numpy())["urgency"]
        assert "would raise" in dict(free.warnings.to_numpy())["urgency"]


def test_auto_is_a_word_of_the_command_line(small_run: SmallRun) -> None:
    params = str(small_run.folder / "out/params.json")
    asked = ("allocate", "--params", params, "--symbol", "SIM0", "--shares", "9000", "--stale")
    asked += ("--risk-aversion", "auto")
    done = impact(*asked)
    assert done.returncode == 0, done.stderr
    assert "raises spread and temporary cost by 2%" in done.stdout
    order = order_of(shares=100, risk_aversion="auto", own_impact="none")
    with pytest.raises(InputError, match="give a number"):
        plan_order(small_run.result.results.params, "SIM0", order)
    assert impact(*asked[:-1], "automatic").returncode == 2


def test_an_even_plan_is_the_frontiers_end_where_periods_are_alike() -> None:
    problem = Problem(shares=600, law=PowerLaw(1e-3, 1.5), sigma=0.1, periods=6, own_impact="half")
    patient = pd.DataFrame(risk_frontier(problem)).set_index("point").loc["patient"]
    assert patient["cost"] == pytest.approx(evaluate(problem, np.full(6, 100.0)).shortfall)
    assert patient["cost"] == pytest.approx(solve(problem).shortfall)
