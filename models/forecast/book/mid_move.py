"""The mid's expected move over the next seconds, from the sizes at the best prices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.inference.covariance import ClusterSums, jackknifed
from models.microstructure.book import Book
from models.microstructure.standing import SECOND_NS, standing_rows
from solver.execution import book_pressure

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
HORIZON = 30  # seconds over which the mid's move is forecast
LEAST_BLOCKS = 10  # from which on a slope is told from chance, half of them out of sample


@dataclass(frozen=True, eq=False)
class BookMoves:
    """A book's pressure at some times, and how the mid moved after them. Shapes: (n,).

    pressure: imbalance of the best sizes x half spread, the weighted mid less the mid, and move: of
    the mid over `HORIZON`, currency / share, NaN where either is not known.
    """

    pressure: Floats
    move: Floats


@dataclass(frozen=True)
class MidMoveFit:
    """The slope of the mid's move on the book's pressure, and what is left of it.

    slope: what a forecast should use, the estimate shrunk by its error, 0 where it does not predict
    out of sample; estimate, standard_error: of all blocks; r2_out_of_sample, r2_error: of the later
    half of the blocks, by the shrunk slope of the earlier half, against no move at all. NaN below
    `LEAST_BLOCKS` blocks or without any pressure. n: times used; excluded: times not known.
    """

    slope: float
    estimate: float
    standard_error: float
    r2_out_of_sample: float
    r2_error: float
    blocks: int
    n: int
    excluded: int


def book_moves(ts: Ints, book: Book, times: Ints) -> BookMoves:
    """Return the pressure of the book that stood at each time and the move of the mid after it.

    ts: (n,) ns, sorted; book: of them, its best level; times: (m,) ns.
    """
    now, later = (_standing(ts, book.mid, each) for each in (times, times + HORIZON * SECOND_NS))
    pressure = book_pressure(book.imbalance, book.ask_px[:, 0] - book.bid_px[:, 0])
    return BookMoves(_standing(ts, pressure, times), later - now)


def _standing(ts: Ints, value: Floats, times: Ints) -> Floats:
    row = standing_rows(ts, times)
    found = np.full(len(times), np.nan)
    found[row >= 0] = value[row[row >= 0]]
    return found


def fit_mid_move(moves: BookMoves, block: Ints) -> MidMoveFit:
    """Return the slope through the origin: no pressure moves nothing, and buys mirror sells.

    block: (n,) labels, later ones larger; moves may depend on each other within blocks. The slope
    is shrunk by max(0, 1 - error^2 / slope^2), and 0 where the out-of-sample R^2 is not above its
    own error.

    Source: Stoikov (2018), "The micro-price: a high-frequency estimator of future prices", for the
    weighted mid, which is slope 1; James, Stein (1961), positive part, for the shrinkage.
    """
    known = np.isfinite(moves.pressure) & np.isfinite(moves.move)
    labels, place = np.unique(block[known], return_inverse=True)
    products = (moves.pressure**2, moves.pressure * moves.move, moves.move**2)
    xx, xy, yy = (
        np.bincount(place, each[known], len(labels)).astype(np.float64) for each in products
    )
    blocks, n = len(labels), int(known.sum())
    unknown = MidMoveFit(0.0, *(np.nan,) * 4, blocks=blocks, n=n, excluded=len(known) - n)
    half = blocks // 2
    if blocks < LEAST_BLOCKS or not (xx[:half].any() and xx[half:].any() and yy[half:].any()):
        return unknown
    early = _shrunk(*_slope(xx[:half], xy[:half]))
    r2, r2_error = _ratio(2 * early * xy[half:] - early**2 * xx[half:], yy[half:])
    estimate, error = _slope(xx, xy)
    slope = _shrunk(estimate, error) if r2 > r2_error else 0.0
    return MidMoveFit(slope, estimate, error, r2, r2_error, blocks, n, unknown.excluded)


def _slope(xx: Floats, xy: Floats) -> tuple[float, float]:
    """Return the slope from sums by block, and its jackknifed error."""
    slope = float(xy.sum() / xx.sum())
    power = xx[:, None, None]
    sums = ClusterSums(np.arange(len(xx)), (xy - slope * xx)[:, None], -power, power)
    return slope, float(np.sqrt(jackknifed(sums, np.eye(1)).covariance[0, 0]))


def _shrunk(slope: float, error: float) -> float:
    return slope * max(0.0, 1.0 - (error / slope) ** 2) if slope else 0.0


def _ratio(part: Floats, whole: Floats) -> tuple[float, float]:
    """Return a ratio of sums by block and its linearised error (Cochran 1977, 6.4)."""
    ratio = float(part.sum() / whole.sum())
    apart = (part - ratio * whole) / whole.sum()
    return ratio, float(np.sqrt(len(whole) / (len(whole) - 1) * (apart**2).sum()))
