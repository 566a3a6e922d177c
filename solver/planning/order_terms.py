"""How an order may be worked."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

PLANS = ("shrunk", "point")


@dataclass(frozen=True)
class OrderTerms:
    """How an order may be worked; every field has the default of `impact allocate`.

    plan: "shrunk", for the forecast's shape as far as it has paid, or "point", for the forecast as
    it is. max_participation and min_participation: most and least of each period's forecast volume.
    own_impact: "half" (a trade pays half of its own permanent move) or "none" (it escapes it).
    slices: children a period, None for as many as the book's refill favours. drift: of the price,
    currency / share per period, a number or one a period of the file (0 is an assumption). start,
    end: trade only in periods that begin from start and before end; HH:MM in the calendar's zone
    (past midnight where the session runs on), or ISO times.
    """

    side: str = "buy"
    lot: float = 1.0
    risk_aversion: float = 0.0
    max_participation: float = 0.2
    min_participation: float = 0.0
    own_impact: str = "half"
    plan: str = "shrunk"
    slices: int | None = None
    drift: ArrayLike = 0.0
    start: str | None = None
    end: str | None = None
