"""Learned cost curves of a parameter file: what plans are made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from solver.lattice.lattice import Lattice
from solver.planning.shape import STATES, log_deviations
from solver.planning.tilt import Tilt
from solver.problem.impact_law import ImpactLaw
from solver.problem.knotted_law import KnottedLaw
from solver.problem.laws import Floats
from solver.problem.problem import Problem
from solver.problem.schedule import Breakdown, evaluate
from solver.problem.solution import Solution, Status
from solver.solve import solve

WORK = 5e9  # comparisons of a lattice in the order's own lots; beyond, several seconds
COARSE = "coarse"  # method of a plan that was rounded from these equal lots
ROUNDING = 1e-9  # of a state's log, by which equal periods may differ
GRID = 4000  # lots of an order on the coarser lattice


def law_of(section: Mapping[str, Any]) -> KnottedLaw:
    """A symbol's cost law at the states forecast, its learned curve where the section has one."""
    law, told = ImpactLaw.from_section(section), section.get("curves")
    if told is None:
        return KnottedLaw(law, np.ones(1), np.zeros((len(section["periods"]), 1)))
    return KnottedLaw.rising(law, *_told_ratios(told))


def _told_ratios(told: Mapping[str, Any]) -> tuple[Floats, Floats]:
    """Knots, and log ratios by period, of a section of curves."""
    ratio = np.log(np.array(told["ratio"], dtype=np.float64))
    return np.array(told["knots"], dtype=np.float64), ratio


def curve_of(
    section: Mapping[str, Any], chosen: list[int], tilt: Tilt, children: int
) -> KnottedLaw | None:
    """The learned curve of an order's periods, at the states believed; None where the law stands.

    section: one symbol's of `params.json`; its ratios are those at the states forecast. What tells
    periods apart in them is believed as far as the least believed of the states that do.
    """
    told = section.get("curves")
    if told is None:
        return None
    knots, ratio = _told_ratios(told)
    flat = ratio.mean(axis=0)
    point = ImpactLaw.from_section(section)
    return believed_curve(tilt, point, knots, flat, ratio[chosen] - flat, children)


def believed_curve(
    tilt: Tilt, point: ImpactLaw, knots: Floats, flat: Floats, apart: Floats, children: int = 1
) -> KnottedLaw:
    """A learned curve of the tilt's periods, followed as far as its states are believed.

    point: the law at the states forecast; knots (m,) shares; log ratios to it: flat (m,) of any
    period, apart (N, m) what each period adds.
    """
    spread, scale, _ = tilt.problem.law_rows
    law = ImpactLaw(alpha=scale, k=tilt.law.k, spread=spread)  # of all children, states composed
    return KnottedLaw.rising(law, knots, flat + believed(tilt, point) * apart, children)


def believed(tilt: Tilt, point: ImpactLaw) -> float:
    """The least weight of the states that tell periods apart."""
    apart = np.atleast_1d((np.abs(log_deviations(point)) > ROUNDING).any(axis=0))
    weights = [tilt.weight[state] for state, some in zip(STATES, apart, strict=True) if some]
    return min(weights, default=0.0)


def tabulated(problem: Problem, curve: KnottedLaw) -> Problem:
    """The problem with its learned curve as a table, in its own lots."""
    most = int(problem.lot_limits[1].max())
    return replace(problem, law=curve.table(problem.lot, max(most, 1)))


def evaluate_curve(problem: Problem, curve: KnottedLaw, x: Floats) -> Breakdown:
    """What a schedule costs under the learned curve; the law's spread stands apart, as there."""
    pieces = evaluate(problem, x)
    return replace(pieces, temporary=float(curve.temporary(x).sum()) - pieces.spread)


def solve_curve(problem: Problem, curve: KnottedLaw) -> Solution:
    """The plan under a learned curve: exact in the order's lots where that is quick to prove.

    Otherwise it is exact on `GRID` equal lots and rounded to the order's own within each period's
    running total: FEASIBLE, its bound not known.
    """
    fine = tabulated(problem, curve)
    lattice = Lattice(fine)
    least, most = fine.lot_limits
    if lattice.reason or lattice.cells * float((most - least).mean() + 1.0) <= WORK:
        return _costed(problem, curve, solve(fine))
    grid = problem.shares / min(GRID, problem.lots)
    coarse = solve(tabulated(replace(problem, lot=grid), curve))
    if coarse.status is Status.INFEASIBLE:
        return _costed(problem, curve, solve(fine))
    traded = np.floor(np.cumsum(coarse.x) / problem.lot + 0.5) * problem.lot  # within the caps
    rounded = replace(
        coarse,
        x=np.diff(traded, prepend=0.0),
        method=COARSE,
        status=Status.FEASIBLE,
        gap=np.nan,
        lower_bound=np.nan,
    )
    return _costed(problem, curve, rounded)


def _costed(problem: Problem, curve: KnottedLaw, found: Solution) -> Solution:
    """The solution with its cost under the curve, spread apart."""
    if found.status is Status.INFEASIBLE:
        return found
    return replace(found, breakdown=evaluate_curve(problem, curve, found.x))
