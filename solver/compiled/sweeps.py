"""Compiled kernel of the whole-lot sweeps (needs numba): the algorithm of `sweeps` as one machine
loop.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from solver.problem.laws import Floats, Ints

FIVE, THREE = 5, 3


@njit(cache=True, nogil=True, error_model="numpy")
def _changes(rows: Floats, lot: float, trades: Ints, left: float, j: int, out: Floats) -> None:
    """phi_j's change for -2..2 lots into out[0:5] and psi_j's for -1..1 into out[5:8], without
    cancellation.
    """
    x, k = trades[j] * lot, rows[2, j]
    power = rows[1, j] * x**k if x > 0.0 else 0.0
    for i in range(FIVE):
        delta = (i - 2) * lot
        if i == 2:
            out[i] = 0.0
            continue
        ratio = max(delta / x, -1.0) if x > 0.0 else 0.0
        grown = (
            power * np.expm1(k * np.log1p(ratio)) if x > 0.0 else rows[1, j] * max(delta, 0.0) ** k
        )
        out[i] = rows[0, j] * delta + grown - rows[3, j] * delta * (x + 0.5 * delta)
    for i in range(THREE):
        delta = (i - 1) * lot
        out[FIVE + i] = delta * (rows[4, j] + rows[5, j] * (2.0 * left + delta))


@njit(cache=True, nogil=True, error_model="numpy")
def _forward(rows: Floats, lot: float, trades: Ints, limits: Ints, came: Ints) -> float:
    """Run the 3-state DP over moves of the shares left; return the gain."""
    n = trades.size
    value, following, change = np.empty(THREE), np.empty(THREE), np.empty(FIVE + THREE)
    value[:] = np.inf
    value[1] = 0.0
    left = 0.0
    for j in range(n):
        left += trades[j] * lot
    for j in range(n):
        left -= trades[j] * lot
        _changes(rows, lot, trades, left, j, change)
        following[:] = np.inf
        for now in range(THREE):
            if j == n - 1 and now != 1:
                continue
            for before in range(THREE):
                moved = trades[j] + before - now
                if value[before] < np.inf and limits[0, j] <= moved <= limits[1, j]:
                    step = change[2 + before - now]
                    cost = value[before] + step + change[FIVE + now]
                    if cost < following[now]:
                        following[now], came[j, now] = cost, before
        value[:] = following
    return value[1]


@njit(cache=True, nogil=True, error_model="numpy")
def _size(rows: Floats, lot: float, trades: Ints, came: Ints) -> float:
    """What the best move's gain is the sum of, without signs: its rounding error is in proportion.

    Changes that it does not make are none of it: a period beyond all price hides no gain elsewhere.
    """
    change, size = np.empty(FIVE + THREE), 0.0
    now, left = 1, 0.0
    for j in range(trades.size - 1, -1, -1):
        before = came[j, now]
        _changes(rows, lot, trades, left, j, change)
        size += abs(change[2 + before - now]) + abs(change[FIVE + now])
        size += lot * (abs(rows[0, j] * (before - now)) + abs(rows[4, j] * (now - 1)))
        now, left = before, left + trades[j] * lot
    return size


@njit(cache=True, nogil=True, error_model="numpy")
def sweep(rows: Floats, lot: float, trades: Ints, limits: Ints, most: int) -> bool:
    """Improve trades (lots) in place by joint one-lot moves until none helps; False when `most`
    sweeps did not suffice.
    """
    n = trades.size
    came = np.empty((n, THREE), dtype=np.int64)
    for _ in range(most):
        gain = _forward(rows, lot, trades, limits, came)
        if gain >= -8.0 * 2.220446049250313e-16 * _size(rows, lot, trades, came):
            return True
        now = 1
        for j in range(n - 1, -1, -1):
            before = came[j, now]
            trades[j] += before - now
            now = before
    return False
