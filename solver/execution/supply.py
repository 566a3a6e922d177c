"""Policies that take what the present book shows where the last hour seldom showed it cheaper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.execution.policy import TIE, Child, Seen
from solver.execution.schedules import is_tight


@dataclass(frozen=True)
class Threshold:
    """At most the best size, at its price, when the spread is in its lowest `quantile`."""

    quantile: float = 0.1

    def decide(self, seen: Seen) -> Child:
        """The best size, or nothing."""
        tight = is_tight(seen, self.quantile)
        return Child(float(seen.size[0]) if tight else 0.0, float(seen.over[0]))


@dataclass(frozen=True)
class PooledSupply:
    """Take what the present book shows up to the price at which what is left would be supplied.

    The supply expected is the present book and, for every moment still to come, the mean of the
    last hour's books: p solves N(p) + after mean_h N_h(p) = left, N(p) the shares at or below p.
    """

    def decide(self, seen: Seen) -> Child:
        """The present shares at or below the marginal price of the pool."""
        weight = seen.after / len(seen.past.spread)
        over = np.concatenate([seen.over, seen.past.over.ravel()])
        size = np.concatenate([seen.size, weight * seen.past.size.ravel()])
        limit = marginal_price(over, size, seen.left) + TIE * seen.spread
        return Child(float(seen.size[seen.over <= limit].sum()), limit)


def marginal_price(over: np.ndarray, size: np.ndarray, wanted: float) -> float:
    """The least price up to which the sizes sum to what is wanted; the highest where none do."""
    order = np.argsort(over)
    place = int(np.searchsorted(np.cumsum(size[order]), wanted * (1.0 - TIE)))
    return float(over[order[min(place, len(order) - 1)]])
