"""One period's minimisation over trades, by the shape of its cost: O(S log S) where it is convex or
concave by pieces.

For states s and shares left r, the matrix phi(s - r) + after(r) has the Monge property on a band
where phi is convex, so its row minima move one way; where phi is concave the property is reversed
and the best r is kept on a stack.

Source: Aggarwal, Klawe, Moran, Shor, Wilber (1987), "Geometric applications of a matrix-searching
algorithm"; Galil, Park (1992), "Dynamic programming with convexity, concavity and sparsity".
"""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np

from solver.lattice.lattice import Piece, Policy, Row, dense_row
from solver.problem.laws import Floats, Ints

MOST_PIECES = 6  # beyond this many the dense row is as good
SMALL = 48  # rows narrower than this are not worth splitting


def table_pieces(phi: Floats, least: int) -> list[Piece]:
    """Split least..len(phi)-1 into the fewest runs on which phi is convex or concave, left to
    right.
    """
    bends = np.sign(np.diff(phi[least:], 2))
    pieces: list[Piece] = []
    first, last = least, phi.size - 1
    while first <= last:
        ahead = bends[first - least :]
        turned = np.flatnonzero(ahead < 0.0) if ahead.size else ahead
        stop_convex = int(turned[0]) if turned.size else ahead.size
        bent = np.flatnonzero(ahead > 0.0) if ahead.size else ahead
        stop_concave = int(bent[0]) if bent.size else ahead.size
        convex = stop_convex >= stop_concave
        end = min(last, first + 1 + max(stop_convex, stop_concave))
        pieces.append(Piece(first, end, convex))
        first = end + 1
        if len(pieces) > MOST_PIECES:
            break
    return pieces


def needs_code(row: Row, pieces: list[Piece]) -> bool:
    """Whether the row is fast only compiled: its concave pieces go by a stack, which NumPy has no
    steps for.
    """
    few = row.move is None and len(pieces) <= MOST_PIECES and row.phi.size - row.least >= SMALL
    return few and any(not piece.convex for piece in pieces)


def solve_row(row: Row, pieces: list[Piece], code: ModuleType | None) -> tuple[Floats, Policy]:
    """Solve one period by its pieces, or densely where that is not possible or not worth it.

    Shapes: values and trades (high - low + 1,).
    """
    width = row.phi.size - row.least
    if (
        row.move is not None
        or len(pieces) > MOST_PIECES
        or width < SMALL
        or (code is None and needs_code(row, pieces))
    ):
        return dense_row(row)
    values = np.full(row.high - row.low + 1, np.inf)
    trades = np.zeros(values.size, dtype=np.int32)
    for piece in pieces:
        if code is not None:
            kernel = code.convex_band if piece.convex else code.concave_band
            window = (piece.first, piece.last, row.after_low, row.low, row.high)
            kernel(row.phi, row.after, np.array(window), values, trades)
        else:
            _convex_band(
                replace(row, phi=row.phi[: piece.last + 1], least=piece.first), values, trades
            )
    return values, trades


def _convex_band(row: Row, values: Floats, trades: Policy) -> None:
    """Improve values and trades by the trades of a convex piece, halving the stride between solved
    rows each level.
    """
    top = row.after_low + row.after.size - 1
    first = max(row.low, row.after_low + row.least)
    last = min(row.high, top + row.phi.size - 1)
    if first > last:
        return
    count = last - first + 1
    states = np.arange(first, last + 1)
    begin = np.maximum(states - (row.phi.size - 1), row.after_low)
    end = np.minimum(states - row.least, top)
    at, best = np.zeros(count, dtype=np.int64), np.empty(count)
    stride = 1 << (count - 1).bit_length()
    solved = np.zeros(0, dtype=np.int64)
    while stride >= 1:
        todo = (
            np.arange(0, count, stride) if not solved.size else np.arange(stride, count, 2 * stride)
        )
        a, b = begin[todo], end[todo]
        if solved.size:
            before = todo - stride
            after = np.minimum(todo + stride, count)
            a = np.maximum(a, at[before])
            b = np.minimum(b, np.where(after < count, at[np.minimum(after, count - 1)], top))
        at[todo], best[todo] = _scan(row, states[todo], a, b)
        solved = todo
        stride //= 2
    here = slice(first - row.low, last - row.low + 1)
    better = best < values[here]
    values[here] = np.where(better, best, values[here])
    trades[here] = np.where(better, states - at, trades[here])


def _scan(row: Row, states: Ints, begin: Ints, end: Ints) -> tuple[Ints, Floats]:
    """The best r in begin..end of each state and its cost, all states' candidates laid end
    to end.
    """
    lengths = end - begin + 1
    offsets = np.cumsum(lengths) - lengths
    left = np.arange(int(lengths.sum())) + np.repeat(begin - offsets, lengths)
    cost = row.phi[np.repeat(states, lengths) - left] + row.after[left - row.after_low]
    least = np.minimum.reduceat(cost, offsets)
    hits = np.flatnonzero(cost == np.repeat(least, lengths))
    owner = np.searchsorted(offsets, hits, side="right") - 1
    chosen = np.empty(states.size, dtype=np.int64)
    chosen[owner] = left[hits]  # the last hit of a state wins: ties go to the smallest trade
    return chosen, least
