"""The implementation shortfall of an order's fills, in parts that add up."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BPS = 1e4


@dataclass(frozen=True, eq=False)
class Fills:
    """What was filled, one entry a fill. Shapes: (n,).

    shares; price: the mean paid or received; best: the best price of the side that was traded just
    then; mid: the mid just then, both without the order's own permanent impact. Currency / share.
    """

    shares: Floats
    price: Floats
    best: Floats
    mid: Floats


@dataclass(frozen=True)
class Benchmark:
    """What an order's fills are held against.

    sign: +1 buys, -1 sells; shares: of the order; arrival, last: the mid at its first moment and at
    its end, currency / share; gamma: permanent impact, currency / share^2; rest_cost: what trading
    the unfilled shares at the end would cost over mid, currency.
    """

    sign: int
    shares: float
    arrival: float
    last: float
    gamma: float
    rest_cost: float


@dataclass(frozen=True)
class Shortfall:
    """Parts of the shortfall over the arrival mid, bps of shares x arrival; they sum to `total`.

    spread: from mid to the best price; walk: beyond the best price; permanent: gamma S^2 / 2, what
    the order's own impact adds whatever the schedule, in no quoted price; drift: of the mid between
    arrival and each fill; opportunity: of the unfilled, traded at the last mid and its law.
    """

    spread: float
    walk: float
    permanent: float
    drift: float
    opportunity: float

    @property
    def over_mid(self) -> float:
        """Spread and walk: what the fills cost over the mid, bps; no permanent impact in it."""
        return self.spread + self.walk

    @property
    def total(self) -> float:
        """The whole shortfall, bps."""
        return self.spread + self.walk + self.permanent + self.drift + self.opportunity


def shortfall(fills: Fills, benchmark: Benchmark) -> Shortfall:
    """Return the parts of the shortfall.

    Raises: ValueError when more was filled than the order.

    Source: Perold (1988), "The implementation shortfall: paper versus reality"; the permanent part
    as in Almgren, Thum, Hauptmann, Li (2005), I / 2.
    """
    filled = float(fills.shares.sum())
    rest = benchmark.shares - filled
    if rest < -1e-9 * benchmark.shares:
        raise ValueError(f"fills sum to {filled:g}, more than the order of {benchmark.shares:g}")
    sign, shares = benchmark.sign, fills.shares
    unit = BPS / (benchmark.shares * abs(benchmark.arrival))
    missed = sign * (benchmark.last - benchmark.arrival) * rest + benchmark.rest_cost
    return Shortfall(
        spread=unit * sign * float(shares @ (fills.best - fills.mid)),
        walk=unit * sign * float(shares @ (fills.price - fills.best)),
        permanent=unit * benchmark.gamma * benchmark.shares**2 / 2,
        drift=unit * sign * float(shares @ (fills.mid - benchmark.arrival)),
        opportunity=unit * missed if rest > 0 else 0.0,
    )


def markout(fills: Fills, later: Floats, sign: int, arrival: float) -> float:
    """Return how far the mid had moved the order's way some time after its fills, bps of arrival.

    later: (n,) the mid at that time after each fill, NaN where it is not known; those fills are
    left out. NaN where none is known. Positive: a fill was followed by a price that made it cheap.
    """
    known = np.isfinite(later)
    shares = fills.shares[known]
    if not shares.sum() > 0:
        return np.nan
    moved = float(shares @ (later[known] - fills.mid[known])) / float(shares.sum())
    return BPS * sign * moved / abs(arrival)
