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
from numpy.typing import ArrayLike, NDArray

from solver.backend import kernels
from solver.problem.laws import (
    EXPONENT_RANGE,
    Floats,
    Ints,
    PowerLaw,
    ProblemError,
    as_floats,
    as_vector,
    frozen,
)
from solver.problem.problem import Problem
from solver.problem.schedule import remaining
from solver.problem.solution import Settings, Status
from solver.solve import solve

PERIOD_FIELDS = ("spread", "scale", "exponent", "permanent", "drift", "sigma", "floor", "cap")


@dataclass(frozen=True, eq=False)
class Orders:
    """Power-law orders of any lengths, their per-period parameters laid end to end.

    Shapes: shares, lengths (K,); risk_aversion and sell a scalar or (K,); every other field is a
    scalar, (K,), or one entry a period (T,) with T = sum(lengths); (K, N) is taken as (T,). Units
    as in `Problem`. drift is that of the price; sell marks the sales (bool). Floors and caps
    default to none.

    Raises:
        ProblemError: a wrong shape or sign, or limits that leave no schedule.
    """

    shares: ArrayLike
    lengths: ArrayLike
    scale: ArrayLike
    exponent: ArrayLike
    spread: ArrayLike = 0.0
    permanent: ArrayLike = 0.0
    drift: ArrayLike = 0.0
    sigma: ArrayLike = 0.0
    risk_aversion: ArrayLike = 0.0
    floor: ArrayLike = 0.0
    cap: ArrayLike | None = None
    sell: ArrayLike = False

    def __post_init__(self) -> None:
        shares = np.atleast_1d(as_vector("shares", self.shares, minimum=0.0))
        if not shares.size or shares.min() <= 0.0:
            raise ProblemError(
                "shares must be > 0, one an order, found none or others: drop those orders"
            )
        lengths = np.atleast_1d(as_vector("lengths", self.lengths, minimum=1.0))
        if lengths.shape != shares.shape or (lengths != np.floor(lengths)).any():
            raise ProblemError(
                f"lengths must be {shares.size} whole numbers, one an order, found {self.lengths!r}"
            )
        object.__setattr__(self, "shares", frozen(shares))
        object.__setattr__(self, "lengths", frozen(lengths.astype(np.int64)))
        self._check_fields(shares.size, int(lengths.sum()))
        sell = np.asarray(self.sell)
        if sell.dtype != bool or sell.shape not in ((), (1,), shares.shape):
            raise ProblemError(
                f"sell must be one bool, or one an order, found {self.sell!r}: align it"
            )
        object.__setattr__(self, "sell", np.broadcast_to(sell.copy(), shares.shape))
        self._check_limits()

    def _check_fields(self, count: int, total: int) -> None:
        """Check and freeze the numbers of `count` orders over `total` periods."""
        for name in (*PERIOD_FIELDS, "risk_aversion"):
            value = getattr(self, name)
            if name == "cap" and value is None:
                continue
            array = as_floats(name, value).ravel()
            sizes = (1, count) if name == "risk_aversion" else (1, count, total)
            if array.size not in sizes:
                raise ProblemError(
                    f"{name} must have a number of entries in {sizes}, found {array.size}: align it"
                )
            if name not in ("spread", "drift", "permanent") and array.min() < 0.0:
                raise ProblemError(
                    f"{name} must be >= 0, found {array.min():g}: check its sign and units"
                )
            if (
                name == "exponent"
                and not EXPONENT_RANGE[0] <= array.min() <= array.max() <= EXPONENT_RANGE[1]
            ):
                raise ProblemError(
                    f"exponent must lie in {EXPONENT_RANGE}, found others: it is that of total cost"
                )
            object.__setattr__(self, name, frozen(array))

    def _check_limits(self) -> None:
        """Raise where an order's floors and caps leave no schedule."""
        shares = np.asarray(self.shares)
        low = (
            np.add.reduceat(self.spread_out("floor"), self.begin[:-1])
            if np.any(self.floor)
            else np.zeros(shares.size)
        )
        if (low > shares * (1.0 + 1e-9)).any():
            raise ProblemError(
                f"floor must sum to at most shares, found more in order {np.argmax(low > shares)}: "
                "cut it"
            )
        if self.cap is not None:
            high = np.add.reduceat(self.spread_out("cap"), self.begin[:-1])
            if (high < shares * (1.0 - 1e-9)).any():
                raise ProblemError(
                    "cap must sum to at least shares, found less in order "
                    f"{np.argmax(high < shares)}: raise it"
                )
            if (self.spread_out("floor") > self.spread_out("cap")).any():
                raise ProblemError("floor must be <= cap in every period, found more: lower it")

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> Orders:
        """Lay the given power-law problems end to end.

        Raises:
            ProblemError: no problem, or one with a table.
        """
        if not problems:
            raise ProblemError("problems must not be empty, found none: pass at least one")
        terms = [p.terms for p in problems]
        cat = np.concatenate
        return cls(
            shares=np.array([p.shares for p in problems]),
            lengths=np.array([p.n for p in problems]),
            scale=cat([t.scale for t in terms]),
            exponent=cat([t.exponent for t in terms]),
            spread=cat([t.spread for t in terms]),
            permanent=cat([t.gamma for t in terms]),
            drift=cat([np.asarray(p.drift) for p in problems]),
            sigma=cat([np.asarray(p.sigma) for p in problems]),
            risk_aversion=np.array([p.risk_aversion for p in problems]),
            floor=cat([t.lower for t in terms]),
            cap=cat([t.upper for t in terms]),
            sell=np.array([p.side == "sell" for p in problems]),
        )

    @cached_property
    def begin(self) -> Ints:
        """Where each order's periods start, and the end, shape (K + 1,)."""
        return frozen(np.concatenate(([0], np.cumsum(np.asarray(self.lengths)))))

    def mode(self, array: Floats) -> int:
        """0 for one entry, 2 for one a period, 1 for one an order."""
        return 0 if array.size == 1 else 2 if array.size == self.begin[-1] else 1

    def spread_out(self, name: str) -> Floats:
        """A field with one entry a period, shape (T,)."""
        array: Floats = np.asarray(getattr(self, name), dtype=np.float64)
        mode = self.mode(array)
        if mode == 2:
            return array
        return np.repeat(np.broadcast_to(array, np.shape(self.lengths)), np.asarray(self.lengths))

    def problem(self, i: int) -> Problem:
        """Order i on its own."""
        a, b = int(self.begin[i]), int(self.begin[i + 1])
        values = {}
        for name in (*PERIOD_FIELDS, "risk_aversion"):
            field = getattr(self, name)
            if field is not None:
                values[name] = (field[0], field[i] if field.size > 1 else field[0], field[a:b])[
                    self.mode(field)
                ]
        return Problem(
            shares=float(np.asarray(self.shares)[i]),
            law=PowerLaw(values["scale"], values["exponent"], values["spread"]),
            permanent=values["permanent"],
            drift=values["drift"],
            sigma=values["sigma"],
            risk_aversion=float(np.ravel(values["risk_aversion"])[0]),
            side="sell" if np.asarray(self.sell)[i] else "buy",
            cap=values.get("cap"),
            floor=values["floor"],
            lot=float(np.asarray(self.shares)[i]),
            periods=b - a,
        )


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
    spans = [np.array([a, b, settings.tolerance]) for a, b in pairwise(cuts) if b > a]
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
