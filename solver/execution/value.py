"""The value of waiting: backward induction over the books that are still to come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.backend import kernels
from solver.execution.policy import TIE, Band
from solver.problem.laws import Floats, Ints, ProblemError


@dataclass(frozen=True)
class Holding:
    """What a share that is kept for one moment costs: drift + 2 risk r for the r-th share kept.

    drift: expected move against the order, currency / share; risk: price of variance times the
    variance of one moment's move, currency / share^2.
    """

    drift: float = 0.0
    risk: float = 0.0


@dataclass(frozen=True, eq=False)
class Cells:
    """The shares that the band lets be left after each moment, in cells of `step` shares.

    low, high: (n,) the first cell and the one behind the last: between them lies what may be left.
    """

    low: Ints
    high: Ints
    step: float

    @classmethod
    def of(cls, band: Band, shares: float, moments: int, number: int) -> Cells:
        """About `number` cells across the band's width, none smaller than a share."""
        to_come = 1.0 - np.arange(1, moments + 1) / moments
        slack = np.minimum(band.slack, to_come)
        step = max(shares * min(2.0 * band.slack, 1.0) / number, 1.0)
        low = np.floor(np.maximum(to_come - band.slack, 0.0) * shares / step + TIE)
        high = np.ceil(np.minimum(to_come + slack, 1.0) * shares / step - TIE)
        return cls(low.astype(np.int64), high.astype(np.int64), step)

    @property
    def reach(self) -> int:
        """How many cells of a book can count at one moment."""
        before = np.append(np.ceil(self.high[0] + self.high[0] / len(self.high)), self.high[:-1])
        return max(1, int((before - self.low).max()))


@dataclass(frozen=True, eq=False)
class BooksToCome:
    """Books that may come, each as the price over mid of its cells, and the state that it is of.

    Shapes: price (D, C), never falling along a row, over the level of its moment; state (D,), 0 to
    L - 1, each at least once; transition (L, L), rows sum to 1: from the state of a moment to the
    next one's; level (n,): of each moment of the order, currency / share, above 0.

    Raises: ProblemError: shapes that do not fit, or a state without a book.
    """

    price: Floats
    state: Ints
    transition: Floats
    level: Floats

    def __post_init__(self) -> None:
        states = len(self.transition)
        if self.transition.shape != (states, states) or self.state.shape != self.price.shape[:1]:
            raise ProblemError("transition must be (L, L) and state have one entry a book")
        if set(np.unique(self.state).tolist()) != set(range(states)):
            raise ProblemError("state must name each of the L states at least once")


def cells_of(over: Floats, size: Floats, step: float, number: int) -> Floats:
    """The price at the middle of each of the first `number` cells of ladders, (D, number).

    over, size: (D, K); behind its last level a ladder goes on at that level's price.
    """
    middle = (np.arange(number) + 0.5) * step
    ends = np.cumsum(size, axis=1)
    place = np.stack([np.searchsorted(each, middle) for each in ends])
    return np.take_along_axis(over, np.minimum(place, over.shape[1] - 1), axis=1)


def waiting_slopes(
    books: BooksToCome, cells: Cells, first: int, holding: Holding | None = None
) -> list[Floats]:
    """The marginal value of waiting by moment, state and cell left, from moment `first` on.

    Entry t - first is (L, high_t - low_t), never falling along a row, currency / share: what the
    next cell kept after moment t costs later. V is infinite outside the band, so it is left out.

    Source: V_t(s, l) = E[min_x c(x) + W_t(s - x, l)], W_t(r, l) = psi_t(r) + sum_m P(l, m)
    V_{t+1}(r, m), the expectation over the books c of state l. The minimum is an infimal
    convolution: its slopes are those of c and W_t merged (Rockafellar 1970, th. 16.4).
    """
    holding = holding or Holding()
    groups = [books.price[books.state == state] for state in range(len(books.transition))]
    low, high = cells.low, cells.high
    kept = [np.empty((len(groups), int(high[-1] - low[-1])))]
    for t in range(len(low) - 1, first, -1):
        span = int(low[t - 1] - low[t]), int(high[t - 1] - low[t])
        level = books.level[t]
        value = np.stack(
            [mean_merged(level * c, w, span) for c, w in zip(groups, kept[-1], strict=True)]
        )
        middle = (np.arange(low[t - 1], high[t - 1]) + 0.5) * cells.step
        kept.append(books.transition @ value + holding.drift + 2.0 * holding.risk * middle)
    return kept[::-1]


def mean_merged(
    price: Floats, kept: Floats, span: tuple[int, int], compiled: bool = True
) -> Floats:
    """The mean over books of the span's positions in the sorted union of a book and what is kept.

    price: (D, C); kept: (n,), neither ever falling; compiled: by the kernel where there is one. A
    book that is nowhere cheaper than what is kept only follows behind it, so it is not sorted.
    """
    code = kernels("solver.compiled.merge", compiled)
    if code is not None:
        return code.mean_merged(price, kept, *span)
    end, old = span[1], len(kept)
    more = max(end - old, 0)
    top = kept[-1] if old else -np.inf
    cheap = price[:, 0] < top
    total = np.zeros(end)
    dear = price[~cheap]
    total[: min(old, end)] = len(dear) * kept[:end]
    if more:
        total[old:] = dear[:, :more].sum(axis=0)
    if cheap.any():
        some = price[cheap]
        columns = max(more, int((some[:, :end].min(axis=0) < top).sum()))
        both = np.hstack([some[:, :columns], np.broadcast_to(kept, (len(some), old))])
        both.sort(axis=1)
        total += both[:, :end].sum(axis=0)
    return total[span[0] :] / len(price)


def clairvoyant(price: Floats, cells: Cells, shares: float) -> Ints:
    """The cells taken at each moment at least cost, all books known and none depleted, (n,).

    price: (n, C), of each moment's book by cell, never falling along a row.

    Source: `waiting_slopes` with one book a moment, followed from the start.
    """
    moments, low, high = len(price), cells.low, cells.high
    kept = [np.empty(int(high[-1] - low[-1]))]
    for t in range(moments - 1, 0, -1):
        span = int(low[t - 1] - low[t]), int(high[t - 1] - low[t])
        kept.append(mean_merged(price[t : t + 1], kept[-1], span))
    left, taken = round(shares / cells.step), np.empty(moments, dtype=np.int64)
    for t, slopes in enumerate(reversed(kept)):
        room = left - int(low[t])
        both = np.concatenate([slopes, price[t, :room]])
        cheapest = np.argsort(both, kind="stable")[:room]
        taken[t] = room - int((cheapest < len(slopes)).sum())
        left -= int(taken[t])
    return taken
