"""How a period's shares are worked in equal child orders, and what that does to their cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from solver.problem.laws import as_count

LEAST_SPACING = 2.0  # seconds between children: well above the time an order and its cancel take
TOLERANCE = 0.05  # of the cost: fewer children are better as long as they cost no more than this


def slice_factor(slices: int, spacing: float, half_life: float, lasting: float, k: float) -> float:
    """The temporary cost of an order in equal slices over its cost at once.

    spacing, half_life: seconds; half_life may be infinite. Child j starts where the earlier ones
    have left the book, rho_j child sizes deep. The lasting share p of each hole is the permanent
    impact, which its own law charges; the rest closes with the half-life:
    factor = m^-k sum_j [(1 + rho_j)^k - rho_j^k], rho_j = sum_{i<j} (1 - p) 2^(-(j - i) spacing /
    tau). It is m^(1-k) when the book is whole again before each child, and 1 when nothing comes
    back and nothing lasts.

    Raises:
        ProblemError: slices is no whole number of at least 1.

    Source: Obizhaeva, Wang (2013), "Optimal trading strategy and supply/demand dynamics", eq.
    (5)-(7); Alfonsi, Fruth, Schied (2010), "Optimal execution strategies in limit order books with
    general shape functions", model 1, here with the power-law shape.
    """
    as_count("slices", slices)
    left = (1.0 - lasting) * np.exp2(-np.arange(1, slices) * spacing / half_life)
    depth = np.concatenate([[0.0], np.cumsum(left)])
    return float(((1.0 + depth) ** k - depth**k).sum() * float(slices) ** -k)


@dataclass(frozen=True)
class Slicing:
    """What limits the children of a period, and how the book comes back between them.

    period_seconds; half_life and half_life_upper (the end of its 95 % interval): seconds, of
    displayed depth after trades, infinite where it is not identified; lasting: the share p of what
    a trade moves at once that stays; least_child: shares.
    """

    period_seconds: float
    half_life: float
    half_life_upper: float
    lasting: float
    least_child: float

    @classmethod
    def from_section(cls, section: Mapping[str, Any], period_seconds: float) -> Slicing:
        """The slicing of one symbol's section of `params.json`."""
        told = section["slicing"]
        ends = (told["half_life_seconds"], told["half_life_upper_seconds"])
        known, upper = (np.inf if end is None else float(end) for end in ends)
        return cls(period_seconds, known, upper, told["lasting"], told["least_child_shares"])

    def factor(self, slices: int, k: float) -> float:
        """What the children do to the temporary cost, at the half-life as estimated."""
        spacing = self.period_seconds / slices
        return slice_factor(slices, spacing, self.half_life, self.lasting, k)

    def most(self, shares: float) -> int:
        """The most children that keep least spacing and least size, of `shares` a period."""
        room = min(self.period_seconds / LEAST_SPACING, shares / self.least_child)
        return max(1, int(room))

    def fewest(self, shares: float, k: float) -> int:
        """The fewest children whose cost is within 5 % of the least, at the half-life's upper end.

        One where the refill is not identified, or where k <= 1: a large order is no dearer than
        its parts.
        """
        if k <= 1.0 or not np.isfinite(self.half_life_upper):
            return 1
        factors = np.array([self._cautious(m, k) for m in range(1, self.most(shares) + 1)])
        return int(np.argmax(factors <= (1.0 + TOLERANCE) * factors.min())) + 1

    def _cautious(self, slices: int, k: float) -> float:
        spacing = self.period_seconds / slices
        return slice_factor(slices, spacing, self.half_life_upper, self.lasting, k)
