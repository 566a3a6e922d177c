"""Compiled kernels for whole-lot rows (needs numba): the algorithms of `rows`, one machine loop
each.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from solver.lattice.lattice import Policy
from solver.problem.laws import Floats, Ints


@njit(cache=True, nogil=True)
def convex_band(phi: Floats, after: Floats, window: Ints, values: Floats, trades: Policy) -> None:
    """Improve values and trades by trades first..last, on which phi is convex; window = (first,
    last, after_low, low, high).
    """
    least, most, after_low, low, high = window
    top = after_low + after.size - 1
    first, last = max(low, after_low + least), min(high, top + most)
    count = last - first + 1
    if count <= 0:
        return
    at = np.empty(count, dtype=np.int64)
    stride = 1
    while stride < count:
        stride *= 2
    opening = True
    while stride >= 1:
        i = 0 if opening else stride
        while i < count:
            s = first + i
            a, b = max(s - most, after_low), min(s - least, top)
            if not opening:
                a = max(a, at[i - stride])
                if i + stride < count:
                    b = min(b, at[i + stride])
            best, chosen = np.inf, a
            for r in range(a, b + 1):
                cost = phi[s - r] + after[r - after_low]
                if cost <= best:
                    best, chosen = cost, r
            at[i] = chosen
            if best < values[s - low]:
                values[s - low] = best
                trades[s - low] = s - chosen
            i += stride if opening else 2 * stride
        opening = False
        stride //= 2


@njit(cache=True, nogil=True)
def _overtaken(phi: Floats, gain: float, newer: int, older: int, span: Ints) -> int:
    """The first step after span[0] up to span[1] at which the older candidate is no worse, or one
    past the end.

    gain = after[newer] - after[older]; newer and older are the trades they stand for at step
    span[0], changing by span[2] a step.
    """
    a, b = span[0] + 1, span[1] + 1
    d = (span[1] - span[0]) * span[2]
    if phi[older + d] > phi[newer + d] + gain:
        return b
    leap = 1  # most overtakings are near: gallop before halving
    while a + leap < b:
        d = (a + leap - span[0]) * span[2]
        if phi[older + d] <= phi[newer + d] + gain:
            b = a + leap
            break
        a += leap + 1
        leap *= 2
    while a < b:
        m = (a + b) // 2
        d = (m - span[0]) * span[2]
        if phi[older + d] <= phi[newer + d] + gain:
            b = m
        else:
            a = m + 1
    return a


@njit(cache=True, nogil=True)
def _triangle(phi: Floats, after: Floats, walk: Ints, values: Floats, trades: Policy) -> None:
    """Rows s0 + way i against columns r0 + way j, j <= min(i, entries - 1), for phi concave: a
    stack of candidates.

    walk = (s0, r0, way, rows, entries, after_low, low). An older candidate can only gain on a newer
    one, so the best is on top and each entry knows the step at which the one beneath overtakes it.
    """
    s0, r0, way, rows, entries, after_low, low = walk
    stack = np.empty(entries, dtype=np.int64)
    until = np.empty(entries, dtype=np.int64)
    span = np.empty(3, dtype=np.int64)
    size = 0
    for i in range(rows):
        s = s0 + way * i
        while size > 1 and until[size - 1] <= i:
            size -= 1
        if i < entries:
            r = r0 + way * i
            fresh = phi[s - r] + after[r - after_low]
            if size == 0:
                stack[0], until[0], size = r, rows + 1, 1
            elif fresh < phi[s - stack[size - 1]] + after[stack[size - 1] - after_low]:
                span[0], span[1], span[2] = i, rows - 1, way
                while True:
                    top = stack[size - 1]
                    gain = after[r - after_low] - after[top - after_low]
                    step = _overtaken(phi, gain, s - r, s - top, span)
                    if size > 1 and step >= until[size - 1]:
                        size -= 1
                    else:
                        break
                if step > rows - 1:
                    size = 0  # nothing beneath ever returns
                    step = rows + 1
                stack[size], until[size] = r, step
                size += 1
        best = stack[size - 1]
        cost = phi[s - best] + after[best - after_low]
        at = s - low
        if 0 <= at < values.size and cost < values[at]:
            values[at] = cost
            trades[at] = s - best


@njit(cache=True, nogil=True)
def concave_band(phi: Floats, after: Floats, window: Ints, values: Floats, trades: Policy) -> None:
    """Improve values and trades by trades first..last, on which phi is concave; window as in
    `convex_band`.

    The band is cut into columns as wide as itself; each gives one triangle where the least trade
    binds and one where the most does.
    """
    least, most, after_low, low, high = window
    top = after_low + after.size - 1
    walk = np.empty(7, dtype=np.int64)
    walk[5], walk[6] = after_low, low
    width = most - least + 1
    start = after_low
    while start <= top:
        stop = min(start + width - 1, top)
        rows = min(start + most, high) - (start + least) + 1
        if rows > 0 and start + most >= low:
            walk[0], walk[1], walk[2], walk[3], walk[4] = (
                start + least,
                start,
                1,
                rows,
                min(stop - start + 1, rows),
            )
            _triangle(phi, after, walk, values, trades)
        rows = stop - start
        if rows > 0 and start + most + 1 <= high:
            walk[0], walk[1], walk[2], walk[3], walk[4] = stop + most, stop, -1, rows, rows
            _triangle(phi, after, walk, values, trades)
        start = stop + 1
