"""A learned cost curve: the law of a period times ratios that are known at some sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from solver.problem.impact_law import ImpactLaw
from solver.problem.laws import Floats, ProblemError, TableLaw

SLACK = 1e-9  # of rounding, in logs


@dataclass(frozen=True, eq=False)
class KnottedLaw:
    """g_i(x) = law_i(x) r_i(x), the ratio r known at knots: 0 at 0, never falling.

    law: of N periods, one entry each; knots: (m,) shares, rising; log_ratio: (N, m). Between knots
    log r is linear in log x; below the first and beyond the last knot it stays, so that the curve
    goes on with the law's exponent. children: the orders that a period's shares are worked in, each
    with the ratio of its own size; what else they do to the cost is in the law.

    Raises: ProblemError: shapes that do not fit, knots that do not rise, or a curve that falls.
    """

    law: ImpactLaw
    knots: Floats
    log_ratio: Floats
    children: int = 1

    def __post_init__(self) -> None:
        knots, ratio = np.asarray(self.knots), np.asarray(self.log_ratio)
        if knots.ndim != 1 or not len(knots) or knots[0] <= 0 or (np.diff(knots) <= 0).any():
            raise ProblemError("knots must be sizes above 0 that rise, found others: sort them")
        if ratio.shape != (self.periods, len(knots)) or not np.isfinite(ratio).all():
            raise ProblemError(
                f"log_ratio must be finite, of shape ({self.periods}, {len(knots)}), found "
                f"{ratio.shape}: one row a period, one column a knot"
            )
        steps = np.diff(ratio, axis=1) - self._least_steps
        if (steps < -SLACK).any():
            raise ProblemError(
                "log_ratio must not fall faster than the law rises, found a curve that falls: use "
                "KnottedLaw.rising"
            )

    @classmethod
    def rising(
        cls, law: ImpactLaw, knots: Floats, log_ratio: Floats, children: int = 1
    ) -> KnottedLaw:
        """The curve through these ratios, lifted where it would fall.

        From one knot to the next log r falls at most by as much as the law's log rises where it
        rises least, so that no stretch between them falls either.
        """
        ratio = np.array(log_ratio, dtype=np.float64)
        found = cls(law, knots, np.zeros_like(ratio), children)
        steps = found._least_steps
        for at in range(1, len(knots)):
            ratio[:, at] = np.maximum(ratio[:, at], ratio[:, at - 1] + steps[:, at - 1])
        return replace(found, log_ratio=ratio)

    @property
    def periods(self) -> int:
        """How many periods the law has."""
        return int(np.size(self.law.scale))

    def cost(self, x: ArrayLike) -> Floats:
        """g(x) over mid, currency: x (k,) for every period or (N, k) by period, gives (N, k)."""
        size = np.broadcast_to(np.asarray(x, dtype=np.float64), (self.periods, np.shape(x)[-1]))
        return np.asarray(_column(self.law).cost(size) * np.exp(self._log_ratio(size)))

    def at(self, places: list[int]) -> KnottedLaw:
        """The curve of some of its periods."""
        return replace(self, law=self.law.at(places), log_ratio=self.log_ratio[places])

    def temporary(self, x: Floats) -> Floats:
        """What each period's own size costs, currency, (N,)."""
        return self.cost(np.asarray(x)[:, None])[:, 0]

    def table(self, lot: float, most: int) -> TableLaw:
        """The curve as the dynamic programme takes it, for 0 to `most` lots."""
        cost = self.cost(np.arange(most + 1) * lot)
        return TableLaw(np.maximum.accumulate(cost, axis=1))  # what rounding makes of flat parts

    @property
    def _least_steps(self) -> Floats:
        """Minus what the law's log cost rises at least from knot to knot, (N, m - 1).

        Its slope in log x goes from one side of a stretch to the other without turning.
        """
        if len(self.knots) == 1:
            return np.zeros((self.periods, 0))
        column, size = _column(self.law), np.asarray(self.knots) * self.children
        slope = column.marginal_cost(size) * size / column.cost(size)
        return np.asarray(-np.minimum(slope[:, 1:], slope[:, :-1]) * np.diff(np.log(size)))

    def _log_ratio(self, size: Floats) -> Floats:
        logs = np.log(self.knots)
        if len(logs) == 1:
            return np.broadcast_to(self.log_ratio, size.shape)
        at = np.log(np.clip(size / self.children, self.knots[0], self.knots[-1]))
        left = np.clip(np.searchsorted(logs, at, side="right") - 1, 0, len(logs) - 2)
        part = (at - logs[left]) / np.diff(logs)[left]
        low, high = (np.take_along_axis(self.log_ratio, each, axis=1) for each in (left, left + 1))
        return np.asarray(low + part * (high - low))


def log_ratios(law: ImpactLaw, knots: Floats, cost: Floats) -> Floats:
    """Log of costs at knots, (N, m) currency above 0, over the law's."""
    return np.asarray(np.log(np.asarray(cost) / _column(law).cost(knots)))


def _column(law: ImpactLaw) -> ImpactLaw:
    """The law with a row a period, to meet a column a size."""

    def column(value: ArrayLike) -> Floats:
        whole = np.broadcast_to(np.asarray(value, dtype=np.float64), np.shape(law.scale))
        return np.asarray(whole).reshape(-1, 1)

    return replace(
        law,
        alpha=column(law.alpha),
        gamma=column(law.gamma),
        spread=column(law.spread),
        volatility=column(law.volatility),
        liquidity=column(law.liquidity),
    )
