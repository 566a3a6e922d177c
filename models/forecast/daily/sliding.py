"""Least squares over a sliding window whose cross products are updated, never formed again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Of the scaled cross products: below it a direction is not identified and gets no weight.
RCOND = 1e-12


@dataclass(frozen=True, eq=False)
class SlidingProducts:
    """The sum of z z' over the last `window` rows z.

    Subtracting the row that leaves would cancel digits whenever a large one does. Two stacks only
    ever add: the sums of the older rows from each of them on to `split`, made once a window, and
    the growing sum after it.

    rows: (n, k); older: (split - begin + 1, k, k), the last one zero; newer: (k, k); begin: rows of
    `older` gone.
    """

    rows: Floats
    window: int
    older: Floats
    begin: int
    newer: Floats

    @property
    def total(self) -> Floats:
        """Return the sum, (k, k)."""
        return np.asarray(self.older[self.begin] + self.newer)

    def push(self, row: Floats) -> "SlidingProducts":
        """Return the window moved by one row."""
        rows = np.concatenate([self.rows, row[None]])[-self.window :]
        if len(rows) > len(self.rows):
            return SlidingProducts(
                rows, self.window, self.older, self.begin, self.newer + np.outer(row, row)
            )
        if self.begin + 1 < len(self.older):
            return SlidingProducts(
                rows, self.window, self.older, self.begin + 1, self.newer + np.outer(row, row)
            )
        return sliding_products(rows, self.window)


def sliding_products(rows: Floats, window: int) -> SlidingProducts:
    """Return the sums over the last `window` rows, (n, k)."""
    rows = rows[-window:]
    size = rows.shape[1]
    older = np.zeros((len(rows) + 1, size, size))
    older[:-1] = np.cumsum((rows[:, :, None] * rows[:, None, :])[::-1], axis=0)[::-1]
    return SlidingProducts(rows, window, older, 0, np.zeros((size, size)))


def solve_products(total: Floats) -> Floats:
    """Return the least-squares coefficients, (k,), from cross products.

    total: (k + 1, k + 1), of the k regressors and, last, the target.
    Columns are scaled to length 1 first; among coefficients that fit alike (a constant series) the
    shortest.
    """
    scale = np.sqrt(np.diag(total))
    scale = np.where(scale > 0, scale, 1.0)
    products = total / scale / scale[:, None]
    found = np.linalg.lstsq(products[:-1, :-1], products[:-1, -1], rcond=RCOND)[0]
    return np.asarray(found * scale[-1] / scale[:-1])
