"""Re-planning while the order runs: solve the rest again whenever the market has moved on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from solver.problem.laws import Floats, Law, PowerLaw, ProblemError, TableLaw, as_count, as_vector
from solver.problem.problem import ROUNDING, Problem
from solver.problem.schedule import Breakdown
from solver.problem.solution import Settings, Solution, Status
from solver.solve import solve


@dataclass(frozen=True, eq=False)
class MarketState:
    """What is newly known of the periods still to come; None keeps what the problem said.

    Shapes: price a number, the rest scalars or (N - period,). Units as in `Problem`.
    """

    price: float | None = None
    law: Law | None = None
    permanent: ArrayLike | TableLaw | None = None
    drift: ArrayLike | None = None
    sigma: ArrayLike | None = None
    cap: ArrayLike | None = None
    floor: ArrayLike | None = None


def rest_of(
    problem: Problem, period: int, size: tuple[float, float], state: MarketState
) -> Problem:
    """The problem of trading size = (shares left, lot) from `period` on, with what the state says
    put in.

    lot is 0 where trades need not be whole. Floors that the shares left cannot fill any more are
    cut in proportion, down to whole lots.

    Raises: ProblemError: the state does not fit the periods left, or the caps cannot take the
        shares left.
    """
    left, lot = size
    law: Law = _tail(problem.law, period)
    permanent = problem.permanent
    tail = (
        _tail(permanent, period)
        if isinstance(permanent, TableLaw)
        else np.asarray(permanent)[period:]
    )
    values: dict[str, Any] = {"law": law, "permanent": tail}
    for name in ("drift", "sigma", "cap", "floor"):
        value = getattr(problem, name)
        values[name] = None if value is None else np.asarray(value)[period:]
    for name in ("price", "law", "permanent", "drift", "sigma", "cap", "floor"):
        if getattr(state, name) is not None:
            values[name] = getattr(state, name)
    if values["floor"] is not None:
        values["floor"] = _cut(
            as_vector("floor", values["floor"], minimum=0.0), problem.n - period, size
        )
    return replace(problem, shares=left, lot=lot or left, periods=problem.n - period, **values)


def _cut(floor: Floats, periods: int, size: tuple[float, float]) -> Floats:
    """Floors of `periods` periods that size = (shares left, lot) can fill.

    Raises:
        ProblemError: floors of another number of periods.
    """
    if floor.shape not in ((), (periods,)):
        raise ProblemError(
            f"floor must be a scalar or have shape ({periods},), found {floor.shape}: align it"
        )
    floor = np.broadcast_to(floor, periods)
    left, lot = size
    if float(floor.sum()) <= left:
        return floor
    floor = floor * (left / float(floor.sum()))
    return np.asarray(np.floor(floor / lot * (1.0 + ROUNDING)) * lot if lot else floor)


def _tail(law: Law, period: int) -> Law:
    """A law from `period` on."""
    if isinstance(law, TableLaw):
        return TableLaw(law.table[period:])
    parts = (np.asarray(part) for part in (law.scale, law.exponent, law.spread))
    return PowerLaw(*(part[period:] if part.ndim else part for part in parts))


@dataclass(frozen=True, eq=False)
class Plan:
    """How a re-plan is solved: whole lots or not, with which settings, and from which schedule of
    the rest.
    """

    integer: bool = False
    settings: Settings = field(default_factory=Settings)
    start: Floats | None = None


def replan(
    problem: Problem,
    period: int,
    executed: ArrayLike,
    state: MarketState | None = None,
    plan: Plan | None = None,
) -> Solution:
    """Solve the rest of an order, from `period` on, after `executed` has been traded.

    Shapes: executed (period,), shares; the solution's x has shape (N - period,). Its costs are
    those still to come, against the price now.

    Raises:
        ProblemError: period out of range, executed of the wrong shape or more than the order.

    Source: Bertsimas, Lo (1998), sec. 3: open-loop feedback by re-solving with what is newly known.
    """
    if as_count("period", period, 0) >= problem.n:
        raise ProblemError(
            f"period must be in 0..{problem.n - 1}, found {period}: nothing is left to plan after "
            "the last"
        )
    done = as_vector("executed", executed, minimum=0.0)
    if done.shape != (period,):
        raise ProblemError(
            f"executed must have shape ({period},), found {done.shape}: one trade for each period "
            "past"
        )
    left = problem.shares - float(done.sum())
    if left < -ROUNDING * problem.shares:
        raise ProblemError(
            f"executed must sum to at most shares, found {done.sum():g} > {problem.shares:g}: "
            "check it"
        )
    plan = plan or Plan()
    whole = plan.integer or problem.tabular
    if whole:
        left = round(left / problem.lot) * problem.lot
    if left <= ROUNDING * problem.shares:
        zero = np.zeros(problem.n - period)
        nothing = Breakdown(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        return Solution(
            zero, 0.0, 0.0, 0.0, 0.0, 0.0, Status.OPTIMAL, "done", nothing, plan.integer
        )
    rest = rest_of(problem, period, (left, problem.lot if whole else 0.0), state or MarketState())
    return solve(rest, integer=plan.integer, settings=plan.settings, start=plan.start)
