"""Allocate: one order against one symbol's parameters, optimally and as TWAP and VWAP would."""

from dataclasses import replace

import numpy as np
import pandas as pd

from pipeline.engine.config import AllocateConfig
from pipeline.engine.errors import InputError
from pipeline.engine.tables import Schedule
from pipeline.parameters.schema import Params, SymbolParams
from solver import ImpactLaw, PowerLaw, Problem, ProblemError, Solution, Status, evaluate, solve


def find_symbol(params: Params, symbol: str) -> SymbolParams:
    """Return one symbol's parameters.

    Raises: InputError naming the symbols there are.
    """
    if symbol not in params.symbols:
        raise InputError(
            f"symbol {symbol}: not in the parameter file; it has {', '.join(params.symbols)}"
        )
    return params.symbols[symbol]


def problem(symbol: SymbolParams, order: AllocateConfig) -> Problem:
    """State the order as an optimisation problem in the parameters' units.

    A linear law says that the book showed nothing beyond its best price: such an order is kept
    within displayed depth in every period wherever that can hold it.
    Raises: InputError when the shares are not whole lots or no plan within the participation cap
    holds them.
    """
    law = ImpactLaw.from_section(symbol.model_dump())
    volume, drift, sigma = (
        np.array([getattr(period, name) for period in symbol.periods])
        for name in ("volume", "drift", "sigma")
    )
    if order.shares % order.lot:
        raise InputError(
            f"shares {order.shares}: not a multiple of the lot {order.lot}; change one of them"
        )
    cap = np.floor(order.max_participation * volume / order.lot) * order.lot
    if order.shares > cap.sum():
        raise InputError(
            f"shares {order.shares}: more than any plan can hold; {cap.sum():.0f} fit into "
            f"{order.max_participation:.0%} of the forecast volume of {len(cap)} periods; "
            "lower --shares or raise --max-participation"
        )
    if symbol.law.family == "linear":
        shown = np.minimum(cap, np.floor(symbol.reference.depth_shares / order.lot) * order.lot)
        cap = shown if shown.sum() >= order.shares else cap
    try:
        return Problem(
            shares=order.shares,
            law=law.temporary,
            permanent=law.gamma,
            drift=drift,
            sigma=sigma,
            risk_aversion=order.risk_aversion,
            price=symbol.reference.price,
            side=order.side,
            cap=np.minimum(cap, order.shares),
            lot=order.lot,
        )
    except ProblemError as error:
        raise InputError(f"the order cannot be stated: {error}") from error


def plan_order(symbol: SymbolParams, order: AllocateConfig) -> Schedule:
    """Plan the order by both exact methods and by the benchmarks, under the same parameters and
    caps.

    Raises: InputError when the order cannot be planned as asked.
    """
    stated = problem(symbol, order)
    volume = np.array([period.volume for period in symbol.periods])
    plans: dict[str, Solution] = {}
    rows: list[tuple[str, str]] = []
    try:
        plans["optimal"] = solve(stated, method=order.method, integer=order.method != "nlp")
    except ProblemError as error:
        raise InputError(f"method {order.method}: {error}") from error
    plans["nlp"] = solve(stated, method="nlp")
    try:
        plans["dp"] = solve(stated, method="dp", integer=True)
    except ProblemError as error:  # too many lots for its tables
        rows.append(("dp_left_out", f"no dynamic programme beside the plan: {error}"))
    shares = {name: solution.x for name, solution in plans.items()}
    shares |= {
        "twap": _spread_evenly(stated, np.ones_like(volume)),
        "vwap": _spread_evenly(stated, volume),
    }
    base = pd.DataFrame(
        {
            "period": [period.i for period in symbol.periods],
            "start": [period.start for period in symbol.periods],
            "sigma": stated.sigma,
            "volume": volume,
        }
    )
    costs = pd.DataFrame([_cost(stated, name, x, plans.get(name)) for name, x in shares.items()])
    return Schedule(base.assign(**shares), costs, _warnings(symbol, plans["optimal"], rows))


def _warnings(symbol: SymbolParams, plan: Solution, rows: list[tuple[str, str]]) -> pd.DataFrame:
    x, shown = plan.x, symbol.reference.depth_shares
    if plan.status is not Status.OPTIMAL:
        rows.append(
            (
                "not_proved_optimal",
                f"the plan's cost is within {plan.gap:,.2f} of a lower bound; "
                "whole lots with a larger --lot can be proved",
            )
        )
    if x.max() > shown:
        rows.append(
            (
                "beyond_depth",
                f"{(x > shown).sum()} periods trade more than the {shown:,.0f} shares that the "
                "book displayed on "
                f"average, at most {x.max():,.0f}: their cost is extrapolated; "
                "a lower --max-participation spreads the order",
            )
        )
    return pd.DataFrame(rows, columns=["code", "message"])


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
        "lower_bound": solution.lower_bound if solution else np.nan,
        "gap": solution.gap if solution else np.nan,
        "status": solution.status.name if solution else "BENCHMARK",
    }


def _spread_evenly(stated: Problem, weight: np.ndarray) -> np.ndarray:
    """Return TWAP (equal weights) or VWAP (by volume) under the order's caps.

    Minimising sum x^2/weight makes x proportional to the weight wherever no cap binds; what is left
    after each period is then rounded to whole lots, so that the benchmark is a plan that could be
    traded.
    """
    even = replace(
        stated,
        law=PowerLaw(scale=1.0 / weight, exponent=2.0),
        permanent=0.0,
        drift=0.0,
        sigma=0.0,
        risk_aversion=0.0,
    )
    traded = np.rint(np.cumsum(solve(even, method="nlp").x) / stated.lot) * stated.lot
    return np.diff(traded, prepend=0.0)


def report_text(symbol: str, order: AllocateConfig, schedule: Schedule) -> str:
    """Return one line on the plan against the benchmarks, and one a warning."""
    cost = schedule.costs.set_index("method")
    best = cost.loc["optimal"]
    first = (
        f"{symbol}: {order.side} {order.shares:,} shares in {len(schedule.plan)} periods: expected "
        "cost "
        f"{best['cost']:,.2f} ({best['cost_bps']:.2f} bps), standard deviation "
        f"{best['deviation']:,.2f}, "
        f"{best['status'].lower()}"
    )
    total = cost["cost"] + cost["risk"]
    charged = " with the risk charge" if order.risk_aversion else ""
    saved = " and ".join(
        f"{total[name] - total['optimal']:,.2f} less than {name.upper()}"
        for name in ("twap", "vwap")
    )
    notes = [f"  {row.code}: {row.message}" for row in schedule.warnings.itertuples()]
    return "\n".join([f"{first}; {saved}{charged}", *notes])


def report_json(symbol: str, order: AllocateConfig, schedule: Schedule) -> dict[str, object]:
    """Return the order, the costs by method and the plan as JSON-ready values; absent numbers are
    null.
    """

    def records(frame: pd.DataFrame) -> list[dict[str, object]]:
        return frame.astype(object).where(frame.notna(), None).to_dict("records")

    return {
        "symbol": symbol,
        "order": order.model_dump(),
        "costs": records(schedule.costs),
        "plan": records(schedule.plan),
        "warnings": records(schedule.warnings),
    }
