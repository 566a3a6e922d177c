"""What an order took is missing from the book, until its price leaves it or by a half-life."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Depletion(Protocol):
    """Remembers what an order took and says what is left of the books that follow.

    dear, size: (K,) a ladder's prices times the sign of the order, and shares, of which the first
    `shown` were on tape; time: ns.
    """

    def add(self, dear: Floats, shares: Floats, shown: int, time: int) -> None:
        """Remember shares taken from a ladder, (K,)."""

    def pass_rows(self, dear: Floats) -> None:
        """Let rows of the tape, (r, L), pass in order."""

    def left(self, dear: Floats, size: Floats, shown: int, time: int) -> Floats:
        """Return the sizes of a ladder less what is missing."""


class Refill:
    """The book closes from the front: what is missing of it halves within each half-life.

    lasting: the share of what is taken that the permanent impact accounts for; half_life: ns.

    Source: Obizhaeva, Wang (2013), "Optimal trading strategy and supply/demand dynamics", eq. (5).
    """

    def __init__(self, half_life: float, lasting: float) -> None:
        self._half_life, self._part = half_life, 1.0 - lasting
        self._missing, self._time = 0.0, 0

    def _at(self, time: int) -> float:
        return self._missing * float(np.exp2(-(time - self._time) / self._half_life))

    def add(self, dear: Floats, shares: Floats, shown: int, time: int) -> None:
        """Remember shares taken from a ladder."""
        self._missing, self._time = self._at(time) + self._part * float(shares.sum()), time

    def pass_rows(self, dear: Floats) -> None:
        """Do nothing: only time refills."""

    def left(self, dear: Floats, size: Floats, shown: int, time: int) -> Floats:
        """Return the sizes of a ladder less what is missing from its front."""
        missing = np.rint(self._at(time))
        return size - np.clip(missing - (np.cumsum(size) - size), 0.0, size)


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

    def add(self, dear: Floats, shares: Floats, shown: int, time: int) -> None:
        """Remember shares taken from a ladder."""
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

    def left(self, dear: Floats, size: Floats, shown: int, time: int) -> Floats:
        """Return the sizes of a ladder less what is missing.

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
