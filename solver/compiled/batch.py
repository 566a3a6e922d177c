"""Compiled kernels that solve the orders of a batch one after another (needs numba)."""

from __future__ import annotations

import numpy as np
from numba import njit

from solver.compiled.certificate import power
from solver.compiled.newton import solve_convex
from solver.problem.laws import Floats, Ints

BATCH_STEPS = 60  # of the barrier method, per order


@njit(cache=True, nogil=True, error_model="numpy")
def fill_rows(
    rows: Floats, fields: tuple[Floats, ...], modes: Ints, at: tuple[int, int], escaped: float
) -> float:
    """Fill an order's parameter rows from a batch's fields (spread, scale, exponent, permanent,
    drift, risk, floor, cap); return the first period's permanent slope.

    at = (the order, its first period); escaped, 1 - 2 own_share, is what bend keeps of permanent.
    modes[f] says whether field f has one entry (0), one an order (1) or one a period (2, the
    order's starting at its first period).
    """
    order, first = at
    n = rows.shape[1]
    for f in range(8):
        if modes[f] == 2:
            rows[f] = fields[f][first : first + n]
        else:
            rows[f] = fields[f][order if modes[f] == 1 else 0]
    gamma = rows[3, 0]
    for j in range(n - 1):
        rows[5, j] += 0.5 * (rows[3, j + 1] - rows[3, j])
        rows[3, j] *= escaped
    rows[3, n - 1] *= escaped
    rows[4, n - 1] = rows[5, n - 1] = 0.0
    return gamma


@njit(cache=True, nogil=True, error_model="numpy")
def tighten(rows: Floats, shares: float) -> None:
    """Replace the floors and caps in rows 6 and 7 by the limits all of them together imply."""
    low, high = 0.0, 0.0
    for j in range(rows.shape[1]):
        rows[7, j] = min(rows[7, j], shares)
        low += rows[6, j]
        high += rows[7, j]
    for j in range(rows.shape[1]):
        floor, cap = rows[6, j], rows[7, j]
        rows[6, j] = min(max(floor, shares - (high - cap)), cap)
        rows[7, j] = max(min(cap, shares - (low - floor)), floor)


@njit(cache=True, nogil=True, error_model="numpy")
def objective(rows: Floats, const: float, x: Floats) -> float:
    """Expected shortfall plus the price of risk of a schedule, const included, currency."""
    total, left = const, 0.0
    for j in range(x.size - 1, -1, -1):
        total += (rows[0, j] - 0.5 * rows[3, j] * x[j]) * x[j] + (
            rows[4, j] + rows[5, j] * left
        ) * left
        if rows[1, j] > 0.0 and x[j] > 0.0:
            total += rows[1, j] * power(x[j], rows[2, j])
        left += x[j]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def solve_span(
    fields: tuple[Floats, ...],
    modes: Ints,
    orders: tuple[Ints, Floats],
    span: Floats,
    out: tuple[Floats, Floats, Floats],
) -> None:
    """Solve a batch from order span[0] to span[1] into out = (objectives, gaps, trades laid end to
    end).

    orders = (first period of each, shares); span[2] is the tolerance, span[3] as in
    `fill_rows`. Orders `solve_convex` does
    not take get an infinite gap and are left to the caller.
    """
    begin, shares = orders
    objectives, gaps, trades = out
    for i in range(int(span[0]), int(span[1])):
        a, b = begin[i], begin[i + 1]
        x = trades[a:b]
        x[:] = 0.0
        rows = np.empty((8, b - a))
        gamma = fill_rows(rows, fields, modes, (i, a), span[3])
        tighten(rows, shares[i])
        gaps[i] = solve_convex(rows, shares[i], span[2], BATCH_STEPS, x)
        if gaps[i] < np.inf:
            objectives[i] = objective(rows, 0.5 * gamma * shares[i] * shares[i], x)
