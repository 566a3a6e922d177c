"""Compiled kernels that certify a schedule (needs numba): those of `certificate` for convex orders.

An order's parameters are the rows of an (8, N) array: spread, scale, exponent, bend, slope, curve,
lower, upper.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from solver.problem.laws import Floats


@njit(cache=True, nogil=True, inline="always")
def power(y: float, k: float) -> float:
    """y**k with the exponents that matter most done without a logarithm."""
    if k == -0.5:
        return 1.0 / np.sqrt(y)
    if k == 0.0:
        return 1.0
    if k == 0.5:
        return np.sqrt(y)
    if k == 1.5:
        return y * np.sqrt(y)
    if k == 2.0:
        return y * y
    return y**k


@njit(cache=True, nogil=True, error_model="numpy")
def is_convex(rows: Floats) -> bool:
    """Whether every phi and psi is convex over the limits (the simpler of the two tests of
    `shape`).
    """
    for j in range(rows.shape[1]):
        k, bent = rows[2, j], rows[1, j] * rows[2, j] * (rows[2, j] - 1.0)
        least = 0.0
        if bent != 0.0:
            worst = rows[7, j] if (k < 2.0) == (bent > 0.0) else rows[6, j]
            least = bent * (power(worst, k - 2.0) if worst > 0.0 or k >= 2.0 else np.inf)
        if not least >= rows[3, j] or rows[5, j] < 0.0:
            return False
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def frank_wolfe_gap(rows: Floats, shares: float, x: Floats) -> float:
    """The Frank-Wolfe gap of a schedule of a convex problem, currency."""
    n = x.size
    total, room = np.empty(n), np.empty(n)
    run, left, amount = 0.0, shares, shares
    for j in range(n):
        k = rows[2, j]
        rate = rows[1, j] * k
        total[j] = (
            rows[0, j]
            + (rate * power(x[j], k - 1.0) if rate > 0.0 else 0.0)
            - rows[3, j] * x[j]
            + run
        )
        left -= x[j]
        if j + 1 < n:
            run += rows[4, j] + 2.0 * rows[5, j] * max(left, 0.0)
        room[j] = rows[7, j] - rows[6, j]
        amount -= rows[6, j]
    nu = total.min()
    if room.min() < amount * (1.0 - 1e-12):
        placed = 0.0
        for j in np.argsort(total):
            nu = total[j]
            placed += room[j]
            if placed >= amount * (1.0 - 1e-12):
                break
    gap = 0.0
    for j in range(n):
        tilt = total[j] - nu
        gap += max(tilt * (x[j] - rows[6, j]), tilt * (x[j] - rows[7, j]))
    return gap
