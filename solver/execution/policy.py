"""What a policy sees at a moment of decision, what it answers, and the band that it is kept in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from solver.execution.pressure import book_pressure
from solver.problem.laws import Floats, Ints

TIE = 1e-6  # of the spread: prices over mid that differ by less are one price


@dataclass(frozen=True, eq=False)
class Past:
    """The books of the moments of the last hour as they were seen, the present one last.

    Shapes: over, size (H, K), spread, tilt (H,), as in `Seen`; moment (H,): its number, below 0
    before the order; mid (H,): times the sign of the order, currency / share.
    """

    moment: Ints
    over: Floats
    size: Floats
    spread: Floats
    mid: Floats
    tilt: Floats

    @property
    def pressure(self) -> Floats:
        """What the books' tilt is worth in half spreads, currency / share."""
        return book_pressure(self.tilt, self.spread)


@dataclass(frozen=True, eq=False)
class Seen:
    """What is known at one moment of an order: nothing in it arrived later.

    moment, moments: which one it is, from 0, of how many. shares, left: of the order, and not yet
    filled. over, size: (K,) the side that is traded, best first: price over mid (positive for buys
    and sells alike, never falling; currency / share) and shares that are still there; behind the
    levels shown the cost law continues them. spread: currency / share. tilt: the best sizes'
    imbalance, -1 to 1, above 0 where it speaks for a price that moves against the order. volume:
    shares that the market traded since the order's first moment.
    """

    moment: int
    moments: int
    shares: float
    left: float
    over: Floats
    size: Floats
    spread: float
    tilt: float
    volume: float
    past: Past

    @property
    def pressure(self) -> float:
        """What the present tilt is worth in half spreads, currency / share."""
        return float(book_pressure(self.tilt, self.spread))

    @property
    def done(self) -> float:
        """The shares filled so far."""
        return self.shares - self.left

    @property
    def after(self) -> int:
        """How many moments are still to come after this one."""
        return self.moments - self.moment - 1


@dataclass(frozen=True)
class Child:
    """A marketable limit order: shares, and the most to pay over the mid that was seen.

    limit: currency / share, infinite for none; must: the shares of it that no limit holds back.
    """

    shares: float
    limit: float = np.inf
    must: float = 0.0


class Policy(Protocol):
    """Decides moment by moment; it keeps no state of its own, so that a caller can resume it."""

    def decide(self, seen: Seen) -> Child:
        """The shares wanted now, and up to what price over mid."""


class Learned(Policy, Protocol):
    """What a policy learned at one moment, `first`: it decides from then on."""

    @property
    def first(self) -> int:
        """The moment of the lesson."""


@runtime_checkable
class Learning(Protocol):
    """A policy that learns from the last hour every so many moments; what it learned decides."""

    @property
    def every(self) -> int:
        """How many moments what it learned is kept."""

    def learned(self, seen: Seen) -> Learned:
        """What it learns at this moment."""


@dataclass(frozen=True)
class Band:
    """Shares filled stay within `slack` of the order of an even pace; it closes at the horizon.

    slack: a share of the order. Over the last `slack` of the moments it narrows evenly to nothing.
    """

    slack: float = 0.1

    def limits(self, seen: Seen) -> tuple[float, float]:
        """The least and the most whole shares to trade at this moment."""
        low, high = self.edges(seen.shares, seen.moment, seen.moments)
        least, most = np.clip([low - seen.done, high - seen.done], 0.0, seen.left)
        return float(least), float(most)

    def edges(self, shares: float, moment: int, moments: int) -> tuple[float, float]:
        """The least and the most whole shares filled when a moment's order is done."""
        pace = (moment + 1) / moments
        slack = min(self.slack, 1.0 - pace)
        low = np.floor(shares * max(pace - slack, 0.0) + TIE)
        high = np.floor(shares * min(pace + slack, 1.0) + TIE)
        return float(low), float(high)


def decision(policy: Policy, band: Band, seen: Seen) -> Child:
    """The policy's order in whole shares, brought into the band.

    What the band demands is caught up at any price; the policy's limit holds for the rest.
    """
    wanted = policy.decide(seen)
    least, most = band.limits(seen)
    shares = float(np.clip(np.floor(wanted.shares + TIE), least, most))
    return Child(shares, wanted.limit, least)


class Decider:
    """A policy in its band, with what it last learned where it is one that learns.

    It learns once in each stretch of `every` moments, at the first that it sees. learned: what it
    is resumed with, in the midst of an order.
    """

    def __init__(
        self, policy: Policy | Learning, band: Band, learned: Learned | None = None
    ) -> None:
        self._band = band
        self._learning = policy if isinstance(policy, Learning) else None
        self._learned = learned if self._learning else None
        self._deciding: Policy | None = self._learned
        if not isinstance(policy, Learning):
            self._deciding = policy

    @property
    def learned(self) -> Learned | None:
        """What decides until the next lesson, None before the first."""
        return self._learned

    def learn(self, seen: Seen) -> bool:
        """Learn where a lesson is due, and tell whether it was."""
        learning, last = self._learning, self._learned
        if learning is None:
            return False
        if last is not None and last.first // learning.every == seen.moment // learning.every:
            return False
        self._deciding = self._learned = learning.learned(seen)
        return True

    def decide(self, seen: Seen) -> Child:
        """The order to send at this moment."""
        self.learn(seen)
        assert self._deciding is not None  # it has learned
        return decision(self._deciding, self._band, seen)
