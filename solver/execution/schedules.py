"""Policies that follow a schedule, whatever the book shows, and one that waits for its moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from solver.execution.policy import TIE, Child, Seen
from solver.problem.laws import Floats, ProblemError, as_vector


@dataclass(frozen=True, eq=False)
class Scheduled:
    """Fill a given share of the order by each moment: a plan, a volume curve, or an even pace.

    Shapes: target (moments,), never falling, the last one 1.

    Raises: ProblemError: a target that falls or does not end at 1.
    """

    target: ArrayLike

    def __post_init__(self) -> None:
        target = as_vector("target", self.target, minimum=0.0)
        if target.ndim != 1 or (np.diff(target) < -TIE).any() or abs(target[-1] - 1.0) > TIE:
            raise ProblemError(
                "target must be the shares filled by each moment over the order, rising to 1"
            )
        object.__setattr__(self, "target", target)

    @classmethod
    def even(cls, moments: int) -> Scheduled:
        """TWAP: the same at every moment."""
        return cls(np.arange(1, moments + 1) / moments)

    @classmethod
    def by_weight(cls, weight: Floats) -> Scheduled:
        """In proportion to the weight of each moment, (moments,): of a plan, of forecast volume."""
        return cls(np.cumsum(weight) / weight.sum())

    def decide(self, seen: Seen) -> Child:
        """What is due by now and not filled."""
        due = np.rint(seen.shares * np.asarray(self.target)[seen.moment])
        return Child(max(float(due) - seen.done, 0.0))


@dataclass(frozen=True)
class Participation:
    """Follow the volume traded since the order's start: all of it by `volume` shares of the market.

    volume: what the market is expected to trade over the horizon, shares.
    """

    volume: float

    def decide(self, seen: Seen) -> Child:
        """What the market's volume calls for and is not filled."""
        due = np.rint(seen.shares * min(seen.volume / self.volume, 1.0))
        return Child(max(float(due) - seen.done, 0.0))


@dataclass(frozen=True)
class WaitingTwap:
    """TWAP by blocks of `every` moments that waits inside its block for a tight spread.

    It takes the block's shares at the first moment whose spread is at or below the `quantile` of
    the last hour, and at the block's last moment at any.
    """

    every: int
    quantile: float = 0.3

    def decide(self, seen: Seen) -> Child:
        """The block's shares, or nothing."""
        end = min((seen.moment // self.every + 1) * self.every, seen.moments)
        due = max(float(np.rint(seen.shares * end / seen.moments)) - seen.done, 0.0)
        tight = is_tight(seen, self.quantile)
        return Child(due if tight or seen.moment == end - 1 else 0.0)


def is_tight(seen: Seen, quantile: float) -> bool:
    """Whether the spread is at or below that quantile of the last hour's spreads."""
    return bool(seen.spread <= np.quantile(seen.past.spread, quantile) + TIE * seen.spread)
