"""What it costs to bear less of the price's risk: an order's frontier, and its most urgent plan."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from solver import Problem, Solution, frontier, most_urgent

RISE = 0.02  # of the cost over mid, that the most urgent plan may cost
REACH = np.geomspace(0.03, 30.0, 16)  # of its risk aversion, over which the frontier is told
Rows = tuple[dict[str, Any], ...]
COLUMNS = ("point", "risk_aversion", "cost", "over_mid", "deviation")


def risk_frontier(stated: Problem) -> Rows:
    """Return the order's frontier, rows as of `Schedule.frontier`, the most urgent plan within it.

    Empty as `urgent_plans` is.
    """
    rows = urgent_plans(stated)
    if not rows:
        return ()
    grid = rows[1]["risk_aversion"] * REACH
    curve = frontier(replace(stated, risk_aversion=0.0), grid)
    found = [
        _row("", float(value), one)
        for value, one in zip(curve.risk_aversion, curve.solutions, strict=True)
    ]
    return tuple(sorted([*rows, *found], key=lambda row: row["risk_aversion"]))


def urgent_plans(stated: Problem) -> Rows:
    """Return the cheapest plan and the most urgent one, rows as of `Schedule.frontier`.

    Empty where plans jump (an exponent up to 1, trades that escape their own impact), or where
    nothing bears risk.
    """
    if stated.law_rows[2].min() <= 1.0 or stated.own_share == 0.0:
        return ()
    found = most_urgent(stated, RISE)
    patient, urgent = found.solutions
    if not urgent.variance < patient.variance:
        return ()
    aversion = float(found.risk_aversion[1])
    return (_row("patient", 0.0, patient), _row("urgent", aversion, urgent))


def _row(point: str, risk_aversion: float, plan: Solution) -> dict[str, Any]:
    parts = plan.breakdown
    return {
        "point": point,
        "risk_aversion": risk_aversion,
        "cost": parts.shortfall,
        "over_mid": parts.spread + parts.temporary,
        "deviation": float(np.sqrt(plan.variance)),
    }


def urgency(found: Rows, risk_aversion: float | str) -> list[tuple[str, str]]:
    """Say how much of the price risk little cost takes away, of an order that asks for no price.

    found: of `urgent_plans`; risk_aversion: as the order asks for it.
    """
    if not found or risk_aversion not in (0.0, "auto"):
        return []
    known: dict[str, Mapping[str, Any]] = {row["point"]: row for row in found}
    aversion, urgent = known["urgent"]["risk_aversion"], known["urgent"]["deviation"]
    patient = known["patient"]["deviation"]
    verb = "raises" if risk_aversion == "auto" else "would raise"
    message = (
        f"a risk aversion of {aversion:.2g} {verb} spread and temporary cost by {RISE:.0%} and "
        f"lower{'s' if risk_aversion == 'auto' else ''} the standard deviation from "
        f"{patient:,.2f} to {urgent:,.2f}"
    )
    return [("urgency", message)]
