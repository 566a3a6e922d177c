"""What a held-out day would have charged a plan, by the walks of its book in every period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DayCurves:
    """Total cost over mid by period and size, linear between sizes and behind the last one.

    Shapes: sizes (S,) shares, rising from above 0; cost (N, S) currency, NaN throughout in a period
    without a book.

    Raises: ValueError for shapes that do not fit, sizes that do not rise, a day without any book.
    Source: Perold 1988, "The implementation shortfall: paper versus reality", of the cost over mid.
    """

    sizes: Floats
    cost: Floats

    def __post_init__(self) -> None:
        if self.cost.ndim != 2 or self.cost.shape[1] != len(self.sizes):
            raise ValueError(f"cost: shape {self.cost.shape}, {len(self.sizes)} sizes are given")
        if not (np.diff(self.sizes, prepend=0.0) > 0).all():
            raise ValueError("sizes: must rise, from above 0")
        if not self.open.any():
            raise ValueError("cost: no period has a book")

    @property
    def open(self) -> NDArray[np.bool_]:
        """Which periods have a book, (N,)."""
        return np.asarray(np.isfinite(self.cost).all(axis=1))

    @property
    def _slopes(self) -> Floats:
        """Currency / share between sizes, (N, S); the last one holds behind the last size too."""
        return np.diff(self.cost, prepend=0.0, axis=1) / np.diff(self.sizes, prepend=0.0)

    def worked(self, x: Floats) -> Floats:
        """Return what is traded of a plan, (N,) shares: what meets no book waits for the next one.

        Behind the last book nothing waits: what is left is traded at that one.
        """
        places = np.flatnonzero(self.open)
        at = places[np.minimum(np.searchsorted(places, np.arange(len(x))), len(places) - 1)]
        return np.asarray(np.bincount(at, x, minlength=len(x)), dtype=np.float64)

    def charge(self, x: Floats) -> float:
        """Return what a plan would have cost, currency; x: (N,) shares."""
        edges = np.append(0.0, self.sizes[:-1])
        widths = np.append(np.diff(edges), np.inf)
        part = np.clip(self.worked(x)[:, None] - edges, 0.0, widths)
        return float((part * np.where(self.open[:, None], self._slopes, 0.0)).sum())

    def least(self, shares: float) -> float:
        """Return what who knew every curve would have paid, currency.

        The cheapest segments are taken first; a bound from below where a curve is not convex.
        """
        slopes = self._slopes[self.open]
        widths = np.diff(self.sizes, prepend=0.0)
        widths[-1] = shares  # the last segment has no end
        order = np.argsort(slopes, axis=None, kind="stable")
        held = np.cumsum(np.broadcast_to(widths, slopes.shape).ravel()[order])
        taken = np.diff(np.minimum(held, shares), prepend=0.0)
        return float(taken @ slopes.ravel()[order])
