"""The cost-variance frontier: the best schedule for every price of risk."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from solver.problem.laws import Floats, ProblemError, as_vector
from solver.problem.problem import Problem
from solver.problem.solution import Settings, Solution
from solver.solve import solve


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
