"""Allocate: one order against one symbol's parameters, optimally and as TWAP and VWAP would."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from pipeline.engine.config import AllocateConfig
from pipeline.engine.errors import InputError
from pipeline.engine.findings import REFUSING
from pipeline.engine.tables import Schedule
from pipeline.parameters.schema import Params
from pipeline.planning.order import file_caveats, order_terms, stated_tilt
from pipeline.planning.plan import (
    TIE,
    UNASKED,
    asked_plan,
    quadratic_plan,
    spread_evenly,
    spreads,
)
from pipeline.planning.plan_caveats import (
    beyond_shown,
    letter_admitted,
    session_breaks,
    shape_believed,
    uncertain_volume,
)
from pipeline.planning.price_of_risk import risk_frontier, urgency
from pipeline.planning.value_table import coarse_value_table
from solver import (
    Extrapolation,
    Problem,
    ProblemError,
    Solution,
    Status,
    Tilt,
    certify,
    child_orders,
    evaluate,
    periods_within,
    sensitivities,
    solve,
    uncertainty_of,
)

BENCHMARKS = ("twap", "vwap")
DECIDED = 1.96  # standard errors of the parameters, from which on a difference is told from zero


def plan_order(params: Params, symbol: str, order: AllocateConfig) -> Schedule:
    """Plan the order by every route and by the benchmarks, under the same parameters and caps.

    Raises: InputError when the order cannot be planned as asked.
    """
    tilt = stated_tilt(params, symbol, order)
    stated = tilt.problem
    content, terms = params.model_dump(by_alias=True), order_terms(params, symbol, order)
    chosen = periods_within(content, symbol, terms)
    periods = [params.symbols[symbol].periods[place] for place in chosen]
    volume = np.array([period.volume for period in periods])
    plans, notes = _plans(stated, volume, order, params.symbols[symbol].law.k)
    notes += session_breaks(periods, params.calendar)
    shares = {name: solution.x for name, solution in plans.items()}
    shares |= {
        "twap": spread_evenly(stated, np.ones_like(volume)),
        "vwap": spread_evenly(stated, volume),
    }
    base = pd.DataFrame(
        {
            "period": [period.i for period in periods],
            "start": [period.start for period in periods],
            "sigma": stated.sigma,
            "volume": volume,
        }
    )
    errors = _errors(tilt, shares, content, symbol)
    children = child_orders(content, symbol, order.shares, terms)
    reach = Extrapolation.from_section(content["symbols"][symbol])
    costs = pd.DataFrame(
        [
            _cost(stated, name, x, plans.get(name))
            | errors[name]
            | {
                "extrapolation_error": _extrapolation_error(stated, x, reach, children),
                "walked_twice": _walked_twice(stated, x, children),
            }
            for name, x in shares.items()
        ]
    )
    if order.plan == "shrunk" and not spreads(order, params.symbols[symbol].law.k):
        notes += shape_believed(tilt, costs.set_index("method").loc["twap"])
    frontier = risk_frontier(stated)
    notes += urgency(frontier, order.risk_aversion)
    if order.own_impact == "none":
        notes += letter_admitted(stated)
    section = params.symbols[symbol]
    notes += beyond_shown(plans["optimal"].x / children, reach)
    notes += uncertain_volume(section, volume, order)
    notes += [(one.code, one.message) for one in section.warnings if one.code in REFUSING]
    value = coarse_value_table(stated, [period.i for period in periods])
    warnings = _warnings(plans["optimal"], notes)
    plan, days = base.assign(**shares), tilt.record.days
    return Schedule(plan, costs, value, frontier, stated.risk_aversion, days, warnings)


def plan_from_file(params: Params, symbol: str, order: AllocateConfig, now: datetime) -> Schedule:
    """Plan the order as `plan_order`, and say of what day and part of the session the file is.

    now: with a zone.
    Raises: InputError when the order cannot be planned as asked.
    """
    schedule = plan_order(params, symbol, order)
    said = pd.DataFrame(map(vars, file_caveats(params, symbol, now)), columns=["code", "message"])
    return replace(schedule, warnings=pd.concat([said, schedule.warnings], ignore_index=True))


def _plans(
    stated: Problem, volume: np.ndarray, order: AllocateConfig, k: float
) -> tuple[dict[str, Solution], list[tuple[str, str]]]:
    """Return the plan asked for and every route's beside it, and what there is to say."""
    plans, notes = {"optimal": asked_plan(stated, order, k, volume)}, []
    if spreads(order, k):
        notes.append(
            (
                "spread_evenly",
                f"k is {k:.3g}: the cheapest plan bets on one period's forecast spread; the order "
                "is spread evenly instead (--plan point gives the corner)",
            )
        )
    plans["nlp"] = solve(stated, method="nlp")
    try:
        known = plans["optimal"] if plans["optimal"].method == "dp" else None
        plans["dp"] = known or solve(stated, method="dp", integer=True, settings=UNASKED)
    except ProblemError as error:  # too many lots for its tables
        notes.append(("dp_left_out", f"no dynamic programme beside the plan: {error}"))
    try:
        plans["qp"] = quadratic_plan(stated, volume)
    except ProblemError as error:
        notes.append(("qp_left_out", f"no quadratic programme beside the plan: {error}"))
    best = min(plans, key=lambda name: plans[name].objective)
    found, nlp = plans[best], plans["nlp"]
    if nlp.objective > found.objective + TIE * found.breakdown.gross:
        plans["nlp"] = certify(stated, found.x, "nlp")
        notes.append(
            (
                "nlp_dearer",
                f"the continuous search ended dearer than {best}; nlp is its plan instead",
            )
        )
    return plans, notes


