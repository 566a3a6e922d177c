"""What a market traded by time: its volume and turnover between moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Traded:
    """Volume and turnover (price x shares) up to knots in time, both from 0. Shapes: (k,).

    at: ns, not falling; of trades they jump at their times, of bars they grow evenly within each
    (`even`).
    """

    at: Ints
    volume: Floats
    turnover: Floats
    even: bool

    @classmethod
    def of_trades(cls, time: Ints, price: Floats, size: Floats) -> Traded:
        """Return what trades add up to; those without a price have no part."""
        known = np.isfinite(price) & (size > 0)
        size, price = size[known], price[known]
        return cls(time[known], np.cumsum(size), np.cumsum(size * price), even=False)

    @classmethod
    def of_bars(cls, start: Ints, end: Ints, price: Floats, size: Floats) -> Traded:
        """Return what bars add up to, evenly within each."""
        known = np.isfinite(price) & (size > 0)
        at = np.column_stack([start[known], end[known]]).ravel()
        parts = [np.cumsum(amount[known]) for amount in (size, size * price)]
        volume, turnover = (
            np.column_stack([np.append(0.0, part[:-1])[: len(part)], part]).ravel()
            for part in parts
        )
        return cls(at, volume, turnover, even=True)

    def up_to(self, times: Ints) -> tuple[Floats, Floats]:
        """Return volume and turnover up to times, these included."""
        if not len(self.at):
            return np.zeros(len(times)), np.zeros(len(times))
        if self.even:
            volume, turnover = (
                np.interp(times, self.at, each, left=0.0) for each in (self.volume, self.turnover)
            )
            return volume, turnover
        place = np.searchsorted(self.at, times, side="right")
        return np.append(0.0, self.volume)[place], np.append(0.0, self.turnover)[place]

    def mean_of_next(self, start: Ints, shares: Floats) -> Floats:
        """Return the mean price of the next shares traded after times, NaN where fewer were.

        Source: the participation-weighted price, e.g. Kissell (2013), "The science of algorithmic
        trading and portfolio management", chapter 3.
        """
        before, paid = self.up_to(start)
        wanted = before + shares
        if not len(self.at):
            return np.full(len(start), np.nan)
        there = wanted <= self.volume[-1]
        knots, turnover = np.append(0.0, self.volume), np.append(0.0, self.turnover)
        reached = np.interp(wanted, knots, turnover)
        mean = np.divide(reached - paid, shares, out=np.full(len(start), np.nan), where=shares > 0)
        return np.where(there, mean, np.nan)
