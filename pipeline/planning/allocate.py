"""Allocate: one order against one symbol's parameters, optimally and as TWAP and VWAP would."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from pipeline.engine.codes import REFUSING
from pipeline.engine.config import AllocateConfig
from pipeline.parameters.schema import Params, Period
from pipeline.planning.concentration import concentrated
from pipeline.planning.order import (
    check_in_force,
    file_caveats,
    order_terms,
    stated_curve,
    stated_tilt,
)
from pipeline.planning.order_plan import OrderPlan
from pipeline.planning.plan import (
    QUICK,
    TIE,
    asked_plan,
    lattice_plan,
    quadratic_plan,
    spread_evenly,
    spreads,
)
from pipeline.planning.plan_caveats import (
    beyond_shown,
    learned_cost,
    letter_admitted,
    session_breaks,
    shape_believed,
    uncertain_volume,
)
from pipeline.planning.plan_costs import PlanCosts, of_law
from pipeline.planning.price_of_risk import urgency, urgent_plans
from solver import (
    Extrapolation,
    KnottedLaw,
    Problem,
    ProblemError,
    Settings,
    Solution,
    Status,
    certify,
    child_orders,
    periods_within,
    solve,
)

UNPROVED = ("qp", "even")  # methods that claim no optimum of the law


def order_plan(
    params: Params, symbol: str, order: AllocateConfig, beside: Settings = QUICK
) -> OrderPlan:
    """Plan the order by every route and by the benchmarks, under the same parameters and caps.

    beside: of the dynamic programme beside the plan.
    Raises: InputError when the order cannot be planned as asked.
    """
    tilt = stated_tilt(params, symbol, order)
    stated = tilt.problem
    content, terms = params.model_dump(by_alias=True), order_terms(params, symbol, order)
    chosen = periods_within(content, symbol, terms)
    section = params.symbols[symbol]
    periods = [section.periods[place] for place in chosen]
    volume = np.array([period.volume for period in periods])
    curve = stated_curve(params, symbol, order, tilt)
    optimal = asked_plan(stated, curve, order, section.law.k, volume)
    plans, notes = _plans(stated, curve, volume, optimal, beside)
    if spreads(order, section.law.k):
        notes.insert(0, _even(section.law.k))
    notes += session_breaks(periods, params.calendar)
    shares = _shares(stated, plans, volume)
    children = child_orders(content, symbol, order.shares, terms)
    costs = PlanCosts(tilt, curve, content, symbol, children).rows(shares, plans)
    if order.plan == "shrunk" and not spreads(order, section.law.k):
        notes += shape_believed(tilt, next(row for row in costs if row["method"] == "twap"))
    notes += concentrated(stated, plans["optimal"].x, shares["twap"], periods)
    notes += learned_cost(section, plans["optimal"], stated)
    notes += urgency(urgent_plans(stated), order.risk_aversion)
    if order.own_impact == "none":
        notes += letter_admitted(stated)
    reach = Extrapolation.from_section(content["symbols"][symbol])
    notes += beyond_shown(plans["optimal"].x / children, reach)
    notes += uncertain_volume(section, volume, order)
    notes += [(one.code, one.message) for one in section.warnings if one.code in REFUSING]
    return OrderPlan(
        periods=_periods(periods, stated) | shares,
        costs=costs,
        risk_aversion=stated.risk_aversion,
        scored_days=tilt.record.days,
        warnings=(*notes, *_unproved(plans["optimal"])),
    )


def plan_from_file(
    params: Params, symbol: str, order: AllocateConfig, now: datetime, stale: bool = False
) -> OrderPlan:
    """Plan the order as `order_plan`, and say of what day and part of the session the file is.

    now: with a zone; stale: plan even if the parameters may not be used now.
    Raises: InputError when the order cannot be planned as asked, or the parameters may not be used.
    """
    if not stale:
        check_in_force(params, now)
    plan = order_plan(params, symbol, order)
    said = ((one.code, one.message) for one in file_caveats(params, symbol, now))
    return replace(plan, warnings=(*said, *plan.warnings))


def _periods(periods: list[Period], stated: Problem) -> dict[str, Any]:
    return {
        "period": [period.i for period in periods],
        "start": [period.start for period in periods],
        "sigma": np.broadcast_to(stated.sigma, (stated.n,)),
        "volume": [period.volume for period in periods],
    }


def _shares(
    stated: Problem, plans: dict[str, Solution], volume: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the shares of every plan and of the benchmarks."""
    return {name: solution.x for name, solution in plans.items()} | {
        "twap": spread_evenly(stated, np.ones_like(volume)),
        "vwap": spread_evenly(stated, volume),
    }


def _even(k: float) -> tuple[str, str]:
    message = (
        f"k is {k:.3g}: the cheapest plan bets on one period's forecast spread; the order is "
        "spread evenly instead (--plan point gives the corner)"
    )
    return "spread_evenly", message


def _plans(
    stated: Problem,
    curve: KnottedLaw | None,
    volume: np.ndarray,
    optimal: Solution,
    beside: Settings,
) -> tuple[dict[str, Solution], list[tuple[str, str]]]:
    """Return the plan and every route's beside it, and what there is to say."""
    plans, notes = {"optimal": optimal}, []
    plans["nlp"] = of_law(solve(stated, method="nlp"), curve)
    try:
        known = plans["optimal"] if plans["optimal"].method == "dp" else None
        plans["dp"] = known or lattice_plan(stated, curve, beside)
    except ProblemError as error:  # too many lots for its tables
        notes.append(("dp_left_out", f"no dynamic programme beside the plan: {error}"))
    try:
        plans["qp"] = of_law(quadratic_plan(stated, volume), curve)
    except ProblemError as error:
        notes.append(("qp_left_out", f"no quadratic programme beside the plan: {error}"))
    best = min(plans, key=lambda name: plans[name].objective)
    found, nlp = plans[best], plans["nlp"]
    if nlp.objective > found.objective + TIE * found.breakdown.gross:
        plans["nlp"] = of_law(certify(stated, found.x, "nlp"), curve)
        notes.append(
            (
                "nlp_dearer",
                f"the continuous search ended dearer than {best}; nlp is its plan instead",
            )
        )
    return plans, notes


def _unproved(plan: Solution) -> list[tuple[str, str]]:
    """Say how far off a plan may be that is asked to be an optimum and is not proved one."""
    proved = plan.status is not Status.FEASIBLE or not np.isfinite(plan.gap)
    if proved or plan.method in UNPROVED:
        return []
    return [
        (
            "not_proved_optimal",
            f"the plan's cost is within {plan.gap:,.2f} of a lower bound; "
            "whole lots with a larger --lot can be proved",
        )
    ]
