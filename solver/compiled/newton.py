"""Compiled kernels for continuous schedules (needs numba): the methods of `continuous`, one order
or many.

An order's parameters are the rows of an (8, N) array: spread, scale, exponent, bend, slope, curve,
lower, upper.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from solver.compiled.certificate import frank_wolfe_gap, is_convex, power
from solver.problem.laws import Floats

WORK_ROWS = 20
BOUNDARY = 0.995
NEWTON_STEPS = 20  # tried without a barrier
FLAT = 0.1  # curvature below which a trade's step is read from the shares left, not from its price
LEAST = 1e-14  # curvature below which a period counts as flat


@njit(cache=True, nogil=True, error_model="numpy")
def _normalise(rows: Floats, shares: float, work: Floats) -> bool:
    """Fill work[0:8] with the order of size one at cost about one, work[8] with a start; return
    whether caps bind.
    """
    n = rows.shape[1]
    low, spare, capped, weigh = 0.0, 0.0, False, True
    k0, s2 = rows[2, 0], shares * shares
    grown = shares**k0
    cheapest = np.inf
    for j in range(n):
        k = rows[2, j]
        work[0, j] = rows[0, j] * shares
        work[1, j] = rows[1, j] * (grown if k == k0 else shares**k)
        work[2, j] = k
        work[3, j], work[4, j], work[5, j] = rows[3, j] * s2, rows[4, j] * shares, rows[5, j] * s2
        work[6, j], work[7, j] = rows[6, j] / shares, rows[7, j] / shares
        low += work[6, j]
        spare += work[7, j] - work[6, j]
        capped = capped or work[7, j] < 1.0
        cheapest = min(cheapest, work[1, j])
        weigh = weigh and k == k0
    weigh = weigh and k0 > 1.0 and spare >= n - 1e-9 and cheapest > 0.0
    share = (1.0 - low) / spare if spare > 0.0 else 0.0
    heap = 0.0
    for j in range(n):
        work[8, j] = work[6, j] + (work[7, j] - work[6, j]) * share
        if weigh:
            work[9, j] = power(cheapest / work[1, j], 1.0 / (k0 - 1.0))
            heap += work[9, j]
    cost, left = 0.0, 0.0
    for j in range(n - 1, -1, -1):
        if weigh:
            work[8, j] = 0.1 * work[8, j] + 0.9 / heap * work[9, j]
        y = work[8, j]
        cost += (
            abs(work[0, j]) * y + work[1, j] * power(y, work[2, j]) + 0.5 * abs(work[3, j]) * y * y
        )
        cost += abs(work[4, j]) * left + abs(work[5, j]) * left * left
        left += y
    if cost > 0.0:
        for j in range(n):
            work[0, j] /= cost
            work[1, j] *= work[2, j] / cost
            work[3, j] /= cost
            work[4, j] /= cost
            work[5, j] /= cost
    return capped


@njit(cache=True, nogil=True, error_model="numpy")
def _direction(work: Floats, coupled: bool) -> None:
    """Fill work[18] with the Newton step of the trades from h (13), marginal costs w (14) and psi'
    (12).

    work[15] and work[16] hold the factors of the tridiagonal Hessian in R.
    """
    n = work.shape[1]
    y, psi, h, w = work[8], work[12], work[13], work[14]
    d, e, step, dy = work[15], work[16], work[17], work[18]
    if coupled:
        for j in range(n - 1):
            d[j] = h[j] + h[j + 1] + 2.0 * max(work[5, j], 0.0)
            step[j] = w[j] - w[j + 1] - psi[j]
            if j > 0:
                e[j] = -h[j] / d[j - 1]
                d[j] += h[j] * e[j]
                step[j] -= e[j] * step[j - 1]
        for j in range(n - 2, -1, -1):
            step[j] /= d[j]
            if j < n - 2:
                step[j] -= e[j + 1] * step[j + 1]
    run, inverse, weighted, missing = 0.0, 0.0, 0.0, 1.0
    for j in range(n):
        dy[j] = w[j] + run
        if j + 1 < n:
            run += psi[j] + (2.0 * max(work[5, j], 0.0) * step[j] if coupled else 0.0)
        one = 1.0 / h[j]
        inverse += one
        weighted += dy[j] * one
        missing -= y[j]
    nu = (missing + weighted) / inverse
    for j in range(n):
        if coupled and h[j] < FLAT:
            dy[j] = (step[j - 1] if j > 0 else 0.0) - (step[j] if j + 1 < n else 0.0)
        else:
            dy[j] = (nu - dy[j]) / h[j]


@njit(cache=True, nogil=True, error_model="numpy")
def _expand(work: Floats) -> float:
    """Fill psi' (12), curvature (13) and marginal cost (14) at the current trades; return the
    Frank-Wolfe gap (no caps).
    """
    n = work.shape[1]
    left = 0.0
    for j in range(n - 1, -1, -1):
        work[12, j] = work[4, j] + 2.0 * work[5, j] * left
        left += work[8, j]
    run, least, lean, spread_out = 0.0, np.inf, 0.0, 0.0
    for j in range(n):
        y, k = work[8, j], work[2, j]
        steep = work[1, j] * power(y, k - 2.0) if work[1, j] > 0.0 else 0.0
        work[14, j] = work[0, j] + (steep - work[3, j]) * y
        work[13, j] = max(steep * (k - 1.0) - work[3, j], LEAST)
        total = work[14, j] + run
        run += work[12, j]
        least = min(least, total)
        lean += total * (y - work[6, j])
        spread_out += y - work[6, j]
    return lean - least * spread_out


@njit(cache=True, nogil=True, error_model="numpy")
def _newton(work: Floats, coupled: bool, stop: float, steps: int) -> bool:
    """Plain Newton steps kept inside the limits; True when the gap closes."""
    n = work.shape[1]
    y, dy = work[8], work[18]
    for _ in range(steps):
        if _expand(work) <= stop:
            return True
        _direction(work, coupled)
        worst = 0.0
        for j in range(n):
            worst = max(worst, -dy[j] / (y[j] - work[6, j]))
        reach = min(1.0, BOUNDARY / worst) if worst > 0.0 else 1.0
        for j in range(n):
            y[j] += reach * dy[j]
    return False


@njit(cache=True, nogil=True, error_model="numpy")
def _begin_barrier(work: Floats, capped: bool) -> None:
    """Set the slacks (11, 19) and their prices (9, 10) for the start in work[8]."""
    n = work.shape[1]
    for j in range(n):
        work[11, j] = work[8, j] - work[6, j]
        work[19, j] = work[7, j] - work[8, j] if capped else 1.0
        work[9, j] = 0.1 / n / work[11, j]
        work[10, j] = 0.1 / n / work[19, j] if capped else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _price_step(work: Floats, j: int, target: float) -> tuple[float, float]:
    """The steps of the two slack prices of period j for its trade's step work[18, j]."""
    below = (target - work[9, j] * work[18, j]) / work[11, j] - work[9, j]
    above = (target + work[10, j] * work[18, j]) / work[19, j] - work[10, j]
    return below, above