def _errors(
    tilt: Tilt, shares: dict[str, np.ndarray], content: dict[str, Any], symbol: str
) -> dict[str, dict[str, float]]:
    """Return by plan the errors of its cost and of what the plan saves against it, currency.

    cost_error: from the parameters' covariance, by the delta method, NaN where it holds nothing.
    saving_error, saving_reach: the standard error and half of the 95 % interval, from it and from
    what the scored days' states would have made of the difference, where there were two.
    """
    try:
        known = uncertainty_of(content, symbol)
    except ProblemError as error:
        raise InputError(f"the parameter file: {error}") from error
    matrix = np.asarray(known.covariance)
    slopes = {}
    for name, x in shares.items():
        found = sensitivities(tilt.problem, x)
        slopes[name] = np.array([found[each] for each in known.names])

    def error(slope: np.ndarray) -> float:
        return float(np.sqrt(max(0.0, slope @ matrix @ slope))) if matrix.any() else np.nan

    found = {}
    for name, slope in slopes.items():
        own = error(slope - slopes["optimal"])
        past = np.nan_to_num(tilt.record.error(shares["optimal"] - shares[name]))
        found[name] = {
            "cost_error": error(slope),
            "saving_error": float(np.hypot(own, past[0])),
            "saving_reach": float(np.hypot(DECIDED * own, past[1])),
        }
    return found


def _walked_twice(stated: Problem, x: np.ndarray, children: int) -> float:
    """Return the most that own impact charges over again, currency: a walk of the book holds the
    displacement that it makes, gamma x^2 / 2m in m children.
    """
    paid = stated.own_share * np.asarray(stated.permanent) * x**2 / children
    return float(paid.sum())


def _extrapolation_error(
    stated: Problem, x: np.ndarray, reach: Extrapolation | None, children: int
) -> float:
    """Return how far off the temporary cost of trades beyond shown sizes may be, a standard error.

    Currency; NaN where that was not measured. The law errs alike in all periods.
    """
    _, scale, exponent = stated.law_rows
    if reach is None:
        return np.nan
    return float((scale * x**exponent * reach.error(x / children)).sum())


def _cost(
    stated: Problem, name: str, x: np.ndarray, solution: Solution | None
) -> dict[str, object]:
    parts = evaluate(stated, x)
    notional = stated.price * stated.shares
    deviation = float(np.sqrt(parts.variance))
    return {
        "method": name,
        "cost": parts.shortfall,
        "cost_bps": 1e4 * parts.shortfall / notional,
        "deviation": deviation,
        "deviation_bps": 1e4 * deviation / notional,
        "spread": parts.spread,
        "temporary": parts.temporary,
        "permanent": parts.permanent,
        "drift": parts.drift,
        "risk": parts.risk,
        "traded": notional + stated.sign * (parts.permanent + parts.drift),
        "whole": notional + stated.sign * parts.shortfall,
        "lower_bound": solution.lower_bound if solution else np.nan,
        "gap": solution.gap if solution else np.nan,
        "status": _status(solution),
    }


def _status(solution: Solution | None) -> str:
    if solution is None:
        return "BENCHMARK"
    return "SPREAD" if solution.method == "even" else solution.status.name


def _warnings(plan: Solution, notes: list[tuple[str, str]]) -> pd.DataFrame:
    rows = list(notes)
    if plan.status is Status.FEASIBLE and plan.method not in ("qp", "even"):
        rows.append(
            (
                "not_proved_optimal",
                f"the plan's cost is within {plan.gap:,.2f} of a lower bound; "
                "whole lots with a larger --lot can be proved",
            )
        )
    return pd.DataFrame(rows, columns=["code", "message"])
