"""A planned order in words and as JSON content: every number with its error or without a claim."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.engine.config import AllocateConfig
from pipeline.engine.json_content import json_ready
from pipeline.planning.order_plan import BENCHMARKS, OrderPlan

CENT = 0.005  # of currency: less is no difference


def report_text(symbol: str, order: AllocateConfig, plan: OrderPlan) -> str:
    """Return the plan against the benchmarks, what the whole order costs, and its warnings."""
    cost = plan.by_method
    best = cost["optimal"]
    verb = "pays" if order.side == "buy" else "receives"
    lines = [
        f"{symbol}: {order.side} {order.shares:,} shares in {plan.n} periods: expected "
        f"cost {best['cost']:,.2f} ({best['cost_bps']:.2f} bps), {_error(best['cost_error'])}"
        f"{_beyond(best['extrapolation_error'])}; {_proof(best)}",
        f"  price risk apart: standard deviation {best['deviation']:,.2f}, TWAP's "
        f"{cost['twap']['deviation']:,.2f}",
        f"  {'; '.join(_against(cost, name, order) for name in BENCHMARKS)} "
        f"({_errors_of(plan.scored_days)})",
        f"  the order {verb} {best['whole']:,.2f} in all: {best['traded']:,.2f} at the moved mid, "
        f"{best['spread'] + best['temporary']:,.2f} over it; {_drift(order)}",
        f"  at most {best['walked_twice']:,.2f} of the permanent {best['permanent']:,.2f} is in "
        "the walks of the book too",
    ]
    notes = [f"  {code}: {message}" for code, message in plan.warnings]
    return "\n".join([*lines, *notes])


def _proof(best: Mapping[str, Any]) -> str:
    return str(best["status"]).lower()


def _error(error: float) -> str:
    return "no error known" if np.isnan(error) else f"s.e. {error:,.2f} from the parameters"


def _beyond(error: float) -> str:
    if np.isnan(error):
        return ", beyond what the book showed not known"
    return f", {error:,.2f} beyond what the book showed" if error >= CENT else ""


def _errors_of(days: int) -> str:
    if days < 2:
        return "errors of the parameters, not of the forecasts"
    return f"errors of the parameters and, by {days} scored days, of the forecasts"


def _against(cost: Mapping[str, Mapping[str, Any]], name: str, order: AllocateConfig) -> str:
    """Say what the plan saves against a benchmark, where that can be told from zero."""
    against = f"{name.upper()}{' with the risk charge' if order.risk_aversion else ''}"
    theirs, ours = cost[name], cost["optimal"]
    saved = theirs["cost"] + theirs["risk"] - ours["cost"] - ours["risk"]
    error, reach = theirs["saving_error"], theirs["saving_reach"]
    if abs(saved) < CENT:
        return f"as {against}"
    if np.isnan(error):
        return f"{abs(saved):,.2f} {_way(saved)} than {against}, no error known"
    if abs(saved) <= reach:
        return f"not told from {against}: {abs(saved):,.2f} {_way(saved)}, s.e. {error:,.2f}"
    return f"{abs(saved):,.2f} {_way(saved)} than {against}, s.e. {error:,.2f}"


def _way(saved: float) -> str:
    return "less" if saved >= 0 else "more"


def _drift(order: AllocateConfig) -> str:
    return "drift assumed 0" if order.drift == "0" else f"drift {order.drift} as given"


def report_json(symbol: str, order: AllocateConfig, plan: OrderPlan) -> dict[str, object]:
    """Return order, costs by method and plan as JSON-ready values; absent numbers are null."""
    return json_ready(
        {
            "symbol": symbol,
            "order": order.model_dump(),
            "costs": plan.costs,
            "plan": plan.rows,
            "warnings": [{"code": code, "message": message} for code, message in plan.warnings],
        }
    )
