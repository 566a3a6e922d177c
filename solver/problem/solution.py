"""What a solve is asked to do, and what it hands back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from solver.problem.laws import Floats, ProblemError, as_count, as_vector
from solver.problem.problem import Problem
from solver.problem.schedule import Breakdown, evaluate


class Status(Enum):
    """How much is proved: OPTIMAL (closed gap or a DP proof), FEASIBLE (gap stated) or INFEASIBLE
    (reason stated).
    """

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"


@dataclass(frozen=True)
class Settings:
    """Tolerances and budgets of a solve.

    tolerance: relative gap at which a continuous point counts as optimal. max_iterations: of the
    interior-point method and of the lattice sweeps. max_cells: the most (period, lots) cells an
    exact DP may store (12 bytes each at most). grid: lots of the coarse lattice tried when a
    continuous problem is not convex. compiled: use numba when it is installed.

    Raises:
        ProblemError: a value that is not positive, or a count that is not whole.
    """

    tolerance: float = 1e-9
    max_iterations: int = 100
    max_cells: int = 80_000_000
    grid: int = 1000
    compiled: bool = True

    def __post_init__(self) -> None:
        if not as_vector("tolerance", self.tolerance) > 0.0:
            raise ProblemError(
                f"tolerance must be > 0, found {self.tolerance!r}: leave it out for the default"
            )
        for name in ("max_iterations", "max_cells", "grid"):
            as_count(name, getattr(self, name))


@dataclass(frozen=True, eq=False)
class Solution:
    """A schedule with its cost and the proof of how good it is.

    Shapes: x (N,) in shares. Units: cost (expected cash paid; a seller's is negative), shortfall,
    lower_bound, gap in currency, variance in currency squared. `lower_bound` bounds `objective` =
    shortfall + risk_aversion * variance from below over every admissible schedule (over whole lots
    where `lots` is true) and `gap` is their difference.
    """

    x: Floats
    cost: float
    shortfall: float
    variance: float
    lower_bound: float
    gap: float
    status: Status
    method: str
    breakdown: Breakdown
    lots: bool = False
    reason: str = ""

    @property
    def objective(self) -> float:
        """Expected shortfall plus the price of risk, currency."""
        return self.breakdown.objective

    @property
    def relative_gap(self) -> float:
        """The gap over the sum of the absolute pieces of the cost (the cost itself when nothing is
        negative).
        """
        return self.gap / self.breakdown.gross if self.gap > 0.0 else 0.0


@dataclass(frozen=True)
class Outcome:
    """What a method found: a schedule, how far at most it is above the best (nothing where that is
    proved), its costs.
    """

    x: Floats
    method: str
    gap: float = np.inf
    proved: bool = False
    lots: bool = False
    pieces: Breakdown | None = None


def finish(problem: Problem, outcome: Outcome, settings: Settings) -> Solution:
    """Cost an outcome's schedule and decide its status from its gap."""
    pieces = outcome.pieces or evaluate(problem, outcome.x)
    gap = 0.0 if outcome.proved else max(outcome.gap, 0.0)
    bound = pieces.objective - gap
    closed = gap <= settings.tolerance * pieces.gross
    return Solution(
        x=outcome.x,
        cost=problem.sign * problem.price * problem.shares + pieces.shortfall,
        shortfall=pieces.shortfall,
        variance=pieces.variance,
        lower_bound=bound,
        gap=gap,
        status=Status.OPTIMAL if closed else Status.FEASIBLE,
        method=outcome.method,
        breakdown=pieces,
        lots=outcome.lots,
    )


def infeasible(problem: Problem, reason: str) -> Solution:
    """The answer when no schedule in whole lots meets the limits; `reason` names the one in the
    way.
    """
    nothing = Breakdown(np.inf, np.inf, np.inf, np.inf, np.inf, np.inf)
    return Solution(
        x=np.zeros(problem.n),
        cost=np.inf,
        shortfall=np.inf,
        variance=np.inf,
        lower_bound=np.inf,
        gap=0.0,
        status=Status.INFEASIBLE,
        method="none",
        breakdown=nothing,
        lots=True,
        reason=reason,
    )
