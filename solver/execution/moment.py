"""The policy that takes what the present book shows below the value of waiting."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from solver.execution.coming import Coming
from solver.execution.policy import TIE, Band, Child, Past, Seen
from solver.execution.value import BooksToCome, Cells, Holding, cells_of, waiting_slopes
from solver.problem.laws import Floats, Ints


@dataclass(frozen=True, eq=False)
class SpreadStates:
    """States of the spread, split at quantiles of the last hour, and how they follow each other.

    Shapes: edges (L - 1,), currency / share: a spread at an edge is below it; transition (L, L).
    """

    edges: Floats
    transition: Floats

    @classmethod
    def of(cls, past: Past, number: int) -> SpreadStates:
        """Count the steps from moment to next moment.

        Every state has one step more, spread as the hour's books are: few steps say little.
        """
        parts = np.arange(1, number) / number
        found = np.unique(np.quantile(past.spread, parts, method="lower"))
        edges = found * (1.0 + TIE)  # a spread that differs from it by rounding is below it
        edges = edges[np.diff(edges, append=np.inf) > 2.0 * TIE * edges]
        edges = edges[edges < past.spread.max()]
        state = np.searchsorted(edges, past.spread)
        share = np.bincount(state, minlength=len(edges) + 1) / len(state)
        steps = np.tile(share, (len(share), 1))
        follows = np.diff(past.moment) == 1
        np.add.at(steps, (state[:-1][follows], state[1:][follows]), 1.0)
        return cls(edges, steps / steps.sum(axis=1, keepdims=True))

    def state(self, spread: float | Floats) -> Ints:
        """The state of a spread, from 0, the tightest."""
        return np.asarray(np.searchsorted(self.edges, spread))


@dataclass(frozen=True, eq=False)
class Waiting:
    """The value of waiting, learned at moment `first`, and the decision that follows from it.

    slopes: as `waiting_slopes` returns them; level, mid_move: as `TakeOrWait` has them.
    """

    slopes: list[Floats]
    cells: Cells
    states: SpreadStates
    level: Floats
    first: int
    mid_move: float = 0.0

    def value(self, seen: Seen, left: float | None = None) -> float:
        """What one share less to trade later would save, with `left` still to trade after now.

        Currency / share over the predicted mid; minus infinity at the least and infinity at the
        most that the band lets be left. left: what is left now where it is not given.
        """
        kept, low = self._kept(seen)
        place = int(np.floor(((seen.left if left is None else left) - low) / self.cells.step))
        if place < 0:
            return -np.inf
        return float(kept[place]) if place < len(kept) else np.inf

    def decide(self, seen: Seen) -> Child:
        """Level by level while its price is below the value of waiting, which is the limit.

        Where nothing is wanted the limit still says what waiting is worth. Prices are counted over
        the predicted mid, limits over the mid.
        """
        kept, low = self._kept(seen)
        ahead = self.mid_move * seen.pressure
        over = seen.over - ahead + TIE * seen.spread
        keep = low + self.cells.step * np.searchsorted(kept, over, "right")
        take = np.minimum(np.cumsum(seen.size), seen.left - keep).max()
        shares = float(np.floor(max(float(take), 0.0) + TIE))
        if shares <= 0:
            worth = self.value(seen)
            return Child(0.0, worth + ahead if np.isfinite(worth) else np.inf)
        highest = float(kept[-1]) if len(kept) else np.inf
        return Child(shares, min(self.value(seen, seen.left - shares), highest) + ahead)

    def _kept(self, seen: Seen) -> tuple[Floats, float]:
        """The slopes of the present state, and the shares left at which they begin."""
        of_states = self.slopes[seen.moment - self.first]
        state = int(self.states.state(seen.spread / self.level[seen.moment]))
        return of_states[state], float(self.cells.low[seen.moment]) * self.cells.step


@dataclass(frozen=True)
class TakeOrWait:
    """Learn the value of waiting from the last hour's books, each one as likely as the others of
    its state; between two lessons a decision is a look-up.

    band: that the order is kept in; every: moments from lesson to lesson; states: of the spread;
    number: of cells across the band; level: (moments,) what trading is forecast to cost at each of
    the order's moments, currency / share over mid, above 0. Books to come are those of the last
    hour over the level of their time, times that of the time to come; without it the day is flat.
    mid_move: the mid's expected move by the next seconds over the book's pressure. A share bought
    before the mid rises is cheaper by that, now or later, so all books count over the mid predicted
    at their time: it moves by no more than news. coming: what the hour's states tell of costs to
    come, over the hour's; interval: seconds from moment to moment, for it.
    """

    band: Band = field(default_factory=Band)
    every: int = 30
    states: int = 3
    number: int = 100
    holding: Holding = field(default_factory=Holding)
    level: Floats | None = None
    mid_move: float = 0.0
    coming: Coming | None = None
    interval: float = 0.0

    def learned(self, seen: Seen) -> Waiting:
        """The value of waiting from this moment on."""
        level = np.ones(seen.moments) if self.level is None else self.level
        then = level[np.maximum(seen.past.moment, 0)]  # before the order, that of its start
        over = seen.past.over - self.mid_move * seen.past.pressure[:, None]
        over, spread = over / then[:, None], seen.past.spread / then
        past = replace(seen.past, over=over, spread=spread)
        if self.coming is not None:
            factors = self.coming.factors(past, self.interval, seen.after)
            level = level * np.concatenate([np.ones(seen.moment + 1), factors])
        cells = Cells.of(self.band, seen.shares, seen.moments, self.number)
        states = SpreadStates.of(past, self.states)
        price = cells_of(past.over, past.size, cells.step, cells.reach)
        books = BooksToCome(price, states.state(past.spread), states.transition, level)
        slopes = waiting_slopes(books, cells, seen.moment, self.holding)
        return Waiting(slopes, cells, states, level, seen.moment, self.mid_move)
