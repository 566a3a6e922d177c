"""The allocation problem: what is to be traded, at what cost, within which limits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from solver.problem.laws import (
    Floats,
    Ints,
    Law,
    PowerLaw,
    ProblemError,
    TableLaw,
    as_choice,
    as_count,
    as_vector,
    frozen,
)
from solver.problem.terms import Terms

SIDES = {"buy": 1.0, "sell": -1.0}
OWN_SHARES = {"none": 0.0, "half": 0.5}  # of its own permanent move, what a trade pays itself
MOST = 1e100  # currency, of any one term: beyond it products overflow
ROUNDING = 1e-9  # relative slack when a limit or a share count is read in lots


@dataclass(frozen=True, eq=False)
class Problem:
    """Trade `shares` over N periods at least expected shortfall plus `risk_aversion` times its
    variance.

    Shapes: every per-period field is a scalar or (N,); N is taken from them, or from `periods` when
    all are scalars.
    Units: shares, cap, floor, lot in shares; permanent in currency / share per share (or a TableLaw
    of price moves by lots); drift and sigma in currency / share per period; risk_aversion in 1 /
    currency; price in currency / share. Drift is that of the price itself: a positive drift hurts a
    buyer and helps a seller. own_impact is what a trade pays of its own permanent move: "none" (it
    trades at the price before, as the discrete model is written) or "half" (it is worked through
    its period).

    Raises: ProblemError: a wrong shape, sign or word, a non-finite number; sum(cap) < shares;
        sum(floor) > shares; floor > cap; a lot that does not divide shares.

    Source: Bertsimas, Lo (1998), "Optimal control of execution costs", sec. 2; Almgren, Chriss
    (2000), eq. (3)-(8); for "half" Almgren, Thum, Hauptmann, Li (2005), the I / 2 in what an order
    pays, and Gatheral (2010), "No-dynamic-arbitrage and market impact".
    """

    shares: float
    law: Law
    permanent: ArrayLike | TableLaw = 0.0
    drift: ArrayLike = 0.0
    sigma: ArrayLike = 0.0
    risk_aversion: float = 0.0
    price: float = 0.0
    side: str = "buy"
    cap: ArrayLike | None = None
    floor: ArrayLike | None = None
    lot: float = 1.0
    periods: int | None = None
    own_impact: str = "none"

    def __post_init__(self) -> None:
        for name in ("shares", "risk_aversion", "price", "lot"):
            number = as_vector(name, getattr(self, name), minimum=0.0)
            if number.ndim:
                raise ProblemError(
                    f"{name} must be one number, found shape {number.shape}: one problem is one "
                    "order"
                )
            object.__setattr__(self, name, float(number))
        if self.shares <= 0.0 or self.lot <= 0.0:
            raise ProblemError(
                f"shares and lot must be > 0, found {self.shares:g} and {self.lot:g}: use side for "
                "a sale"
            )
        if abs(self.lots * self.lot - self.shares) > ROUNDING * self.shares:
            raise ProblemError(
                f"lot must divide shares, found {self.lot:g} and {self.shares:g}: trade the odd "
                "lot apart"
            )
        as_choice("side", self.side, SIDES)
        as_choice("own_impact", self.own_impact, OWN_SHARES)
        if not isinstance(self.law, (PowerLaw, TableLaw)):
            raise ProblemError(
                f"law must be a PowerLaw or a TableLaw, found {type(self.law).__name__}: wrap the "
                "curve"
            )
        self._broadcast()
        self._check_sizes()
        self._check_limits()

    def _broadcast(self) -> None:
        """Give every per-period field shape (N,)."""
        values: dict[str, Floats] = {}
        for name, minimum in (
            ("permanent", None),
            ("drift", None),
            ("sigma", 0.0),
            ("cap", 0.0),
            ("floor", 0.0),
        ):
            value = getattr(self, name)
            optional = name in ("cap", "floor") and value is None
            if not optional and not (name == "permanent" and isinstance(value, TableLaw)):
                values[name] = as_vector(name, value, minimum=minimum)
        sizes = {name: value.size for name, value in values.items() if value.ndim}
        if isinstance(self.law, PowerLaw):
            for name in ("scale", "exponent", "spread"):
                if getattr(self.law, name).ndim:
                    sizes[name] = getattr(self.law, name).size
        for name in ("law", "permanent"):
            if isinstance(getattr(self, name), TableLaw):
                sizes[name] = getattr(self, name).table.shape[0]
        if self.periods is not None:
            sizes["periods"] = as_count("periods", self.periods)
        if not sizes:
            raise ProblemError(
                "periods must be given when every other argument is a scalar, found None: pass N"
            )
        n = next(iter(sizes.values()))
        if n < 1 or any(size != n for size in sizes.values()):
            raise ProblemError(
                f"all per-period arguments must share one length N >= 1, found {sizes}: align them"
            )
        object.__setattr__(self, "periods", n)
        for name, value in values.items():
            object.__setattr__(self, name, value if value.ndim else frozen(np.full(n, value)))

    def _check_sizes(self) -> None:
        """Refuse numbers whose products would overflow."""
        s, sizes = min(self.shares, MOST), dict[str, Floats]()
        with np.errstate(over="ignore"):
            sizes["shares"] = np.asarray(s) * max(1.0, self.price)
            sizes["drift"] = np.abs(self.drift) * s
            risk = np.square(np.asarray(self.sigma)) * max(1.0, self.risk_aversion)
            sizes["sigma"] = risk * s * s
            if not isinstance(self.permanent, TableLaw):
                sizes["permanent"] = np.abs(self.permanent) * s * s
            if isinstance(self.law, PowerLaw):
                spread, scale, exponent = self.law_rows
                sizes |= {"spread": np.abs(spread) * s, "scale": scale * s**exponent}
        for name, size in sizes.items():
            if not np.max(size) <= MOST:
                raise ProblemError(
                    f"{name} makes a term of {np.max(size):g} currency, more than {MOST:g}: check "
                    "its unit"
                )

    def _check_limits(self) -> None:
        slack = ROUNDING * self.shares
        if self.cap is not None and float(np.sum(self.cap)) < self.shares - slack:
            raise ProblemError(
                f"cap must sum to at least shares, found {np.sum(self.cap):g} < {self.shares:g}: "
                "raise it"
            )
        if self.floor is not None and float(np.sum(self.floor)) > self.shares + slack:
            raise ProblemError(
                f"floor must sum to at most shares, found {np.sum(self.floor):g} > "
                f"{self.shares:g}: cut it"
            )
        if self.cap is not None and self.floor is not None:
            floor, cap = (
                np.asarray(self.floor, dtype=np.float64),
                np.asarray(self.cap, dtype=np.float64),
            )
            if (floor > cap).any():
                i = int(np.argmax(floor > cap))
                raise ProblemError(
                    f"floor must be <= cap, found {floor[i]:g} > {cap[i]:g} in period {i}: lower it"
                )

    @property
    def n(self) -> int:
        """The number of periods N."""
        assert self.periods is not None
        return self.periods

    @property
    def lots(self) -> int:
        """The order in whole lots."""
        return round(self.shares / self.lot)

    @property
    def sign(self) -> float:
        """+1 for a buyer, -1 for a seller."""
        return SIDES[self.side]

    @property
    def own_share(self) -> float:
        """The share of its own permanent move that a trade pays itself, 0 or 1/2."""
        return OWN_SHARES[self.own_impact]

    @property
    def tabular(self) -> bool:
        """Whether a curve is tabulated, so that only whole lots have a cost."""
        return isinstance(self.law, TableLaw) or isinstance(self.permanent, TableLaw)

    @cached_property
    def limited(self) -> bool:
        """Whether a cap or a floor can bind."""
        return bool(np.any(self.floor)) or (
            self.cap is not None and bool(np.min(self.cap) < self.shares)
        )

    @cached_property
    def adverse_drift(self) -> Floats:
        """The drift as it hurts this side, shape (N,), currency / share per period."""
        return self.sign * np.asarray(self.drift, dtype=np.float64)

    @cached_property
    def risk(self) -> Floats:
        """risk_aversion * sigma**2, shape (N,), currency / share**2."""
        return self.risk_aversion * np.square(np.asarray(self.sigma, dtype=np.float64))

    @cached_property
    def limits(self) -> tuple[Floats, Floats]:
        """The least and most that can be traded in each period given all the limits, shapes (N,),
        shares.
        """
        n, shares = self.n, self.shares
        if not self.limited:
            return np.zeros(n), np.full(n, shares)
        floor = np.zeros(n) if self.floor is None else np.asarray(self.floor, dtype=np.float64)
        cap = (
            np.full(n, shares)
            if self.cap is None
            else np.minimum(np.asarray(self.cap, dtype=np.float64), shares)
        )
        lower = np.maximum(floor, shares - (cap.sum() - cap))
        upper = np.minimum(cap, shares - (floor.sum() - floor))
        return np.minimum(lower, cap), np.maximum(upper, floor)

    @cached_property
    def lot_limits(self) -> tuple[Ints, Ints]:
        """The limits of each period in whole lots (floors rounded up, caps down), shapes (N,)."""
        lots = self.lots
        low, high = np.zeros(self.n, dtype=np.int64), np.full(self.n, lots, dtype=np.int64)
        if self.floor is not None:
            low = np.ceil(np.asarray(self.floor) / self.lot * (1.0 - ROUNDING)).astype(np.int64)
        if self.cap is not None:
            inside = np.minimum(np.asarray(self.cap) / self.lot, float(lots))
            high = np.floor(inside * (1.0 + ROUNDING)).astype(np.int64)
        for law in (self.law, self.permanent):
            if isinstance(law, TableLaw):
                high = np.minimum(high, law.table.shape[1] - 1)
        return low, np.minimum(high, lots)

    @cached_property
    def law_rows(self) -> tuple[Floats, Floats, Floats]:
        """Spread, scale and exponent of a PowerLaw, shape (N,) each.

        Raises:
            ProblemError: the law is a table.
        """
        if not isinstance(self.law, PowerLaw):
            raise ProblemError("law must be a PowerLaw here, found a TableLaw: use method='dp'")
        rows = [np.asarray(getattr(self.law, name)) for name in ("spread", "scale", "exponent")]
        spread, scale, exponent = (row if row.ndim else np.full(self.n, row) for row in rows)
        return spread, scale, exponent

    @cached_property
    def bend(self) -> Floats:
        """The part of gamma_j that bends phi_j down, gamma_j (1 - 2 own_share), shape (N,).

        Units: currency / share**2.

        Raises:
            ProblemError: permanent is a table.

        Source: x_j (R_j + w x_j) = (R_{j-1}**2 - R_j**2 - (1 - 2 w) x_j**2) / 2.
        """
        if isinstance(self.permanent, TableLaw):
            raise ProblemError(
                "permanent must not be a table here, found a TableLaw: use method='dp'"
            )
        return frozen((1.0 - 2.0 * self.own_share) * np.asarray(self.permanent, dtype=np.float64))

    @cached_property
    def terms(self) -> Terms:
        """The power-law problem by the functions of x_j and of R_j it is the sum of.

        Raises:
            ProblemError: a curve is tabulated.
        """
        bend, gamma = self.bend, np.asarray(self.permanent, dtype=np.float64)
        const = float(0.5 * gamma[0] * self.shares**2)
        slope = self.adverse_drift.copy()
        curve = self.risk.copy()
        curve[:-1] += 0.5 * np.diff(gamma)
        slope[-1] = curve[-1] = 0.0
        return Terms(self.shares, *self.law_rows, bend, slope, curve, *self.limits, const)
