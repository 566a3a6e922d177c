"""Compiled kernel of the value of waiting (needs numba): books merged with what is kept."""

from __future__ import annotations

import numpy as np
from numba import njit

from solver.problem.laws import Floats


@njit(cache=True, nogil=True)
def mean_merged(price: Floats, kept: Floats, begin: int, end: int) -> Floats:
    """The mean over the rows of price (D, C) of positions begin to end of the sorted union of a
    row and of kept (n,), each of which never falls.

    Raises: ValueError when they are too short for that.
    """
    books, cells = price.shape
    if end > cells + kept.size:
        raise ValueError("end lies behind the last of both")
    total = np.zeros(end - begin)
    for book in range(books):
        one, other = 0, 0
        for place in range(end):
            if other == kept.size or (one < cells and price[book, one] < kept[other]):
                least = price[book, one]
                one += 1
            else:
                least = kept[other]
                other += 1
            if place >= begin:
                total[place - begin] += least
    return total / books
