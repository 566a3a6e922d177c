"""The problem in whole lots: its stage costs, its reachable states, and the dense dynamic programme
over them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from solver.problem.laws import Floats, Ints, PowerLaw, TableLaw
from solver.problem.problem import Problem
from solver.problem.shape import convex_range

Policy = NDArray[np.int32]
TABLES = 4  # arrays as long as a period's trades, while their costs are computed
BLOCK = 2_000_000  # matrix cells a dense row block holds at once


@dataclass(frozen=True, eq=False)
class Lattice:
    """Stage costs in whole lots: phi_j(n) + h_j(n) r + psi_j(r) with n lots traded and r lots left
    after period j.

    With linear permanent impact the price term is folded into phi and psi, but for a constant, and
    h is absent; with a table of moves phi holds what a trade pays of its own.
    """

    problem: Problem

    @property
    def lots(self) -> int:
        """The order in lots."""
        return self.problem.lots

    @cached_property
    def coupled(self) -> bool:
        """Whether permanent impact is tabulated, so that trade and shares left do not separate."""
        return isinstance(self.problem.permanent, TableLaw)

    @cached_property
    def states(self) -> tuple[Ints, Ints]:
        """The least and most lots that can be left before each period and after the last, shapes
        (N+1,).
        """
        low, high = self.problem.lot_limits
        after_low = np.append(np.cumsum(low[::-1])[::-1], 0)
        after_high = np.append(np.cumsum(high[::-1])[::-1], 0)
        done_low, done_high = np.append(0, np.cumsum(low)), np.append(0, np.cumsum(high))
        return np.maximum(after_low, self.lots - done_high), np.minimum(
            after_high, self.lots - done_low
        )

    @cached_property
    def cells(self) -> int:
        """How much the programme holds at once: (period, lots left) states, and one period's costs
        of trades, which take some arrays to compute.
        """
        low, high = self.states
        return int((high - low + 1).sum() + TABLES * (self.problem.lot_limits[1].max() + 1))

    @cached_property
    def reason(self) -> str:
        """Why no schedule in whole lots exists, or an empty string."""
        low, high = self.problem.lot_limits
        if (low > high).any():
            i = int(np.argmax(low > high))
            return (
                f"floor and cap: no whole lot fits between them in period {i} ({low[i]} > "
                f"{high[i]} lots)"
            )
        if int(high.sum()) < self.lots:
            return (
                "cap: whole lots under the caps (and within the tables) sum to "
                f"{int(high.sum())} < {self.lots}"
            )
        if int(low.sum()) > self.lots:
            return f"floor: whole lots over the floors sum to {int(low.sum())} > {self.lots}"
        return ""

    @cached_property
    def turns(self) -> tuple[Floats, Floats]:
        """The range of lots (not whole) on which each period's power law with its permanent term is
        convex.
        """
        start, end = convex_range(self.problem.terms)
        return start / self.problem.lot, end / self.problem.lot

    @cached_property
    def _powers(self) -> Floats | None:
        """(n lot)**k for n = 0..lots when the exponent is shared by all periods."""
        if not isinstance(self.problem.law, PowerLaw):
            return None
        exponent = self.problem.law_rows[2]
        if (exponent != exponent[0]).any():
            return None
        most = int(self.problem.lot_limits[1].max())
        return np.asarray((np.arange(most + 1) * self.problem.lot) ** float(exponent[0]))

    def phi(self, j: int) -> Floats:
        """Cost of trading 0..high_j lots in period j, currency, shape (high_j + 1,)."""
        problem = self.problem
        high = int(problem.lot_limits[1][j])
        if isinstance(problem.law, TableLaw):
            cost: Floats = problem.law.table[j, : high + 1].copy()
        else:
            x = np.arange(high + 1) * problem.lot
            spread, scale, exponent = problem.law_rows
            powers = self._powers[: high + 1] if self._powers is not None else x ** exponent[j]
            cost = spread[j] * x + scale[j] * powers
        trades = np.arange(high + 1) * problem.lot
        if self.coupled:
            cost += problem.own_share * self.move(j) * trades
        elif problem.bend[j]:
            cost -= (0.5 * problem.bend[j]) * np.square(trades)
        return cost

    def move(self, j: int) -> Floats:
        """Tabulated price move of trading 0..high_j lots in period j, currency / share."""
        assert isinstance(self.problem.permanent, TableLaw)
        return self.problem.permanent.table[j, : int(self.problem.lot_limits[1][j]) + 1]

    def psi(self, j: int, low: int, high: int) -> Floats:
        """Cost of having low..high lots left after period j, currency."""
        problem = self.problem
        left = np.arange(low, high + 1) * problem.lot
        curve = problem.risk[j]
        if not self.coupled and j + 1 < problem.n:
            gamma = np.asarray(problem.permanent)
            curve = curve + 0.5 * (gamma[j + 1] - gamma[j])
        return np.asarray((problem.adverse_drift[j] + curve * left) * left)


@dataclass(frozen=True)
class Piece:
    """A run first..last of trades in lots on which a period's cost is convex, or else concave."""

    first: int
    last: int
    convex: bool


@dataclass(frozen=True)
class Row:
    """One period's minimisation: value(s) = min over n of phi[n] + move[n] r + after[r], r = s - n.

    `after` starts at lots `after_low`; states s run from `low` to `high`; n from `least` to
    len(phi) - 1.
    """

    phi: Floats
    after: Floats
    after_low: int
    low: int
    high: int
    least: int
    move: Floats | None = None
    lot: float = 1.0


def dense_row(row: Row) -> tuple[Floats, Policy]:
    """Solve one period by comparing every admissible trade of every state, in blocks.

    Shapes: values and trades (high - low + 1,). Ties go to the smallest trade.
    """
    width = row.phi.size - row.least
    reach = row.high - row.low + 1
    first = row.low - (row.phi.size - 1)
    padded = np.full(reach + width - 1, np.inf)
    begin, end = (
        max(first, row.after_low),
        min(row.high - row.least, row.after_low + row.after.size - 1),
    )
    padded[begin - first : end - first + 1] = row.after[
        begin - row.after_low : end - row.after_low + 1
    ]
    windows = sliding_window_view(padded, width)
    cost = row.phi[row.least :][::-1]
    values, trades = np.empty(reach), np.empty(reach, dtype=np.int32)
    for a in range(0, reach, max(1, BLOCK // width)):
        b = min(reach, a + max(1, BLOCK // width))
        total = windows[a:b] + cost
        if row.move is not None:
            left = (first + np.arange(a, b)[:, None] + np.arange(width)) * row.lot
            total += row.move[row.least :][::-1] * left
        best = width - 1 - np.argmin(total[:, ::-1], axis=1)
        values[a:b] = total[np.arange(b - a), best]
        trades[a:b] = row.phi.size - 1 - best
    return values, trades


def follow(policies: list[Policy], lows: Ints, lots: int) -> Ints:
    """The trades in lots of the optimal path from `lots` left before the first period."""
    path = np.empty(len(policies), dtype=np.int64)
    left = lots
    for j, policy in enumerate(policies):
        path[j] = policy[left - lows[j]]
        left -= int(path[j])
    return path
