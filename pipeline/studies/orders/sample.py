"""What a reader of orders hands over: the rows to be fitted, and the count of all others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.impact.orders.equations import ParentOrders
from models.inference.caveat import Caveat

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class OrderSample:
    """orders: the rows kept; days: the name of each day label; rows: how many there were.

    dropped: reason -> rows left out, each under the first reason that holds; noted: what was mended
    or is worth knowing -> how many; definition: how every quantity was measured; caveats: of the
    measurement.
    """

    orders: ParentOrders
    days: tuple[str, ...]
    rows: int
    dropped: dict[str, int]
    noted: dict[str, int]
    definition: tuple[str, ...]
    caveats: tuple[Caveat, ...] = ()


def screen(reasons: dict[str, Mask]) -> tuple[Mask, dict[str, int]]:
    """Return the rows that no reason holds for, and how many each is the first to hold for."""
    kept = np.ones_like(next(iter(reasons.values())))
    dropped = {}
    for reason, mask in reasons.items():
        dropped[reason] = int((kept & mask).sum())
        kept = kept & ~mask
    return kept, dropped
