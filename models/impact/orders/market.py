"""The market's move taken out of what orders moved and paid."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.impact.orders.equations import weighted_rows
from models.impact.orders.parent_orders import ParentOrders
from models.inference.covariance import clustered

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MarketMoves:
    """What the market did while an order was worked, relative to its arrival.

    permanent (n,): up to the price after the order; paid (n,): the mean at the times of its fills,
    what was not filled at the price after; beta (n,): of the symbol to that market, None where one
    of all is to be estimated.
    """

    permanent: Floats
    paid: Floats
    beta: Floats | None = None


@dataclass(frozen=True)
class MarketShare:
    """beta with its standard error by day (0: as given); the share of I's variance taken out."""

    beta: float
    standard_error: float
    variance: float


def without_market(orders: ParentOrders, moves: MarketMoves) -> tuple[ParentOrders, MarketShare]:
    """Return I and J less beta times the market's, and what that took.

    orders: usable ones only. One beta of all orders is that of I on the market's move beside its
    own regressor: any value leaves the estimates unbiased where orders and market move
    independently, that one makes their errors least.
    Raises: ValueError with fewer than two days.
    Source: Lavenberg, Welch 1981, "A perspective on the use of control variables to increase the
    efficiency of Monte Carlo simulations".
    """
    rows = weighted_rows(orders)
    moved = moves.permanent / (orders.volatility * np.sqrt(orders.horizon))
    if moves.beta is None:
        design = np.column_stack([rows.filled * rows.z, moved])
        bread = np.einsum("ni,nj->ij", design, design)
        found = np.linalg.solve(bread, np.einsum("ni,n->i", design, rows.y))
        scores = design * (rows.y - design @ found)[:, None]
        error = float(np.sqrt(clustered(bread, scores, orders.day)[1, 1]))
        beta, mean = np.full(len(orders), found[1]), float(found[1])
    else:
        beta, mean, error = moves.beta, float(moves.beta.mean()), 0.0
    left = rows.y - beta * moved
    share = MarketShare(mean, error, float(1 - np.sum(left**2) / np.sum(rows.y**2)))
    adjusted = replace(
        orders,
        permanent=orders.permanent - beta * moves.permanent,
        paid=orders.paid - beta * moves.paid,
    )
    return adjusted, share
