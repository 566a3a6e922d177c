"""Thousands of orders at once: their parameters laid end to end, solved in threads by the compiled
kernels.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from solver.backend import kernels
from solver.planning.orders import Orders
from solver.problem.laws import (
    Floats,
    frozen,
)
from solver.problem.problem import OWN_SHARES, Problem
from solver.problem.schedule import remaining
from solver.problem.solution import Settings, Status
from solver.solve import solve


@dataclass(frozen=True, eq=False)
class Batch:
    """The schedules of many orders with their proofs.

    Shapes: x (T,) end to end (`schedule(i)` cuts one out); objective, gap, optimal (K,). Units:
    shares and currency; objective is expected shortfall plus the price of risk.
    """

    orders: Orders
    x: Floats
    objective: Floats
    gap: Floats
    optimal: NDArray[np.bool_]

    @property
    def lower_bound(self) -> Floats:
        """A bound no admissible schedule's objective is below, shape (K,), currency."""
        return self.objective - self.gap

    def schedule(self, i: int) -> Floats:
        """The trades of order i, shape (N_i,), shares."""
        return self.x[self.orders.begin[i] : self.orders.begin[i + 1]]

    @cached_property
    def variance(self) -> Floats:
        """The variance of each order's shortfall, shape (K,), currency squared."""
        left = np.concatenate([remaining(self.schedule(i)) for i in range(self.gap.size)])
        return np.asarray(
            np.add.reduceat(
                np.square(self.orders.spread_out("sigma") * left), self.orders.begin[:-1]
            )
        )

    @property
    def shortfall(self) -> Floats:
        """Expected implementation shortfall of each order, shape (K,), currency."""
        return np.asarray(self.objective - np.asarray(self.orders.risk_aversion) * self.variance)


def solve_many(orders: Orders | Sequence[Problem], settings: Settings | None = None) -> Batch:
    """Solve many orders, ragged lengths allowed, and certify each.

    Convex orders run in compiled threads. The rest, and all of them where numba is missing, go
    through `solve` one by one.

    Raises:
        ProblemError: a problem with a table (solve those one by one).

    Source: as `solve`, order by order.
    """
    settings = settings or Settings()
    orders = orders if isinstance(orders, Orders) else Orders.of(orders)
    count = int(np.size(orders.shares))
    x = np.empty(int(orders.begin[-1]))
    objective, gap = np.zeros(count), np.full(count, np.inf)
    code = kernels("solver.compiled.batch", settings.compiled)
    if code is not None:
        _run_threads(code, orders, settings, (objective, gap, x))
    optimal = gap <= settings.tolerance * np.abs(objective)
    for i in np.flatnonzero(~optimal):
        problem = orders.problem(int(i))
        single = solve(problem, settings=settings)
        x[orders.begin[i] : orders.begin[i + 1]] = single.x
        objective[i], gap[i], optimal[i] = (
            single.objective,
            single.gap,
            single.status is Status.OPTIMAL,
        )
    return Batch(orders, x, objective, gap, optimal)


def _run_threads(
    code: ModuleType, orders: Orders, settings: Settings, out: tuple[Floats, Floats, Floats]
) -> None:
    """Fill out = (objectives, gaps, trades) by the compiled kernel, the orders cut into spans of
    about equal work.
    """
    fields = _kernel_fields(orders)
    modes = np.array([orders.mode(field) for field in fields])
    cores = os.cpu_count() or 1
    cuts = np.searchsorted(orders.begin, np.linspace(0, orders.begin[-1], 4 * cores + 1)).astype(
        np.float64
    )
    head = (orders.begin, np.asarray(orders.shares))
    escaped = 1.0 - 2.0 * OWN_SHARES[orders.own_impact]
    spans = [np.array([a, b, settings.tolerance, escaped]) for a, b in pairwise(cuts) if b > a]
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(lambda span: code.solve_span(fields, modes, head, span, out), spans))


def _kernel_fields(orders: Orders) -> tuple[Floats, ...]:
    """The batch's fields as the kernel takes them: drift with its sign, risk as risk_aversion
    sigma**2, limits filled in.

    All are contiguous and read-only: a compiled tuple has one type of array.
    """
    drift = np.asarray(orders.drift, dtype=np.float64)
    if np.any(orders.sell) and drift.any():
        drift = orders.spread_out("drift") * np.repeat(
            np.where(orders.sell, -1.0, 1.0), np.asarray(orders.lengths)
        )
    risk = np.zeros(1)
    if np.any(orders.risk_aversion) and np.any(orders.sigma):
        risk = orders.spread_out("risk_aversion") * np.square(orders.spread_out("sigma"))
    cap = np.asarray(orders.shares) if orders.cap is None else np.asarray(orders.cap)
    named = (orders.spread, orders.scale, orders.exponent, orders.permanent)
    fields = (*named, drift, risk, orders.floor, cap)
    return tuple(frozen(np.ascontiguousarray(field, dtype=np.float64)) for field in fields)
