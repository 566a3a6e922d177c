"""A moving book's spread and depth as a Markov chain that is known exactly at every spacing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from models.simulation.market import LEVELS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FACTORS = ("spread_fast", "spread_slow", "depth_fast", "depth_slow")


@dataclass(frozen=True)
class MovingBook:
    """What is planted in a book that moves within the minute.

    spread: ticks, depth: shares shown a side, both where every factor is 0; k: exponent of the
    walk's total cost over the best price. spread_fast, spread_slow, depth_fast, depth_slow:
    standard deviations of the logs' parts, which halve their autocorrelation every `fast` and
    `slow` seconds; correlation: of the log spread's and the log depth's part of one speed. states:
    of each factor's chain. noise: sd of the log of each level's size, drawn anew with every book.
    taken: shares missing of each share traded, of which half are back every `refill` seconds (may
    be infinite). update: mean seconds between books besides those that a state or a trade changes.

    Raises: ValueError naming the argument out of range.
    """

    spread: float = 4.0
    depth: float = 20_000.0
    k: float = 1.5
    spread_fast: float = 0.35
    spread_slow: float = 0.25
    depth_fast: float = 0.3
    depth_slow: float = 0.3
    correlation: float = -0.5
    fast: float = 8.0
    slow: float = 600.0
    states: int = 5
    noise: float = 0.3
    taken: float = 1.0
    refill: float = 5.0
    update: float = 0.25

    def __post_init__(self) -> None:
        finite = ("spread", "depth", "fast", "slow", "update")
        rules = {name: 0 < getattr(self, name) < np.inf for name in finite}
        rules |= {name: 0 <= getattr(self, name) < np.inf for name in (*FACTORS, "noise")}
        rules |= {
            "k": 1 < self.k < np.inf,
            "correlation": -1 <= self.correlation <= 1,
            "states": self.states >= 2,
            "taken": 0 <= self.taken <= 1,
            "refill": self.refill > 0,
        }
        for name, holds in rules.items():
            if not holds:
                raise ValueError(f"{name} = {getattr(self, name)}: out of range")

    @property
    def shape(self) -> tuple[int, ...]:
        """Return how many states each of `FACTORS` has: one where it moves nothing."""
        return tuple(self.states if row.any() else 1 for row in self.loadings)

    @property
    def rates(self) -> tuple[float, ...]:
        """Return the decay of each factor's autocorrelation, 1 / second."""
        fast, slow = np.log(2) / self.fast, np.log(2) / self.slow
        return (fast, slow, fast, slow)

    @property
    def loadings(self) -> Floats:
        """Return what each factor, of variance 1, adds to (log spread, log depth): (4, 2).

        The depth's own factors are the part of it that does not go with the spread's.
        """
        along, own = self.correlation, np.sqrt(1 - self.correlation**2)
        return np.array(
            [
                [self.spread_fast, along * self.depth_fast],
                [self.spread_slow, along * self.depth_slow],
                [0.0, own * self.depth_fast],
                [0.0, own * self.depth_slow],
            ]
        )

    @property
    def weights(self) -> Floats:
        """Return each level's part of the depth, (LEVELS,): walking them costs a power k of shares.

        Level j stands j ticks behind the best.
        """
        ends = (np.arange(LEVELS + 1) / LEVELS) ** (1 / (self.k - 1))
        return np.diff(ends)

    def spread_and_depth(self, levels: Ints) -> tuple[Ints, Floats]:
        """Return the spread (ticks, at least 1) and mean depth (shares a side) of factor levels.

        levels: (n, 4), from 0; shapes (n,). The depth is that before trades took from it.
        """
        top = np.array(self.shape) - 1
        standard = (2 * levels - top) / np.sqrt(np.maximum(top, 1))
        spread, depth = (standard @ self.loadings).T
        ticks = np.maximum(np.rint(self.spread * np.exp(spread)), 1).astype(np.int64)
        return ticks, self.depth * np.exp(depth)


@dataclass(frozen=True, eq=False)
class BookChain:
    """The joint states of a moving book's factors. Shapes: (S, 4), (S,).

    levels: of `FACTORS`, from 0; spread: ticks; depth: shares a side on average over the levels'
    noise, before trades took from it; stationary: chances.
    """

    book: MovingBook
    levels: Ints
    spread: Ints
    depth: Floats
    stationary: Floats

    def transition(self, seconds: float) -> Floats:
        """Return the chances of going from state to state in that time, (S, S), exactly."""
        return _kronecker(self.factor_transitions(seconds))

    def factor_transitions(self, seconds: float) -> tuple[Floats, ...]:
        """Return each factor's own chances, of which the joint ones are the Kronecker product."""
        pairs = zip(self.book.shape, self.book.rates, strict=True)
        return tuple(expm(generator(states, rate) * seconds) for states, rate in pairs)

    def state_of(self, levels: Ints) -> Ints:
        """Return the joint state of factor levels, (n, 4) -> (n,)."""
        return np.ravel_multi_index(tuple(levels.T), self.book.shape).astype(np.int64)

    def autocorrelation(self, values: Floats, seconds: float) -> float:
        """Return the autocorrelation of a function of the state, (S,); NaN if constant."""
        away = values - self.stationary @ values
        variance = self.stationary @ away**2
        later = away.reshape(self.book.shape)
        for axis, one in enumerate(self.factor_transitions(seconds)):
            later = np.moveaxis(np.tensordot(one, later, axes=(1, axis)), 0, axis)
        product = self.stationary @ (away * later.ravel())
        return float(product / variance) if variance > 0 else float("nan")


def chain_of(book: MovingBook) -> BookChain:
    """Return the chain that a moving book follows."""
    levels = np.indices(book.shape).reshape(len(FACTORS), -1).T
    spread, depth = book.spread_and_depth(levels)
    chances = _kronecker([binomial(states) for states in book.shape])
    return BookChain(book, levels, spread, depth, chances)


def _kronecker(parts: Sequence[Floats]) -> Floats:
    product = parts[0]
    for part in parts[1:]:
        product = np.asarray(np.kron(product, part), dtype=np.float64)
    return product


def generator(states: int, rate: float) -> Floats:
    """Return the rates of a factor's chain, (states, states), 1 / second.

    From j of n = states - 1 it goes up at rate (n - j) / 2, down at rate j / 2: j - n/2 is an
    eigenvector, so that the level's autocorrelation is exp(-rate t) exactly.
    Source: the urn of P. and T. Ehrenfest 1907 in continuous time; at a spacing it is the chain of
    Rouwenhorst (Kopecky, Suen 2010, sec. 2).
    """
    level, top = np.arange(states), states - 1
    moves = np.diag((top - level[:-1]) / 2, 1) + np.diag(level[1:] / 2, -1)
    return np.asarray(rate * (moves - np.diag(moves.sum(axis=1))))


def binomial(states: int) -> Floats:
    """Return the stationary chances of a factor's levels, (states,)."""
    row = np.ones(1)
    for _ in range(states - 1):
        row = np.convolve(row, [0.5, 0.5])
    return row
