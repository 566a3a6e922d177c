"""What an order took from the book, which stays missing there until its price leaves the book."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Holes:
    """Shares taken, by price; prices are times the sign of the order, so that they rise.

    A price has left the book once the best one is beyond it, or levels on both sides of it are
    shown and it is not. Behind the last level shown nothing is known of it, and the hole stays.
    What was taken behind the levels shown counts at the first one that comes to stand there.
    """

    def __init__(self) -> None:
        self._dear = np.empty(0)
        self._shares = np.empty(0)
        self._unseen = np.empty(0, dtype=bool)  # taken behind the levels shown, and not shown since

    def add(self, dear: Floats, shares: Floats, shown: int) -> None:
        """Remember shares taken from a ladder whose first `shown` levels were on tape."""
        some = np.flatnonzero(shares > 0)
        self._dear = np.append(self._dear, dear[some])
        self._shares = np.append(self._shares, shares[some])
        self._unseen = np.append(self._unseen, some >= shown)

    def pass_rows(self, dear: Floats) -> None:
        """Forget the holes whose price leaves the book in rows of the tape, (r, L), in order."""
        known = dear[np.isfinite(dear[:, 0])]
        if not len(known) or not len(self._dear):
            return
        last = np.fmax.reduce(known, axis=1)
        near = np.flatnonzero(self._dear <= last.max())
        hole = self._dear[near]
        there = (known[:, :, None] == hole).any(axis=1) | self._unseen[near]
        passed = (~there & (hole <= last[:, None])) | (hole < known[:, :1])
        keep = np.ones(len(self._dear), dtype=bool)
        keep[near[passed.any(axis=0)]] = False
        self._dear, self._shares, self._unseen = (
            each[keep] for each in (self._dear, self._shares, self._unseen)
        )
        shown = known[-1][np.isfinite(known[-1])]
        met = self._unseen & (self._dear <= shown[-1])
        self._dear[met] = shown[np.searchsorted(shown, self._dear[met])]
        self._unseen[met] = False

    def left(self, dear: Floats, size: Floats, shown: int) -> Floats:
        """Return the sizes of a ladder, (K,), less what is missing.

        A hole behind the levels shown is missing from the rung at or behind its price, and from
        those after it.
        """
        if not len(self._dear):
            return size
        missing = (dear[:shown, None] == self._dear) @ self._shares
        rest = size.copy()
        rest[:shown] = np.maximum(size[:shown] - missing, 0.0)
        behind = self._dear > dear[shown - 1]
        if behind.any():
            place = np.searchsorted(dear[shown:], self._dear[behind])
            owed = np.bincount(place, self._shares[behind], minlength=len(dear) - shown + 1)
            carry = 0.0
            for rung in range(len(dear) - shown):
                carry += owed[rung]
                taken = min(carry, size[shown + rung])
                rest[shown + rung] -= taken
                carry -= taken
        return rest
