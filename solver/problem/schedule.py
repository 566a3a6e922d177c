"""The cost of a given schedule, piece by piece."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from solver.problem.laws import Floats, ProblemError, TableLaw, as_vector
from solver.problem.problem import ROUNDING, Problem
from solver.problem.terms import Terms


@dataclass(frozen=True)
class Breakdown:
    """The pieces of a schedule's cost over the arrival price, in currency (variance in currency
    squared).

    risk is risk_aversion * variance, so `objective` is what the solvers minimise.
    """

    spread: float
    temporary: float
    permanent: float
    drift: float
    risk: float
    variance: float

    @property
    def shortfall(self) -> float:
        """Expected implementation shortfall against the arrival price, currency."""
        return self.spread + self.temporary + self.permanent + self.drift

    @property
    def objective(self) -> float:
        """Expected shortfall plus the price of risk, currency."""
        return self.shortfall + self.risk

    @property
    def gross(self) -> float:
        """The pieces added without their signs: the scale against which a gap is relative."""
        return sum(
            abs(v) for v in (self.spread, self.temporary, self.permanent, self.drift, self.risk)
        )


def inner(a: Floats, b: Floats) -> float:
    """sum(a * b) without BLAS, whose threads wait for one another on long vectors where cores are
    shared.
    """
    return float((a * b).sum())


def remaining(x: Floats) -> Floats:
    """The shares left after each period, shape (N,), summed from the end so that the last is
    exactly zero.
    """
    left = np.zeros_like(x)
    np.cumsum(x[:0:-1], out=left[-2::-1] if x.size > 1 else left[:0])
    return left


def price_moves(problem: Problem, x: Floats) -> Floats:
    """The permanent price move h_i(x_i) of each trade, shape (N,), currency / share."""
    if isinstance(problem.permanent, TableLaw):
        return look_up(problem, problem.permanent, x)
    return np.asarray(problem.permanent) * x


def look_up(problem: Problem, law: TableLaw, x: Floats) -> Floats:
    """Read a table at a schedule of whole lots.

    Raises:
        ProblemError: x is not in whole lots, or beyond the table.
    """
    lots = np.rint(x / problem.lot).astype(np.int64)
    if np.abs(lots * problem.lot - x).max() > ROUNDING * problem.shares:
        raise ProblemError(
            "x must be in whole lots where a curve is a table, found fractions: round the schedule"
        )
    if lots.min() < 0 or lots.max() >= law.table.shape[1]:
        raise ProblemError(
            f"x must lie within the table, found {lots.max()} lots: it ends at "
            f"{law.table.shape[1] - 1}"
        )
    return np.asarray(law.table[np.arange(problem.n), lots], dtype=np.float64)


def evaluate(problem: Problem, x: ArrayLike) -> Breakdown:
    """Cost the schedule `x`, optimal or not, under the problem's law.

    Shapes: x (N,), in shares, >= 0. The sum of x need not equal `shares`: what is left is counted
    from the trades themselves.

    Raises:
        ProblemError: x has the wrong shape, is negative, or (with tables) is not in whole lots.

    Source: E cost = P_1 S + sum g_j(x_j) + mu_j R_j + h_j(x_j) (R_j + w x_j), w = own_share;
    Almgren, Chriss (2000), eq. (4)-(5), for w = 0.
    """
    trades = as_vector("x", x, minimum=0.0)
    if trades.shape != (problem.n,):
        raise ProblemError(
            f"x must have shape ({problem.n},), found {trades.shape}: one size a period"
        )
    if isinstance(problem.law, TableLaw):
        spread, temporary = 0.0, float(look_up(problem, problem.law, trades).sum())
    else:
        law = problem.law
        spread = float((np.asarray(law.spread) * trades).sum())
        exponent = np.asarray(law.exponent)
        temporary = float(
            (
                np.asarray(law.scale) * trades ** (exponent if exponent.ndim else float(exponent))
            ).sum()
        )
    left = remaining(trades)
    squared = left * left
    variance = inner(np.square(np.asarray(problem.sigma)), squared)
    return Breakdown(
        spread=spread,
        temporary=temporary,
        permanent=inner(price_moves(problem, trades), left + problem.own_share * trades),
        drift=inner(problem.adverse_drift, left),
        risk=problem.risk_aversion * variance,
        variance=variance,
    )


def marginal_phi(terms: Terms, x: Floats) -> Floats:
    """phi_j'(x_j), shape (N,), currency / share; infinite at 0 where an exponent is below one."""
    k = terms.exponent if terms.power is None else terms.power
    with np.errstate(divide="ignore"):
        power = x ** (k - 1.0)
    rate = terms.scale * terms.exponent
    return np.asarray(terms.spread + rate * np.where(rate == 0.0, 0.0, power) - terms.bend * x)


def gradient(terms: Terms, x: Floats) -> Floats:
    """The derivative of the objective along the plane sum(x) = shares, shape (N,), up to a constant
    over periods.

    Units: currency / share.
    """
    marginal = marginal_phi(terms, x)
    marginal[1:] += np.cumsum((terms.slope + 2.0 * terms.curve * remaining(x))[:-1])
    return marginal
