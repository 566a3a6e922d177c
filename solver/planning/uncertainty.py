"""What the parameters' errors do to the cost, and the plan that is best against the worst
of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from solver.problem.laws import ProblemError, as_floats
from solver.problem.problem import Problem
from solver.problem.schedule import evaluate, remaining

PARAMETERS = ("scale", "exponent", "spread", "permanent", "drift")


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """The covariance of errors common to all periods.

    Shapes: covariance (P, P) in the order of `names`. Units: scale, spread and permanent are
    relative errors (0.1 = 10 %), exponent is absolute, drift is in currency / share per period.

    Raises:
        ProblemError: an unknown name, a wrong shape, or a matrix that is not a covariance.
    """

    names: tuple[str, ...]
    covariance: ArrayLike

    def __post_init__(self) -> None:
        unknown = [name for name in self.names if name not in PARAMETERS]
        if unknown or len(set(self.names)) != len(self.names):
            raise ProblemError(
                f"names must be distinct and among {PARAMETERS}, found {self.names}: rename or "
                "drop them"
            )
        matrix = as_floats("covariance", self.covariance)
        if matrix.shape != (len(self.names), len(self.names)) or not np.allclose(matrix, matrix.T):
            raise ProblemError(
                f"covariance must be symmetric with one row a name, found shape {matrix.shape}: "
                "align it"
            )
        if np.linalg.eigvalsh(matrix).min() < -1e-10 * max(1e-300, float(np.abs(matrix).max())):
            raise ProblemError(
                "covariance must have no negative eigenvalue, found one: repair the estimate"
            )
        object.__setattr__(self, "covariance", matrix)


def sensitivities(problem: Problem, x: ArrayLike) -> dict[str, float]:
    """The derivative of expected cost with respect to each error of `Uncertainty`, currency per
    unit of error.

    Raises:
        ProblemError: the law is a table, or x does not fit.
    """
    trades = as_floats("x", x)
    pieces = evaluate(problem, trades)
    _, scale, exponent = problem.law_rows
    logs = np.log(np.where(trades > 0.0, trades, 1.0))
    return {
        "scale": pieces.temporary,
        "exponent": float((scale * trades**exponent * logs).sum()),
        "spread": pieces.spread,
        "permanent": pieces.permanent,
        "drift": problem.sign * float(remaining(trades).sum()),
    }


@dataclass(frozen=True)
class CostInterval:
    """Expected shortfall with the error the parameters' covariance gives it, currency."""

    expected: float
    error: float
    low: float
    high: float


def cost_interval(
    problem: Problem, x: ArrayLike, uncertainty: Uncertainty, level: float = 0.95
) -> CostInterval:
    """The delta-method interval on the expected shortfall of schedule x.

    Raises:
        ProblemError: level not in (0, 1), a table law, or an x that does not fit.

    Source: Cramer (1946), "Mathematical methods of statistics", sec. 28.4 (the delta method).
    """
    if not 0.0 < level < 1.0:
        raise ProblemError(f"level must be in (0, 1), found {level:g}: 0.95 is usual")
    from scipy.special import ndtri

    slopes = sensitivities(problem, x)
    gradient = np.array([slopes[name] for name in uncertainty.names])
    error = float(np.sqrt(max(0.0, gradient @ np.asarray(uncertainty.covariance) @ gradient)))
    expected = evaluate(problem, x).shortfall
    reach = float(ndtri(0.5 + 0.5 * level)) * error
    return CostInterval(expected, error, expected - reach, expected + reach)
