"""Many orders laid end to end, each with a law and periods of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from solver.problem.laws import (
    EXPONENT_RANGE,
    Floats,
    Ints,
    PowerLaw,
    ProblemError,
    as_choice,
    as_floats,
    as_vector,
    frozen,
)
from solver.problem.problem import OWN_SHARES, Problem

PERIOD_FIELDS = ("spread", "scale", "exponent", "permanent", "drift", "sigma", "floor", "cap")


@dataclass(frozen=True, eq=False)
class Orders:
    """Power-law orders of any lengths, their per-period parameters laid end to end.

    Shapes: shares, lengths (K,); risk_aversion and sell a scalar or (K,); every other field is a
    scalar, (K,), or one entry a period (T,) with T = sum(lengths); (K, N) is taken as (T,). Units
    as in `Problem`. drift is that of the price; sell marks the sales (bool); own_impact is that of
    all the orders. Floors and caps default to none.

    Raises:
        ProblemError: a wrong shape, sign or word, or limits that leave no schedule.
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
    own_impact: str = "none"

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
        as_choice("own_impact", self.own_impact, OWN_SHARES)
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
            ProblemError: no problem, one with a table, or problems that differ in own_impact.
        """
        if not problems:
            raise ProblemError("problems must not be empty, found none: pass at least one")
        readings = sorted({p.own_impact for p in problems})
        if len(readings) > 1:
            raise ProblemError(
                f"own_impact must be one for all problems, found {' and '.join(readings)}: solve "
                "them apart"
            )
        terms = [p.terms for p in problems]
        cat = np.concatenate
        return cls(
            shares=np.array([p.shares for p in problems]),
            lengths=np.array([p.n for p in problems]),
            scale=cat([t.scale for t in terms]),
            exponent=cat([t.exponent for t in terms]),
            spread=cat([t.spread for t in terms]),
            permanent=cat([np.asarray(p.permanent) for p in problems]),
            drift=cat([np.asarray(p.drift) for p in problems]),
            sigma=cat([np.asarray(p.sigma) for p in problems]),
            risk_aversion=np.array([p.risk_aversion for p in problems]),
            floor=cat([t.lower for t in terms]),
            cap=cat([t.upper for t in terms]),
            sell=np.array([p.side == "sell" for p in problems]),
            own_impact=readings[0],
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
            own_impact=self.own_impact,
        )
