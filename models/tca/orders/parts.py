"""The implementation shortfall of many orders, in parts that add up order by order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SLIP = 1e-6  # of an order: so much more may be filled, by rounding
OF_FILLS = ("delay_traded", "spread", "walk", "permanent", "drift", "unsplit", "commission", "fees")
OF_RESTS = ("delay_opportunity", "opportunity")
PARTS = (
    "delay_traded",
    "delay_opportunity",
    "spread",
    "walk",
    "permanent",
    "drift",
    "unsplit",
    "opportunity",
    "commission",
    "fees",
)
EXECUTION = ("spread", "walk", "permanent", "drift", "unsplit")  # fills against the arrival price


@dataclass(frozen=True, eq=False)
class Parents:
    """Parent orders. Shapes: (m,).

    sign: +1 buys, -1 sells; shares: ordered; decision, arrival, exit: the price at the decision, as
    the order arrived and at its end, currency / share (decision: that of arrival where nobody noted
    one); commission, fees: of the order beside those of its fills, currency, above 0 paid.
    """

    sign: Floats
    shares: Floats
    decision: Floats
    arrival: Floats
    exit: Floats
    commission: Floats
    fees: Floats


@dataclass(frozen=True, eq=False)
class OrderFills:
    """The fills of parent orders, in order of time within each. Shapes: (n,).

    order: the parent's place; shares; price; best: the best price of the side that was traded just
    before; mid: the mid just then, both NaN where not known; own: how far the order itself had
    moved that mid for good, in its own direction, 0 where nothing is known of it. Currency / share.
    commission, fees: currency.
    """

    order: Ints
    shares: Floats
    price: Floats
    best: Floats
    mid: Floats
    own: Floats
    commission: Floats
    fees: Floats


@dataclass(frozen=True, eq=False)
class CostParts:
    """The parts, currency, above 0 a cost: orders: (m,) by name of `PARTS`; fills: (n,) of those
    that a fill bears; total: (m,), the whole shortfall by its definition.

    delay_traded, delay_opportunity: from decision to arrival, of what was filled and of the rest;
    spread: from mid to the best price; walk: beyond it, below 0 where a fill was better; permanent:
    what the order itself had moved the mid; drift: all other moves of the mid since arrival;
    unsplit: what fills cost beyond that where the quote is not known; opportunity: of the rest,
    from arrival to exit.
    """

    orders: dict[str, Floats]
    fills: dict[str, Floats]
    total: Floats


def cost_parts(parents: Parents, fills: OrderFills) -> CostParts:
    """Return the shortfall of every order over its paper portfolio, in parts.

    Raises: ValueError when more was filled than an order.

    Source: Perold (1988), "The implementation shortfall: paper versus reality"; delay and
    opportunity as in Kissell, Glantz (2003), "Optimal trading strategies", chapter 3.
    """
    count = len(parents.sign)
    filled = summed(fills.order, fills.shares, count)
    over = np.flatnonzero(filled > parents.shares * (1 + SLIP))
    if len(over):
        at = int(over[0])
        raise ValueError(f"{filled[at]:g} filled, more than the {parents.shares[at]:g} ordered")
    rest = np.maximum(parents.shares - filled, 0.0)
    by_fill = _of_fills(parents, fills)
    orders = {name: summed(fills.order, by_fill[name], count) for name in OF_FILLS}
    orders["commission"] = orders["commission"] + parents.commission
    orders["fees"] = orders["fees"] + parents.fees
    waited = parents.sign * (parents.arrival - parents.decision)
    missed = np.where(rest > 0, parents.sign * (parents.exit - parents.arrival), 0.0)
    orders["delay_opportunity"], orders["opportunity"] = rest * waited, rest * missed
    return CostParts({name: orders[name] for name in PARTS}, by_fill, _whole(parents, fills, rest))


def summed(order: Ints, amount: Floats, count: int) -> Floats:
    """Return amounts of fills summed by order, (count,)."""
    return np.bincount(order, amount, count).astype(np.float64)


def _of_fills(parents: Parents, fills: OrderFills) -> dict[str, Floats]:
    sign, shares = parents.sign[fills.order], fills.shares
    arrival = parents.arrival[fills.order]
    amount = sign * shares
    placed = np.isfinite(fills.mid)
    touched = placed & np.isfinite(fills.best)
    moved = np.where(placed, amount * (fills.mid - arrival), 0.0)
    own = np.where(placed, shares * fills.own, 0.0)
    over = amount * (fills.price - np.where(placed, fills.mid, arrival))
    spread = np.where(touched, amount * (fills.best - fills.mid), 0.0)
    return {
        "delay_traded": amount * (arrival - parents.decision[fills.order]),
        "spread": spread,
        "walk": np.where(touched, amount * (fills.price - fills.best), 0.0),
        "permanent": own,
        "drift": moved - own,
        "unsplit": np.where(touched, 0.0, over),
        "commission": fills.commission,
        "fees": fills.fees,
    }


def _whole(parents: Parents, fills: OrderFills, rest: Floats) -> Floats:
    """Return paper less real by its definition, without any part."""
    count = len(parents.sign)
    paid = summed(fills.order, fills.shares * fills.price, count)
    explicit = summed(fills.order, fills.commission + fills.fees, count)
    valued = np.where(rest > 0, rest * parents.exit, 0.0)
    paper = (summed(fills.order, fills.shares, count) + rest) * parents.decision
    return parents.sign * (paid + valued - paper) + explicit + parents.commission + parents.fees
