"""What it costs to bear less of the price's risk: an order's frontier, and its most urgent plan."""

from dataclasses import replace

import numpy as np
import pandas as pd

from solver import Problem, Solution, frontier, most_urgent

RISE = 0.02  # of the cost over mid, that the most urgent plan may cost
REACH = np.geomspace(0.03, 30.0, 16)  # of its risk aversion, over which the frontier is told
COLUMNS = ("point", "risk_aversion", "cost", "over_mid", "deviation")


def risk_frontier(stated: Problem) -> pd.DataFrame:
    """Return the order's frontier, as `Schedule.frontier` tells it, the most urgent plan within it.

    Empty where plans jump (an exponent up to 1, trades that escape their own impact), or where
    nothing bears risk.
    """
    if stated.law_rows[2].min() <= 1.0 or stated.own_share == 0.0:
        return pd.DataFrame(columns=list(COLUMNS))
    found = most_urgent(stated, RISE)
    patient, urgent = found.solutions
    risk_aversion = float(found.risk_aversion[1])
    if not urgent.variance < patient.variance:
        return pd.DataFrame(columns=list(COLUMNS))
    curve = frontier(replace(stated, risk_aversion=0.0), risk_aversion * REACH)
    rows = [_row("patient", 0.0, patient), _row("urgent", risk_aversion, urgent)]
    rows += [
        _row("", float(value), one)
        for value, one in zip(curve.risk_aversion, curve.solutions, strict=True)
    ]
    return pd.DataFrame(rows).sort_values("risk_aversion", ignore_index=True)


def _row(point: str, risk_aversion: float, plan: Solution) -> dict[str, object]:
    parts = plan.breakdown
    return {
        "point": point,
        "risk_aversion": risk_aversion,
        "cost": parts.shortfall,
        "over_mid": parts.spread + parts.temporary,
        "deviation": float(np.sqrt(plan.variance)),
    }


def urgency(found: pd.DataFrame, risk_aversion: float | str) -> list[tuple[str, str]]:
    """Say how much of the price risk little cost takes away, of an order that asks for no price.

    risk_aversion: as the order asks for it.
    """
    if found.empty or risk_aversion not in (0.0, "auto"):
        return []
    known = found.set_index("point")
    (aversion, urgent), patient = (
        known.loc["urgent", ["risk_aversion", "deviation"]],
        known.loc["patient", "deviation"],
    )
    verb = "raises" if risk_aversion == "auto" else "would raise"
    message = (
        f"a risk aversion of {aversion:.2g} {verb} spread and temporary cost by {RISE:.0%} and "
        f"lower{'s' if risk_aversion == 'auto' else ''} the standard deviation from "
        f"{patient:,.2f} to {urgent:,.2f}"
    )
    return [("urgency", message)]
