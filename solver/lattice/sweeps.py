"""Whole-lot optima of convex problems: round the continuous optimum, then sweep until no joint step
of a lot helps.
"""

from __future__ import annotations

import numpy as np

from solver.backend import kernels
from solver.problem.laws import Floats, Ints
from solver.problem.problem import Problem
from solver.problem.schedule import remaining
from solver.problem.solution import Settings
from solver.problem.terms import Terms

STEPS = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
NEXT = (
    np.arange(3)[:, None] - np.arange(3)[None, :] + 2
)  # row: d_{j-1}, column: d_j; index into STEPS of d_{j-1} - d_j


def round_left(x: Floats, lot: float, lots: int) -> Ints:
    """Whole-lot trades whose shares left are those of x rounded to lots; limits in whole lots stay
    respected.
    """
    left = np.floor(remaining(x) / lot + 0.5).astype(np.int64)
    return -np.diff(np.concatenate(([lots], left)))


def trade_changes(terms: Terms, trades: Ints, lot: float, limits: tuple[Ints, Ints]) -> Floats:
    """phi_j(x + d) - phi_j(x) for d in STEPS lots, shape (5, N), infinite outside the limits,
    without cancellation.
    """
    x = trades * lot
    k = terms.exponent if terms.power is None else terms.power
    power = terms.scale * x**k
    changes = np.empty((5, x.size))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for row, d in enumerate(STEPS):
            delta = d * lot
            ratio = np.maximum(delta / x, -1.0)
            grown = np.where(
                x > 0.0, power * np.expm1(k * np.log1p(ratio)), terms.scale * max(delta, 0.0) ** k
            )
            changes[row] = terms.spread * delta + grown - terms.bend * delta * (x + 0.5 * delta)
            moved = trades + int(d)
            changes[row][(moved < limits[0]) | (moved > limits[1])] = np.inf
    changes[2] = 0.0
    return changes


def best_move(changes: Floats, left_changes: Floats) -> tuple[float, Ints]:
    """The joint move d in {-1, 0, 1}**(N-1) of the shares left that lowers the objective most, and
    by how much.

    Min-plus products of 3 x 3 transition matrices, combined pairwise in O(log N) vector steps.
    `left_changes` has shape (3, N), its last column excluding any move of the end.
    """
    levels = [changes[NEXT].transpose(2, 0, 1) + left_changes.T[:, None, :]]
    argmins: list[Ints] = []
    while levels[-1].shape[0] > 1:
        m = levels[-1]
        pairs = m.shape[0] // 2
        total = m[0 : 2 * pairs : 2, :, :, None] + m[1 : 2 * pairs : 2, None, :, :]
        argmins.append(np.argmin(total, axis=2))
        merged = total.min(axis=2)
        levels.append(np.concatenate((merged, m[2 * pairs :])) if m.shape[0] % 2 else merged)
    gain = float(levels[-1][0, 1, 1])
    ends = np.array([[1, 1]])
    for m, argmin in zip(levels[-2::-1], argmins[::-1], strict=True):
        pairs = argmin.shape[0]
        middle = argmin[np.arange(pairs), ends[:pairs, 0], ends[:pairs, 1]]
        opened = np.empty((m.shape[0], 2), dtype=np.int64)
        opened[0 : 2 * pairs : 2, 0], opened[0 : 2 * pairs : 2, 1] = ends[:pairs, 0], middle
        opened[1 : 2 * pairs : 2, 0], opened[1 : 2 * pairs : 2, 1] = middle, ends[:pairs, 1]
        opened[2 * pairs :] = ends[pairs:]
        ends = opened
    return gain, ends[:, 1] - 1


def sweep(problem: Problem, x: Floats, settings: Settings) -> tuple[Ints, bool]:
    """Improve a rounded schedule by joint one-lot moves; True when none is left, which proves it
    optimal.

    For an L-natural-convex objective a point that no move in {-1, 0, 1}**(N-1) of the shares left
    improves is a global minimum. Moves that gain less than the rounding error of the cost are not
    counted as improvements.

    Source: Murota (2003), "Discrete Convex Analysis", theorem 7.14.
    """
    terms, lot = problem.terms, problem.lot
    limits = problem.lot_limits
    trades = round_left(x, lot, problem.lots)
    code = kernels("solver.compiled.sweeps", settings.compiled)
    if code is not None:
        proved = bool(
            code.sweep(terms.rows, lot, trades, np.stack(limits), settings.max_iterations)
        )
        return trades, proved
    for _ in range(settings.max_iterations):
        left = problem.lots - np.cumsum(trades)
        held = left * lot
        changes = trade_changes(terms, trades, lot, limits)
        left_changes = np.stack(
            [
                d * lot * (terms.slope + terms.curve * (2.0 * held + d * lot))
                for d in (-1.0, 0.0, 1.0)
            ]
        )
        left_changes[[0, 2], -1] = np.inf
        gain, move = best_move(changes, left_changes)
        steps = -np.diff(move, prepend=0)
        if gain >= -8.0 * np.finfo(float).eps * _size(terms, lot, (changes, left_changes), move):
            return trades, True
        trades = trades + steps
    return trades, False


def _size(terms: Terms, lot: float, tables: tuple[Floats, Floats], move: Ints) -> float:
    """What a move's gain is the sum of, without signs: its rounding error is in proportion.

    Changes that it does not make are none of it: a period beyond all price hides no gain elsewhere.
    """
    changes, left_changes = tables
    steps, places = -np.diff(move, prepend=0), np.arange(move.size)
    parts = np.abs(changes[steps + 2, places]) + np.abs(left_changes[move + 1, places])
    parts += lot * (np.abs(terms.spread * steps) + np.abs(terms.slope * move))
    return float(parts.sum())
