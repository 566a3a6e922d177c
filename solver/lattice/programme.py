"""Backward induction over whole lots: the value function V(s, t) and the policy it implies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from solver.backend import kernels
from solver.lattice.lattice import Lattice, Piece, Policy, Row, follow
from solver.lattice.rows import needs_code, solve_row, table_pieces
from solver.problem.laws import Floats, Ints, ProblemError, as_count
from solver.problem.problem import Problem
from solver.problem.schedule import evaluate
from solver.problem.solution import Outcome, Settings

MOST_WORK = (
    1e10  # comparisons made without compiled code where it would avoid them, about ten seconds
)


@dataclass(frozen=True, eq=False)
class ValueFunction:
    """V(s, t) and the best trade on the lattice of whole lots.

    Shapes: values[t] and trades[t] over the states lows[t], lows[t] + 1, ... lots left before
    period t.
    Units: values in currency, the cost still to come over the arrival price, counting permanent
    moves on the shares still to trade; trades in lots.
    """

    values: list[Floats]
    trades: list[Policy]
    lows: Ints
    lot: float

    def value(self, period: int, lots: int) -> float:
        """V with `lots` left before `period`; infinite when that state cannot be completed.

        Raises:
            ProblemError: no such period.
        """
        at = self._at(period, lots)
        return float(self.values[period][at]) if 0 <= at < self.values[period].size else np.inf

    def _at(self, period: int, lots: int) -> int:
        """Where `lots` left stands in the period's tables, if it does."""
        if as_count("period", period, 0) >= len(self.values):
            raise ProblemError(
                f"period must be in 0..{len(self.values) - 1}, found {period}: see values"
            )
        return lots - int(self.lows[period])

    def trade(self, period: int, lots: int) -> int:
        """The best trade in lots with `lots` left before `period`.

        Raises:
            ProblemError: the state cannot be reached or completed.
        """
        at = self._at(period, lots)
        if not 0 <= at < self.trades[period].size:
            raise ProblemError(
                f"lots must be a reachable state of period {period}, found {lots}: see lows and "
                "values"
            )
        return int(self.trades[period][at])


def _check_size(lattice: Lattice, settings: Settings) -> None:
    """Refuse a table that would not fit, or would take too long without compiled code.

    Raises:
        ProblemError: more cells than `settings.max_cells`, or more comparisons than MOST_WORK.
    """
    if lattice.cells > settings.max_cells:
        raise ProblemError(
            f"lot makes {lattice.cells} cells, more than max_cells={settings.max_cells}: use a "
            "larger lot"
        )
    if kernels("solver.compiled.rows", settings.compiled) is None and _work(lattice) > MOST_WORK:
        raise ProblemError(
            f"lot makes more than {MOST_WORK:g} comparisons without compiled code: use a larger "
            "lot, or compiled=True"
            " with numba installed"
        )


def _work(lattice: Lattice) -> float:
    """The comparisons NumPy makes in the rows that compiled code would solve without them."""
    (lows, highs), (least, most) = lattice.states, lattice.problem.lot_limits
    work = (highs - lows + 1.0)[:-1] * (most - least + 1.0)
    if work.sum() > MOST_WORK:
        for j in range(work.size):
            row = _period_row(lattice, j, np.zeros(0))
            work[j] *= needs_code(row, _period_pieces(lattice, j, row))
    return float(work.sum())


def backward(lattice: Lattice, settings: Settings) -> Iterator[tuple[int, Floats, Policy]]:
    """Solve the periods from the last to the first, yielding each one's values (without `const`)
    and trades.

    Raises:
        ProblemError: the table would exceed `settings.max_cells`.
    """
    _check_size(lattice, settings)
    code = kernels("solver.compiled.rows", settings.compiled)
    lows, highs = lattice.states
    value = np.zeros(1)
    for j in range(lattice.problem.n - 1, -1, -1):
        row = _period_row(lattice, j, value + lattice.psi(j, int(lows[j + 1]), int(highs[j + 1])))
        value, trades = solve_row(row, _period_pieces(lattice, j, row), code)
        yield j, value, trades


