"""The trades of a tape and how the mid moves after them, summed up by block of time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.microstructure.columns import check_columns
from models.microstructure.standing import LIFE_NS, SECOND_NS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LAGS = np.array([0.1, 1.0, 5.0, 10.0])  # seconds after a trade at which the mid is looked at
COUNTS = ("n", "still", "late", "unseen")
MOMENTS = ("qq", "qf", "ff", "qy", "fy", "yy")


@dataclass(frozen=True, eq=False)
class TradeTape:
    """The mid and the trades of one symbol-day.

    ts: (n,) ns, sorted, and mid: (n,) that stands from then on, NaN where a side is empty;
    trade_ts: (m,) ns, sorted, trade_size: (m,) shares, aggressor: (m,) +1 buyer, -1 seller, 0
    unknown.

    Raises: ValueError naming the field.
    """

    ts: Ints
    mid: Floats
    trade_ts: Ints
    trade_size: Floats
    aggressor: Ints

    def __post_init__(self) -> None:
        check_columns(self, ("ts", "mid"), ("trade_ts", "trade_size", "aggressor"))


@dataclass(frozen=True, eq=False)
class ImmediateSums:
    """What the fit needs of a tape, one row a block and lag.

    Blocks of time add up. Shapes: (rows,). lag: seconds; n: trades looked at, still: of those, the
    trades with no move of the mid; late: left out because the block had ended by then; unseen:
    because no mid stood before the trade or at the look; undirected: prints of unknown side, in no
    sum; then sums of squares and products of q the trade's signed size, f the signed volume that
    followed it (shares) and y the change of the mid (currency / share).
    """

    block: Ints
    lag: Floats
    n: Ints
    still: Ints
    late: Ints
    unseen: Ints
    undirected: Ints
    qq: Floats
    qf: Floats
    ff: Floats
    qy: Floats
    fy: Floats
    yy: Floats


def immediate_sums(tape: TradeTape, edges: Ints, longest: float = LAGS[-1]) -> ImmediateSums:
    """Return the sums of one tape, block by block.

    A block uses nothing that happened after its end. edges: (B+1,) ns, the blocks' starts and the
    end; longest: seconds, longer lags are cut to it. Prints of one time and side are one trade; the
    other side's at that time counts as later flow.
    """
    lags = np.unique(np.minimum(LAGS, longest))
    times, signed = _trades(tape, edges)
    block = np.searchsorted(edges, times, side="right") - 1
    looks = times[:, None] + np.rint(lags * SECOND_NS).astype(np.int64)
    late = looks >= edges[block + 1][:, None]
    change = _mid_at(tape, looks) - _mid_at(tape, times - 1)[:, None]
    used = ~late & np.isfinite(change)
    total = np.append(0.0, np.cumsum(signed))
    first = np.searchsorted(times, times, side="left")
    since = total[np.searchsorted(times, looks, side="right")] - total[first][:, None]
    q = np.where(used, signed[:, None], 0.0)
    f, y = np.where(used, since - signed[:, None], 0.0), np.where(used, change, 0.0)

    blocks = len(edges) - 1

    def by_block(value: NDArray[np.generic]) -> Floats:
        return np.array([np.bincount(block, column, blocks) for column in value.T]).T.ravel()

    counts = (used, used & (y == 0), late, ~late & ~used)
    n, still, out, unseen = (by_block(value).astype(np.int64) for value in counts)
    sideless = np.diff(np.searchsorted(tape.trade_ts[tape.aggressor == 0], edges))
    qq, qf, ff, qy, fy, yy = map(by_block, (q * q, q * f, f * f, q * y, f * y, y * y))
    return ImmediateSums(
        block=np.repeat(np.arange(blocks), len(lags)),
        lag=np.tile(lags, blocks),
        n=n,
        still=still,
        late=out,
        unseen=unseen,
        undirected=np.repeat(sideless.astype(np.int64), len(lags)),
        qq=qq,
        qf=qf,
        ff=ff,
        qy=qy,
        fy=fy,
        yy=yy,
    )


def _trades(tape: TradeTape, edges: Ints) -> tuple[Ints, Floats]:
    """Return the time and signed size of every directed trade within the edges, in time order."""
    inside = (tape.trade_ts >= edges[0]) & (tape.trade_ts < edges[-1])
    directed = inside & (tape.aggressor != 0)
    ts, side = tape.trade_ts[directed], tape.aggressor[directed].astype(np.int64)
    order = np.lexsort((side, ts))
    ts, side, size = ts[order], side[order], tape.trade_size[directed][order]
    starts = (np.diff(ts, prepend=-1) != 0) | (np.diff(side, prepend=0) != 0)
    trade = np.cumsum(starts) - 1
    return ts[starts], side[starts] * np.bincount(trade, size, int(starts.sum()))


def _mid_at(tape: TradeTape, times: Ints) -> Floats:
    """Return the mid that stands at each time, NaN where none does or it is out of date."""
    if not len(tape.ts):
        return np.full(times.shape, np.nan)
    row = np.searchsorted(tape.ts, times, side="right") - 1
    alive = (row >= 0) & (times - tape.ts[row] < LIFE_NS)
    return np.where(alive, tape.mid[row], np.nan)