@njit(cache=True, nogil=True, error_model="numpy")
def _barrier(work: Floats, coupled: bool, capped: bool, stop: float, steps: int) -> bool:
    """Primal-dual steps with a barrier whose weight falls with the last step's length; True when
    they converge.
    """
    n = work.shape[1]
    _begin_barrier(work, capped)
    last, primal, dual = 0.0, 0.0, 0.0
    for _ in range(steps):
        _expand(work)
        product = 0.0
        for j in range(n):
            product += work[9, j] * work[11, j] + work[10, j] * work[19, j]
        if product <= stop and min(primal, dual) > 0.9:
            return True
        count = n * (2 if capped else 1)
        target = max(max(0.01, (1.0 - last) ** 2) * product, 0.2 * stop) / count
        for j in range(n):
            work[13, j] += work[9, j] / work[11, j] + work[10, j] / work[19, j]
            work[14, j] -= target / work[11, j] - (target / work[19, j] if capped else 0.0)
        _direction(work, coupled)
        primal, dual = 1e-300, 1e-300
        for j in range(n):
            below, above = _price_step(work, j, target)
            primal = max(primal, -work[18, j] / work[11, j])
            dual = max(dual, -below / work[9, j])
            if capped:
                primal = max(primal, work[18, j] / work[19, j])
                dual = max(dual, -above / work[10, j])
        primal, dual = min(1.0, BOUNDARY / primal), min(1.0, BOUNDARY / dual)
        last = min(primal, dual)
        for j in range(n):
            below, above = _price_step(work, j, target)
            work[9, j] += dual * below
            work[11, j] += primal * work[18, j]
            work[8, j] += primal * work[18, j]
            if capped:
                work[10, j] += dual * above
                work[19, j] -= primal * work[18, j]
    return False