def dynamic_programme(problem: Problem, settings: Settings) -> Outcome:
    """Solve in whole lots exactly, whatever the shape of the curves.

    Raises:
        ProblemError: the table would exceed `settings.max_cells`.

    Source: Bellman (1957), "Dynamic programming"; Bertsimas, Lo (1998), sec. 2, the price
    eliminated.
    """
    lattice = Lattice(problem)
    policies = [trades for _, _, trades in backward(lattice, settings)]
    path = follow(policies[::-1], lattice.states[0], lattice.lots)
    x = np.asarray(path * problem.lot, dtype=np.float64)
    noise = _rounding(problem)
    told = noise <= settings.tolerance * evaluate(problem, x).gross
    return Outcome(x, "dp", noise, proved=told, lots=True)


def _rounding(problem: Problem) -> float:
    """The rounding error of comparing schedules by the lattice's functions, currency.

    What is negative in them cancels against the rest; what is positive only makes a schedule dear.
    """
    if problem.tabular:
        return 0.0
    s, terms = problem.shares, problem.terms
    negative = 0.5 * max(0.0, float(terms.bend.max())) * s * s
    negative -= float(np.minimum(terms.slope, 0.0).sum()) * s
    negative -= float(np.minimum(terms.curve, 0.0).sum()) * s * s
    return 4.0 * float(np.finfo(float).eps) * negative


def value_function(problem: Problem, settings: Settings | None = None) -> ValueFunction:
    """The cost still to come and the best trade for every period and number of lots left that the
    order can meet.

    Raises:
        ProblemError: no schedule in whole lots, or a table beyond `settings.max_cells`.

    Source: V(s, t) = min_x phi_t(x) + psi_t(s - x) + V(s - x, t + 1); Bertsimas, Lo (1998), sec. 2.
    """
    lattice = Lattice(problem)
    if lattice.reason:
        raise ProblemError(
            f"problem must have a schedule in whole lots, found none: {lattice.reason}"
        )
    values: list[Floats] = []
    policies: list[Policy] = []
    lows, highs = lattice.states
    for j, value, trades in backward(lattice, settings or Settings()):
        values.append(value + _moved_by_all(lattice, j, int(lows[j]), int(highs[j])))
        policies.append(trades)
    return ValueFunction(values[::-1], policies[::-1], lows, problem.lot)


def _moved_by_all(lattice: Lattice, j: int, low: int, high: int) -> Floats:
    """What the lattice's functions leave out with low..high lots left before period j: gamma_j s**2
    / 2, currency.
    """
    if lattice.coupled:
        return np.zeros(high - low + 1)
    left = np.arange(low, high + 1) * lattice.problem.lot
    return np.asarray(0.5 * np.asarray(lattice.problem.permanent)[j] * left * left)


def _period_row(lattice: Lattice, j: int, after: Floats) -> Row:
    """One period's minimisation, given what each number of lots left costs from there on."""
    lows, highs = lattice.states
    return Row(
        phi=lattice.phi(j),
        after=after,
        after_low=int(lows[j + 1]),
        low=int(lows[j]),
        high=int(highs[j]),
        least=int(lattice.problem.lot_limits[0][j]),
        move=lattice.move(j) if lattice.coupled else None,
        lot=lattice.problem.lot,
    )


def _period_pieces(lattice: Lattice, j: int, row: Row) -> list[Piece]:
    """Where the period's cost is convex or concave: from the law where it is a power, from the
    numbers in a table.
    """
    if lattice.problem.tabular:
        return table_pieces(row.phi, row.least)
    start, end = lattice.turns
    first, last = row.least, row.phi.size - 1
    low = max(first, int(np.ceil(start[j])) if np.isfinite(start[j]) else last + 1)
    high = min(last, int(np.floor(end[j])) if np.isfinite(end[j]) else first - 1)
    if low > high:
        return [Piece(first, last, False)]
    cuts = [Piece(first, low - 1, False), Piece(low, high, True), Piece(high + 1, last, False)]
    return [piece for piece in cuts if piece.first <= piece.last]
