"""The cost-variance frontier: the best schedule for every price of risk."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from solver.problem.laws import Floats, ProblemError, as_vector
from solver.problem.problem import Problem
from solver.problem.solution import Settings, Solution
from solver.solve import solve

DOUBLINGS, HALVINGS = 30, 12  # of a risk aversion's square root: looked for, and looked for within


@dataclass(frozen=True, eq=False)
class Frontier:
    """Schedules along the frontier, in increasing risk aversion.

    Shapes: risk_aversion, shortfall, variance (L,); x (L, N). Units: 1 / currency, currency,
    currency squared, shares.
    """

    risk_aversion: Floats
    solutions: tuple[Solution, ...]

    @property
    def shortfall(self) -> Floats:
        """Expected shortfall of each schedule, shape (L,), currency."""
        return np.array([s.shortfall for s in self.solutions])

    @property
    def variance(self) -> Floats:
        """Variance of each schedule's shortfall, shape (L,), currency squared."""
        return np.array([s.variance for s in self.solutions])

    @property
    def x(self) -> Floats:
        """The schedules, shape (L, N), shares."""
        return np.stack([s.x for s in self.solutions])


def frontier(
    problem: Problem,
    risk_aversion: ArrayLike,
    integer: bool = False,
    settings: Settings | None = None,
) -> Frontier:
    """Solve for every risk aversion, each from the last one's schedule.

    Shapes: risk_aversion (L,), 1 / currency; sorted on return.

    Raises:
        ProblemError: a negative or non-finite risk aversion, or none.

    Source: Almgren, Chriss (2000), "Optimal execution of portfolio transactions", sec. 2.2.
    """
    grid = np.sort(np.atleast_1d(as_vector("risk_aversion", risk_aversion, minimum=0.0)))
    if not grid.size:
        raise ProblemError(
            "risk_aversion must not be empty, found none: pass the values to solve for"
        )
    solutions: list[Solution] = []
    start: Floats | None = None
    for value in grid:
        one = replace(problem, risk_aversion=float(value))
        solutions.append(solve(one, integer=integer, settings=settings, start=start))
        start = solutions[-1].x
    return Frontier(grid, tuple(solutions))


def most_urgent(problem: Problem, rise: float = 0.02) -> Frontier:
    """The cheapest plan, and the one of the largest risk aversion that costs little more over mid.

    rise: the most of the cheapest plan's spread and temporary cost that risk aversion may add to
    them. The second is the first where nothing bears risk.

    Raises:
        ProblemError: a table law, or an exponent up to 1, whose plans jump.

    Source: Almgren, Chriss (2000), sec. 2.2: near its end the frontier is flat, so that a small
    part of the cost buys much less risk.
    """
    if problem.tabular or problem.law_rows[2].min() <= 1.0:
        raise ProblemError(
            "law must be a PowerLaw with an exponent above 1 here, found another: its plans jump"
        )
    cheapest = solve(replace(problem, risk_aversion=0.0))
    allowed = (1.0 + rise) * _over_mid(cheapest)
    if not cheapest.variance > 0.0:
        return Frontier(np.zeros(2), (cheapest, cheapest))

    def tried(value: float) -> Solution:
        return solve(replace(problem, risk_aversion=value), start=cheapest.x)

    low = high = 1e-6 * _over_mid(cheapest) / cheapest.variance  # a millionth of the cost, in risk
    for _ in range(DOUBLINGS):
        if _over_mid(tried(high)) > allowed:
            break
        low, high = high, 4.0 * high
    for _ in range(HALVINGS):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if _over_mid(tried(middle)) <= allowed else (low, middle)
    return Frontier(np.array([0.0, low]), (cheapest, tried(low)))


def _over_mid(solution: Solution) -> float:
    return solution.breakdown.spread + solution.breakdown.temporary
