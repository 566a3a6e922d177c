"""What the sizes at a book's best prices say of its mid, in half spreads."""

from __future__ import annotations

import numpy as np

from solver.problem.laws import Floats


def book_pressure(imbalance: float | Floats, spread: float | Floats) -> Floats:
    """Imbalance x half spread: how far the mid weighted by the sizes opposite lies above the mid.

    imbalance: of the best sizes, -1 to 1; spread: currency / share.
    """
    return np.asarray(imbalance * spread / 2.0)
