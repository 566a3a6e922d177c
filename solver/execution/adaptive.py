"""A plan made anew while the order is worked, from the spread and depth that the books show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from solver.execution.policy import Child, Past, Seen
from solver.execution.replanning import MarketState, rest_of
from solver.execution.schedules import Scheduled
from solver.problem.impact_law import ImpactLaw
from solver.problem.laws import Floats, Ints, PowerLaw
from solver.problem.problem import Problem
from solver.solve import solve

FEW = 10  # minutes known, below which a deviation is taken to stay as it is
LEAST = 0.01  # of what the law said, to which a book that costs nothing is raised
LONGEST = 0.99  # the persistence a minute is held below 1


@dataclass(frozen=True, eq=False)
class Adaptive:
    """Plan the rest of the order again at every moment, from the latest spread and depth.

    Shapes: period (moments,), the period of each moment, never falling. problem: of the whole
    order, by periods; law: what one walk of the book costs, one entry a period, which the books are
    held against; minute: how many moments one has; reach: the shares over which a book's depth is
    measured.

    Source: Bertsimas, Lo (1998), sec. 3: open-loop feedback by re-solving with what is newly known.
    """

    problem: Problem
    law: ImpactLaw
    period: Ints
    minute: int
    reach: float

    def decide(self, seen: Seen) -> Child:
        """The first part of the plan of what is left.

        The first plan's rounding to whole shares is carried along: small trades would else be
        rounded alike again and again.
        """
        before = seen.shares * np.asarray(self._plan.target)[seen.moment - 1] if seen.moment else 0
        carried = before - float(np.rint(before))
        left = min(seen.left - carried, seen.shares)
        due = np.rint(seen.shares - left + left * self._first(seen, left))
        return Child(max(float(due) - seen.done, 0.0))

    @cached_property
    def _plan(self) -> Scheduled:
        """The plan of the whole order, made before anything was seen."""
        number = np.bincount(self.period, minlength=self.problem.n)
        return Scheduled.by_weight((solve(self.problem).x / np.maximum(number, 1))[self.period])

    def _first(self, seen: Seen, left: float) -> float:
        """The share of what is left that the plan trades at the present moment."""
        coming = self.period[seen.moment :]
        number = np.bincount(coming - coming[0], minlength=self.problem.n - int(coming[0]))
        planned = np.where(number > 0, self._rest(seen, left, number), 0.0)
        whole = float(planned.sum())
        return float(planned[0]) / whole / int(number[0]) if whole > 0.0 else 1.0 / len(coming)

    def _rest(self, seen: Seen, left: float, number: Ints) -> Floats:
        """What is left by periods, the present one first, shares; number: of their moments.

        The present period takes part with the share f of its moments that are still to come: y
        shares of it cost f g(y / f).
        """
        first = self.problem.n - len(number)
        part = np.ones(len(number))
        part[0] = number[0] / np.count_nonzero(self.period == first)
        spread, scale, exponent = (row[first:] for row in self.problem.law_rows)
        wider, thinner = self.states(seen)
        law = PowerLaw(scale * thinner * part ** (1.0 - exponent), exponent, spread * wider)
        floor, cap = (
            None if limit is None else np.asarray(limit)[first:] * part
            for limit in (self.problem.floor, self.problem.cap)
        )
        if cap is not None:  # the band may have let more be left than they hold
            cap = cap + max(0.0, left - float(cap.sum())) / len(cap)
        state = MarketState(law=law, floor=floor, cap=cap)
        return solve(rest_of(self.problem, first, (left, 0.0), state)).x

    def states(self, seen: Seen) -> tuple[Floats, Floats]:
        """The spread and the cost beyond it over what the law says, from the present period on.

        The last minute's mean goes back to the last hour's, as it has done during that hour.
        """
        place = self.period[np.maximum(seen.past.moment, 0)]  # before the order, its first
        minute = (seen.moment - seen.past.moment) // self.minute
        starts = np.searchsorted(self.period, np.arange(place[-1], self.problem.n))
        ahead = np.maximum(starts - seen.moment, 0) / self.minute
        spread, beyond = (
            carried(by_minute(*each, minute), ahead)
            for each in deviations(seen.past, self.law, place, self.reach)
        )
        return spread, beyond


def deviations(
    past: Past, law: ImpactLaw, place: Ints, reach: float
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Half spread, and cost beyond it of walking `reach` shares: as seen and as the law says.

    Shapes: (H,) each; currency / share, and currency. A law without a spread holds it in its power:
    then all of the cost is beyond, and the spread is as the law says.
    """
    depth = np.minimum(np.cumsum(past.size, axis=1), reach)
    amount = depth[:, -1]
    told = np.broadcast_to(law.spread, np.shape(law.scale))[place]
    half = np.where(told > 0.0, 0.5 * past.spread, 0.0)
    steps = np.diff(past.over, axis=1)
    paid = past.over[:, -1] * amount - np.einsum("hk,hk->h", depth[:, :-1], steps)  # by parts
    beyond = paid - half * amount
    return (half, told), (beyond, law.scale[place] * amount**law.k)


def by_minute(seen: Floats, told: Floats, minute: Ints) -> Floats:
    """The mean seen over the mean told, by minute back from now, (M,); NaN where none is known."""
    above, below = np.bincount(minute, seen), np.bincount(minute, told)
    known = below > 0.0
    ratio = np.full(len(below), np.nan)
    ratio[known] = np.maximum(above[known] / below[known], LEAST)
    return ratio


def carried(ratio: Floats, ahead: Floats) -> Floats:
    """What a state is expected to be over the law, minutes ahead.

    ratio: by minute back from now. Its deviation from the hour's mean decays with the persistence
    of its logs. 1 where nothing is known.
    """
    known = np.isfinite(ratio)
    if not known.any():
        return np.ones(len(ahead))
    mean = float(ratio[known].mean())
    now = float(ratio[0]) if known[0] else mean
    if known.sum() < FEW:
        return np.full(len(ahead), now)
    return mean + persistence(np.log(ratio)) ** ahead * (now - mean)


def persistence(series: Floats) -> float:
    """The autoregression of a series on its value a step before, 0 to `LONGEST`; gaps are NaN."""
    known = np.isfinite(series)
    about = np.where(known, series - series[known].mean(), 0.0)
    square = float(about @ about)
    return min(max(float(about[:-1] @ about[1:]) / square, 0.0), LONGEST) if square > 0.0 else 0.0
