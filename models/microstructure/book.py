"""A book: snapshots of the prices and sizes that stand on both sides."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Book:
    """Snapshots of a book, best level first.

    Shapes: bid_px, bid_sz, ask_px, ask_sz (n, L). An empty level has price NaN and size 0.
    """

    bid_px: Floats
    bid_sz: Floats
    ask_px: Floats
    ask_sz: Floats

    @property
    def mid(self) -> Floats:
        """Return the mid price, shape (n,); NaN where a side is empty."""
        return (self.bid_px[:, 0] + self.ask_px[:, 0]) / 2

    @property
    def imbalance(self) -> Floats:
        """Return bid less ask over both of the best sizes, shape (n,), 0 where both are empty."""
        bid, ask = self.bid_sz[:, 0], self.ask_sz[:, 0]
        both = bid + ask
        return np.divide(bid - ask, both, out=np.zeros(len(both)), where=both > 0)
