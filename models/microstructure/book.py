"""Order-book measurements: how long a book stands, what walking it costs, and how it flows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NS = 1_000_000_000
LIFE_NS = 300 * NS  # how long a snapshot stands for the book when nothing follows it
RETURN_NS = 10 * NS  # longer than bid-ask bounce and quote flicker, six to a minute
GRID_NS = NS


@dataclass(frozen=True)
class Book:
    """Snapshots of a book, best level first.

    Shapes: bid_px, bid_sz, ask_px, ask_sz (n, L). An empty level has price NaN and size 0.
    """

    bid_px: Floats
    bid_sz: Floats
    ask_px: Floats
    ask_sz: Floats

    @property
    def mid(self) -> Floats:
        """Return the mid price, shape (n,); NaN where a side is empty."""
        return (self.bid_px[:, 0] + self.ask_px[:, 0]) / 2


@dataclass(frozen=True)
class Segments:
    """Stretches of time, in order, through which one snapshot stands within one period.

    Shapes: (m,). row: the snapshot (-1 before the first); period: the period; seconds: the length.
    """

    row: Ints
    period: Ints
    seconds: Floats


def segments(ts: Ints, edges: Ints) -> Segments:
    """Cut each snapshot's life, from its time to the next one's but at most LIFE_NS, at the edges
    of the periods.

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
        seconds=(np.diff(cuts) / NS)[alive],
    )


def walk(price: Floats, size: Floats, wanted: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the cost above the best price of each wanted size, the displayed depth, and the cost
    of it all.

    price, size: (n, L), one side of the book; wanted: (S,) shares. Returns (n, S), (n,), (n,):
    currency, shares, currency. A size beyond the depth is given the cost of the whole depth: a
    lower bound, which the caller treats as censored.
    """
    away = np.nan_to_num(np.abs(price - price[:, :1]), nan=0.0)
    reach = np.cumsum(size, axis=1)
    before = reach - size
    cost = np.empty((len(price), len(wanted)))
    for column, shares in enumerate(wanted):
        cost[:, column] = (away * np.clip(shares - before, 0.0, size)).sum(axis=1)
    return cost, reach[:, -1], (away * size).sum(axis=1)


def order_flow_imbalance(book: Book) -> Floats:
    """Return each snapshot's order-flow imbalance by level, shares, shape (n, L); the first one's
    is 0.

    Source: Cont, Kukanov, Stoikov 2014, "The price impact of order book events", eq. (4), for the
    best level; Cont, Cucuringu, Zhang 2023, "Cross-impact of order flow imbalance in equity
    markets", eq. (1), for deeper ones.
    """
    bid = np.where(
        np.isnan(book.bid_px), -np.inf, book.bid_px
    )  # an empty level lies beyond any price
    ask = np.where(np.isnan(book.ask_px), np.inf, book.ask_px)
    flow = np.zeros_like(book.bid_sz)
    flow[1:] = (
        np.where(bid[1:] >= bid[:-1], book.bid_sz[1:], 0.0)
        - np.where(bid[1:] <= bid[:-1], book.bid_sz[:-1], 0.0)
        - np.where(ask[1:] <= ask[:-1], book.ask_sz[1:], 0.0)
        + np.where(ask[1:] >= ask[:-1], book.ask_sz[:-1], 0.0)
    )
    return flow


def standing_before(ts: Ints, value: Floats, times: Ints) -> Floats:
    """Return the value that stood just before each time, NaN where nothing did.

    ts: (n,) ns, sorted; value: (n,); times: any shape, ns.
    """
    row = np.searchsorted(ts, times, side="left") - 1
    return np.where(row >= 0, value[np.maximum(row, 0)], np.nan)


def realized_variance(ts: Ints, mid: Floats, edges: Ints) -> tuple[Floats, Floats]:
    """Return each period's realized variance and the effective number of squared returns behind it.

    ts, mid: (n,); edges: (N+1,) ns. Returns (N,), currency^2 a period, and (N,). Ten-second changes
    of the standing mid at every one-second offset, their mean square scaled to the length of the
    period. A change with no mid at one end is missing: left out of the mean and the number (NaN and
    0 if all are). The number is that of independent Gaussian returns with the same sampling
    variance, given the overlap.
    Source: Zhang, Mykland, Ait-Sahalia 2005, "A tale of two time scales", section 3.2 (subsampling,
    averaging).
    """
    length = np.diff(edges)
    span = int(min(RETURN_NS, length[0]))
    offsets = np.arange(0, int(length[0]) + 1, min(GRID_NS, span), dtype=np.int64)
    lag = span // min(GRID_NS, span)
    times = edges[:-1, None] + offsets
    level = np.where(times <= edges[1:, None], standing_before(ts, mid, times), np.nan)
    square = (level[:, lag:] - level[:, :-lag]) ** 2
    known = np.isfinite(square)
    count = known.sum(axis=1)
    overlap = count.astype(np.float64)
    for shift in range(1, min(lag, known.shape[1])):
        overlap += 2 * (1 - shift / lag) ** 2 * (known[:, shift:] & known[:, :-shift]).sum(axis=1)
    total = np.where(known, square, 0.0).sum(axis=1)
    some = np.maximum(count, 1)
    variance = np.where(count > 0, total / some * (length / span), np.nan)
    return variance, np.where(count > 0, count**2 / np.maximum(overlap, 1.0), 0.0)
