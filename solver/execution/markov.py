"""Liquidity as a Markov chain: the exact adaptive policy on the lattice of whole lots."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from solver.backend import kernels
from solver.lattice.lattice import Lattice, Policy
from solver.lattice.programme import check_size, moved_by_all, period_pieces, period_row
from solver.lattice.rows import solve_row
from solver.problem.laws import (
    Floats,
    Ints,
    Law,
    PowerLaw,
    ProblemError,
    TableLaw,
    as_count,
    as_floats,
)
from solver.problem.problem import Problem
from solver.problem.solution import Settings


@dataclass(frozen=True, eq=False)
class LiquidityChain:
    """Illiquidity levels and the chance of going from one to another between periods.

    Shapes: levels (L,), > 0, multiplying the temporary cost (1 = as fitted, larger = thinner);
    transition (L, L), rows summing to 1. The level of a period is seen before its trade.

    Raises: ProblemError: a wrong shape, a level that is not positive, or rows that are not
        probabilities.
    """

    levels: ArrayLike
    transition: ArrayLike

    def __post_init__(self) -> None:
        levels, transition = (
            as_floats("levels", self.levels),
            as_floats("transition", self.transition),
        )
        if levels.ndim != 1 or transition.shape != (levels.size, levels.size):
            raise ProblemError(
                "transition must have shape (L, L) with L = len(levels), found "
                f"{transition.shape}: align them"
            )
        if not levels.size or not (levels > 0.0).all():
            raise ProblemError(
                f"levels must be > 0, at least one, found {levels}: drop or merge that state"
            )
        if (transition < 0.0).any() or (np.abs(transition.sum(axis=1) - 1.0) > 1e-9).any():
            raise ProblemError(
                "transition must have non-negative rows that sum to 1, found others: normalise the "
                "counts"
            )
        object.__setattr__(self, "levels", levels)
        object.__setattr__(self, "transition", transition)

    def expected(self, start: int, periods: int) -> Floats:
        """The expected level of each period given the first one's state, shape (periods,)."""
        weight = np.zeros(np.size(self.levels))
        weight[start] = 1.0
        levels = np.empty(periods)
        for t in range(periods):
            levels[t] = weight @ np.asarray(self.levels)
            weight = weight @ np.asarray(self.transition)
        return levels


def scaled(problem: Problem, level: ArrayLike) -> Problem:
    """The problem with its temporary cost multiplied by `level`, a scalar or (N,); the spread of a
    PowerLaw stays.
    """
    law: Law
    if isinstance(problem.law, TableLaw):
        law = TableLaw(problem.law.table * np.reshape(level, (-1, 1)))
    else:
        law = PowerLaw(
            np.asarray(problem.law.scale) * level, problem.law.exponent, problem.law.spread
        )
    return replace(problem, law=law)


@dataclass(frozen=True, eq=False)
class LiquidityPolicy:
    """V(s, t, l) and the best trade in every state.

    Shapes: values[t] and trades[t] are (L, states) over lows[t], lows[t] + 1, ... lots left. Units:
    values in currency, the expected cost still to come over the price now plus the price of risk;
    trades in lots.
    """

    values: list[Floats]
    trades: list[Policy]
    lows: Ints
    lot: float

    def value(self, period: int, lots: int, state: int) -> float:
        """V with `lots` left before `period`, whose level is `state`; infinite when they cannot be
        traded.

        Raises:
            ProblemError: no such period or state.
        """
        if as_count("period", period, 0) >= len(self.values):
            raise ProblemError(
                f"period must be in 0..{len(self.values) - 1}, found {period}: see values"
            )
        table = self.values[period]
        if as_count("state", state, 0) >= table.shape[0]:
            raise ProblemError(
                f"state must be in 0..{table.shape[0] - 1}, found {state}: see the chain's levels"
            )
        at = lots - int(self.lows[period])
        return float(table[state, at]) if 0 <= at < table.shape[1] else np.inf

    def follow(self, states: Ints) -> Floats:
        """The trades along a path of states, one a period, shape (N,), shares."""
        left = int(self.lows[0])
        path = np.empty(len(self.trades))
        for t, table in enumerate(self.trades):
            trade = int(table[states[t], left - int(self.lows[t])])
            path[t] = trade * self.lot
            left -= trade
        return path


def stochastic_policy(
    problem: Problem, chain: LiquidityChain, settings: Settings | None = None
) -> LiquidityPolicy:
    """The policy of least expected cost when each period's illiquidity level is seen before its
    trade.

    Raises:
        ProblemError: no schedule in whole lots, or a table beyond `settings.max_cells`.

    Source: V(s, t, l) = min_x level_l g_t(x) + mu_t (s - x) + gamma_t x (s - x + w x) + risk +
    sum_m P(l, m) V(s - x, t + 1, m), w = own_share; Bertsimas, Lo (1998), sec. 3, for a state
    variable in the law.
    """
    settings = settings or Settings()
    levels, transition = np.asarray(chain.levels), np.asarray(chain.transition)
    lattices = [Lattice(scaled(problem, level)) for level in levels]
    if lattices[0].reason:
        raise ProblemError(
            f"problem must have a schedule in whole lots, found none: {lattices[0].reason}"
        )
    check_size(lattices[0], replace(settings, max_cells=max(1, settings.max_cells // levels.size)))
    code = kernels("solver.compiled.rows", settings.compiled)
    lows, highs = lattices[0].states
    values: list[Floats] = []
    policies: list[Policy] = []
    value = np.zeros((levels.size, 1))
    for j in range(problem.n - 1, -1, -1):
        after = transition @ value + lattices[0].psi(j, int(lows[j + 1]), int(highs[j + 1]))
        solved = []
        for lattice, one in zip(lattices, after, strict=True):
            row = period_row(lattice, j, one)
            solved.append(solve_row(row, period_pieces(lattice, j, row), code))
        value = np.stack([v for v, _ in solved])
        policies.append(np.stack([trades for _, trades in solved]))
        values.append(value + moved_by_all(lattices[0], j, int(lows[j]), int(highs[j])))
    return LiquidityPolicy(values[::-1], policies[::-1], lows, problem.lot)
