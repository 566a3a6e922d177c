"""How displayed depth moves after trades that took it, summed up by block of time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.microstructure.columns import check_columns
from models.microstructure.standing import SECOND_NS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LAGS = np.geomspace(0.01, 120.0, 12)  # seconds after a trade at which the book is looked at
HALF_LIVES = np.geomspace(0.05, 300.0, 20)  # seconds, the candidates
GONE = 40  # half-lives after which nothing is left of a hole in double precision


@dataclass(frozen=True, eq=False)
class DepthTape:
    """Displayed depth of both sides and the trades, of one symbol-day.

    ts: (n,) ns, sorted, and bid, ask: (n,) shares displayed from then on, NaN while the book is
    not known; trade_ts: (m,) ns,
    sorted, trade_size: (m,) shares, aggressor: (m,) +1 buyer, -1 seller, 0 unknown.

    Raises: ValueError naming the field.
    """

    ts: Ints
    bid: Floats
    ask: Floats
    trade_ts: Ints
    trade_size: Floats
    aggressor: Ints

    def __post_init__(self) -> None:
        check_columns(self, ("ts", "bid", "ask"), ("trade_ts", "trade_size", "aggressor"))


@dataclass(frozen=True, eq=False)
class RefillSums:
    """What the fit needs of a tape, one row a block, lag and candidate half-life.

    Blocks of time add up. Shapes: (rows,). lag, half_life: seconds; n: changes of depth looked at;
    without h their sums of squares and products, shares^2: y the change of depth, bid over ask,
    from just before a trade, q the signed volume since then, h the change of the hole that all
    trades so far have left if it closes with that half-life. late: looks left out because the block
    had ended by then; unseen: because no quote came before the trade, none from it to the look, or
    the book was not known at either.
    """

    block: Ints
    lag: Floats
    half_life: Floats
    n: Ints
    late: Ints
    unseen: Ints
    yy: Floats
    qq: Floats
    qy: Floats
    hh: Floats
    hq: Floats
    hy: Floats


def refill_sums(tape: DepthTape, edges: Ints) -> RefillSums:
    """Return the sums of one tape, block by block.

    A block uses nothing that happened after its end. edges: (B+1,) ns, the blocks' starts and the
    end. Trades of one time are one, at their net volume; trades of unknown side are no part of it.
    The opposite side is the control: what moves both sides cancels.
    Source: the impulse response of depth, as in Large 2007, "Measuring the resiliency of an
    electronic limit order book", with the exponential kernel of Obizhaeva, Wang 2013, eq. (5).
    """
    times, signed = _events(tape, edges)
    block = np.searchsorted(edges, times, side="right") - 1
    looks = times[:, None] + (LAGS * SECOND_NS).astype(np.int64)
    skew = tape.bid - tape.ask
    before = np.searchsorted(tape.ts, times, side="left") - 1
    row = np.searchsorted(tape.ts, looks, side="right") - 1
    late = looks >= edges[block + 1][:, None]
    unseen = ~late & (
        (row < np.searchsorted(tape.ts, times, side="left")[:, None]) | (before < 0)[:, None]
    )
    change = skew[row] - skew[before][:, None] if len(tape.ts) else np.full(looks.shape, np.nan)
    unseen |= ~late & ~np.isfinite(change)
    used = ~(unseen | late)
    change = np.where(used, change, 0.0)
    last = np.searchsorted(times, looks, side="right") - 1
    volume = np.cumsum(signed)
    since = np.where(used, volume[last] - (volume - signed)[:, None], 0.0)
    gap = np.where(used, (looks - times[last]) / SECOND_NS, 0.0)

    def by_block(value: NDArray[np.generic]) -> Floats:
        return np.stack([np.bincount(block, column, len(edges) - 1) for column in value.T], axis=-1)

    counts = [by_block(value) for value in (used, late, unseen)]
    squares = [by_block(value) for value in (change**2, since**2, since * change)]
    holed = np.empty((3, len(HALF_LIVES), len(edges) - 1, len(LAGS)))
    for place, half_life in enumerate(HALF_LIVES):
        hole = _holes((times - edges[0]) / SECOND_NS, signed, half_life)
        moved = np.where(
            used, hole[last] * np.exp2(-gap / half_life) - (hole - signed)[:, None], 0.0
        )
        holed[:, place] = [by_block(value) for value in (moved**2, moved * since, moved * change)]
    return _table(counts, squares, holed)


def _events(tape: DepthTape, edges: Ints) -> tuple[Ints, Floats]:
    """Return the times of directed trades within the edges and each time's net volume.

    Volume is positive where it took from the bid.
    """
    directed = (tape.aggressor != 0) & (tape.trade_ts >= edges[0]) & (tape.trade_ts < edges[-1])
    times, place = np.unique(tape.trade_ts[directed], return_inverse=True)
    signed = -np.bincount(place, (tape.aggressor * tape.trade_size)[directed], len(times))
    return times[signed != 0], signed[signed != 0]


def _holes(seconds: Floats, signed: Floats, half_life: float) -> Floats:
    """Return what is missing just after each event, its volume halving every half_life.

    By doubling: each round adds twice as many earlier events.
    """
    hole, step = signed.astype(np.float64), 1
    while step < len(hole):
        passed = (seconds[step:] - seconds[:-step]) / half_life
        if passed.min() > GONE:
            break
        hole[step:] = hole[step:] + np.exp2(-passed) * hole[:-step]
        step *= 2
    return hole


def _table(counts: list[Floats], squares: list[Floats], holed: Floats) -> RefillSums:
    """Lay (block, lag) and (half-life, block, lag) out as rows."""
    blocks, candidates = len(counts[0]), len(HALF_LIVES)
    n, late, unseen = (np.repeat(value.ravel(), candidates).astype(np.int64) for value in counts)
    yy, qq, qy = (np.repeat(value.ravel(), candidates) for value in squares)
    hh, hq, hy = (np.moveaxis(value, 0, -1).ravel() for value in holed)
    return RefillSums(
        block=np.repeat(np.arange(blocks), len(LAGS) * candidates),
        lag=np.tile(np.repeat(LAGS, candidates), blocks),
        half_life=np.tile(HALF_LIVES, blocks * len(LAGS)),
        n=n,
        late=late,
        unseen=unseen,
        yy=yy,
        qq=qq,
        qy=qy,
        hh=hh,
        hq=hq,
        hy=hy,
    )