@njit(cache=True, nogil=True, error_model="numpy")
def _settle(rows: Floats, shares: float, work: Floats, x: Floats) -> None:
    """Scale the trades back, put them within their limits, and give the rounding error to the
    largest with room for it.
    """
    total, most, at = 0.0, -1.0, 0
    for j in range(x.size):
        x[j] = min(max(work[8, j] * shares, rows[6, j]), rows[7, j])
        total += x[j]
    error = shares - total
    for j in range(x.size):
        room = rows[7, j] - x[j] if error > 0.0 else x[j] - rows[6, j]
        if min(room, x[j] + 1e-3 * shares) > most:
            most, at = min(room, x[j] + 1e-3 * shares), j
    if abs(error) <= most:
        x[at] += error


@njit(cache=True, nogil=True, error_model="numpy")
def solve_convex(rows: Floats, shares: float, tolerance: float, steps: int, x: Floats) -> float:
    """Solve one convex order into x and return its certified gap, currency.

    x is taken as the start where it is strictly inside the limits and no cap binds. The gap is
    infinite when the order is not proved convex, or a period's limits leave no choice: `continuous`
    handles those.
    """
    room = np.inf
    for j in range(x.size):
        room = min(room, rows[7, j] - rows[6, j])
    if room <= 1e-9 * shares / x.size or not is_convex(rows):
        return np.inf
    if not _single_price(rows, shares, x):
        work = np.zeros((WORK_ROWS, x.size))
        capped = _normalise(rows, shares, work)
        coupled = False
        for j in range(x.size):
            coupled = coupled or work[5, j] > 0.0
        start = work[8].copy()
        warm = True
        for j in range(x.size):
            warm = warm and x[j] > rows[6, j]
        if warm:
            work[8] = x / x.sum()
        if capped or not _newton(work, coupled, 0.05 * tolerance, NEWTON_STEPS):
            work[8] = start
            _barrier(work, coupled, capped, 0.05 * tolerance, steps)
        _settle(rows, shares, work, x)
    return frank_wolfe_gap(rows, shares, x)


@njit(cache=True, nogil=True, error_model="numpy")
def _single_price(rows: Floats, shares: float, x: Floats) -> bool:
    """Solve in closed form where nothing but a power law with one exponent and one spread is left;
    False elsewhere.
    """
    k, s, cheapest = rows[2, 0], rows[0, 0], np.inf
    if k <= 1.0:
        return False
    for j in range(x.size):
        if rows[0, j] != s or rows[2, j] != k or rows[1, j] <= 0.0 or rows[3, j] != 0.0:
            return False
        if rows[4, j] != 0.0 or rows[5, j] != 0.0 or rows[6, j] != 0.0 or rows[7, j] < shares:
            return False
        cheapest = min(cheapest, rows[1, j])
    heap = 0.0
    for j in range(x.size):
        x[j] = power(cheapest / rows[1, j], 1.0 / (k - 1.0))
        heap += x[j]
    unit, most, at, total = shares / heap, 0.0, 0, 0.0
    for j in range(x.size):
        x[j] *= unit
        total += x[j]
        if x[j] > most:
            most, at = x[j], j
    x[at] += shares - total
    return True
