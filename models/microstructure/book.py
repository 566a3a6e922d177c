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
