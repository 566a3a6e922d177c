"""How long a snapshot stands for the book, and what stood at a time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SECOND_NS = 1_000_000_000
LIFE_NS = 300 * SECOND_NS  # how long a snapshot stands for the book when nothing follows it


@dataclass(frozen=True)
class Segments:
    """Stretches of time, in order, through which one snapshot stands within one period.

    Shapes: (m,). row: the snapshot (-1 before the first); period: the period; seconds: the length.
    """

    row: Ints
    period: Ints
    seconds: Floats


def segments(ts: Ints, edges: Ints) -> Segments:
    """Cut each snapshot's life, to the next one but at most LIFE_NS, at the periods' edges.

    ts: (n,) ns, sorted; of snapshots of one time the last stands. edges: (N+1,) ns, the periods'
    starts and the end. A book that nothing has confirmed for longer (a gap, a halt, the tape's end)
    is unknown.
    """
    ends = ts + LIFE_NS
    inside = np.concatenate([ts, ends])
    inside = inside[(inside >= edges[0]) & (inside < edges[-1])]
    cuts = np.sort(np.concatenate([inside, edges]), kind="stable")
    begin = cuts[:-1]
    row = np.searchsorted(ts, begin, side="right") - 1
    alive = begin < ends[np.maximum(row, 0)] if len(ts) else np.zeros(len(row), dtype=bool)
    return Segments(
        row=row[alive],
        period=np.minimum(np.searchsorted(edges, begin, side="right") - 1, len(edges) - 2)[alive],
        seconds=(np.diff(cuts) / SECOND_NS)[alive],
    )


def standing_rows(ts: Ints, times: Ints) -> Ints:
    """Return the snapshot that stands at each time, -1 where none has come or it is too old.

    ts: (n,) ns, sorted; of snapshots of one time the last stands, at most LIFE_NS; times: (m,) ns.
    """
    if not len(ts):
        return np.full(len(times), -1)
    row = np.searchsorted(ts, times, side="right") - 1
    return np.where((row >= 0) & (times - ts[np.maximum(row, 0)] < LIFE_NS), row, -1)


def standing_before(ts: Ints, value: Floats, times: Ints) -> Floats:
    """Return the value that stood just before each time, NaN where nothing did.

    ts: (n,) ns, sorted; value: (n,); times: any shape, ns.
    """
    if not len(ts):
        return np.full(np.shape(times), np.nan)
    row = np.searchsorted(ts, times, side="left") - 1
    return np.where(row >= 0, value[np.maximum(row, 0)], np.nan)
