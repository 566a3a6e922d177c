"""What a plan has to say of itself: codes and messages, in the order that they are told."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from models.impact.admissibility import letter_admits
from pipeline.engine.config import AllocateConfig
from pipeline.parameters.schema import Calendar, Period, SymbolParams
from solver import Extrapolation, ImpactLaw, Problem, Solution, Tilt
from solver.planning.curves import COARSE, GRID
from solver.planning.shape import LEAST_DAYS

Note = tuple[str, str]


def session_breaks(periods: list[Period], calendar: Calendar) -> list[Note]:
    """Say that what is held over a break of the session bears a risk that no period's sigma has."""
    length, zone = timedelta(seconds=calendar.period_seconds), ZoneInfo(calendar.timezone)
    starts = [datetime.fromisoformat(period.start) for period in periods]
    over = [
        f"{(before + length).astimezone(zone):%H:%M}–{after.astimezone(zone):%H:%M}"
        for (one, before), (other, after) in pairwise(zip(periods, starts, strict=True))
        if after - before > length and other.i == one.i + 1
    ]
    if not over:
        return []
    return [
        (
            "session_break",
            f"the market is closed {', '.join(over)}: how the price moves meanwhile is in no "
            "period's sigma, neither in the standard deviation nor in what risk aversion charges",
        )
    ]


def shape_believed(tilt: Tilt, twap: Mapping[str, Any]) -> list[Note]:
    """Say how far the plan follows the forecast's shape, and what it costs if that is worthless.

    twap: its row of costs.
    """
    days = tilt.record.days
    if days < LEAST_DAYS:
        message = (
            f"the forecast's shape over the day was scored on {days} days, {LEAST_DAYS} are "
            "needed: every period is taken to be alike (--plan point follows the forecast as it is)"
        )
        return [("flat_plan", message)]
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in tilt.weight.items())
    cost = tilt.worthless / (twap["spread"] + twap["temporary"])
    bound = f", {tilt.share:.0%} of what they gave" if tilt.share < 1 else ""
    message = (
        f"by {days} scored days the forecast's shape is believed as far as {weights}{bound}: "
        f"worth nothing it would cost {tilt.worthless:,.2f}, {cost:.1%} of TWAP's cost over mid"
    )
    return [("shape_believed", message)]


def learned_cost(one: SymbolParams, plan: Solution, stated: Problem) -> list[Note]:
    """Say that costs are those of a learned curve, and in which lots its plan is the optimum."""
    if one.curves is None:
        return []
    knots = one.curves.knots
    message = (
        f"costs are those that {one.curves.learner} learned, from {knots[0]:,.6g} to "
        f"{knots[-1]:,.6g} shares; beyond them they go on with the law's exponent; errors and the "
        "price of risk are the law's"
    )
    notes = [("learned_curve", message)]
    if plan.method == COARSE:
        lot = stated.shares / GRID
        rounded = f"the plan is the optimum in lots of {lot:,.4g} shares, rounded to the order's"
        notes.append(("coarse_lots", f"{rounded}; a larger --lot is exact"))
    return notes


def letter_admitted(stated: Problem) -> list[Note]:
    """Say what the letter of the formula admits, at the cheapest period, up to the largest cap."""
    spread, scale, exponent = stated.law_rows
    at = int(np.argmin(spread + scale * stated.shares ** (exponent - 1.0)))
    gamma = float(np.max(np.asarray(stated.permanent)))
    law = ImpactLaw(float(scale[at]), float(exponent[at]), gamma=gamma, spread=float(spread[at]))
    found = letter_admits(law, stated.lot, float(np.max(np.asarray(stated.cap))))
    return [(caveat.code, caveat.message) for caveat in found]


def uncertain_volume(one: SymbolParams, volume: np.ndarray, order: AllocateConfig) -> list[Note]:
    """Say where the cap would not hold the order if volume came at its interval's lower end."""
    total, expected = one.volume_total, float(volume.sum())
    if total is None:
        return []
    low = expected * total.interval[0] / total.expected
    if order.shares <= order.max_participation * low:
        return []
    worst = f"{order.shares / low:.0%} of it then" if low > 0 else "perhaps without any trade"
    message = (
        f"the order is {order.shares / expected:.1%} of the {expected:,.0f} shares forecast; their "
        f"90 % interval begins at {low:,.0f}, {worst}, against a cap of "
        f"{100 * order.max_participation:.3g}%: fewer shares, or a longer horizon"
    )
    return [("participation_uncertain", message)]


def beyond_shown(child: np.ndarray, reach: Extrapolation | None) -> list[Note]:
    """Say where children are larger than what the book showed, and how far that was checked."""
    if reach is None or child.max() <= reach.shown:
        return []
    multiple, most = child.max() / reach.shown, float(reach.error(child.max()))
    error = "is not known" if np.isnan(most) else f"is {most:.0%} at the largest"
    checked = (
        f"; it was checked up to {reach.measured_to:.2g} times"
        if multiple > reach.measured_to > 1
        else ""
    )
    message = (
        f"{(child > reach.shown).sum()} periods trade more at once than the {reach.shown:,.10g} "
        f"shares that the book held 80 % of the time, up to {multiple:.2g} times: the standard "
        f"error of their temporary cost {error}{checked}; a lower --max-participation spreads the "
        "order"
    )
    return [("beyond_depth", message)]
