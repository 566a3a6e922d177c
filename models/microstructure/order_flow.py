"""How a book flows: the imbalance of what its two sides gain and lose."""

import numpy as np
from numpy.typing import NDArray

from models.microstructure.book import Book

Floats = NDArray[np.float64]


def order_flow_imbalance(book: Book) -> Floats:
    """Return each snapshot's order-flow imbalance by level, shares, (n, L).

    The first snapshot's is 0, and so is that into and out of a book of which nothing is known.
    Source: Cont, Kukanov, Stoikov 2014, "The price impact of order book events", eq. (4), for the
    best level; Cont, Cucuringu, Zhang 2023, "Cross-impact of order flow imbalance in equity
    markets", eq. (1), for deeper ones.
    """
    # an empty level lies beyond any price
    bid = np.where(np.isnan(book.bid_px), -np.inf, book.bid_px)
    ask = np.where(np.isnan(book.ask_px), np.inf, book.ask_px)
    flow = np.zeros_like(book.bid_sz)
    flow[1:] = (
        np.where(bid[1:] >= bid[:-1], book.bid_sz[1:], 0.0)
        - np.where(bid[1:] <= bid[:-1], book.bid_sz[:-1], 0.0)
        - np.where(ask[1:] <= ask[:-1], book.ask_sz[1:], 0.0)
        + np.where(ask[1:] >= ask[:-1], book.ask_sz[:-1], 0.0)
    )
    known = np.isfinite(bid[:, 0]) | np.isfinite(ask[:, 0])
    flow[1:][~(known[1:] & known[:-1])] = 0.0
    return flow
