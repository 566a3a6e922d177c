"""Stretches of a day in which nothing happens, where the times beside them say that much would."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
MINUTE_NS = 60_000_000_000
BESIDE = 60  # minutes before and after a stretch that tell how busy it should have been
EXPECTED = 20.0  # busy minutes in a stretch from which on its silence is no chance


def silences(ts: Ints, stretches: tuple[tuple[int, int], ...], end: int) -> list[tuple[int, int]]:
    """Return the stretches of time, (start, end) ns, in which nothing happened but should have.

    ts: (n,) ns, sorted; stretches: (start, end) ns, when the market is open; end: ns, up to which
    the day is known. A minute is busy when something happened in it; a silence is told from chance
    where the calmer of the hours before and after it would have had 20 busy minutes meanwhile.
    """
    found = []
    for opens, closes in stretches:
        closes = min(closes, end)
        inside = ts[(ts >= opens) & (ts < closes)]
        if not len(inside):
            continue
        minutes = np.arange(opens, closes + MINUTE_NS, MINUTE_NS)
        busy = np.diff(np.searchsorted(inside, minutes)) > 0
        edges = np.concatenate([[opens], inside, [closes]])
        for place in np.flatnonzero(np.diff(edges) > EXPECTED * MINUTE_NS):
            start, stop = int(edges[place]), int(edges[place + 1])
            first, last = (start - opens) // MINUTE_NS, -((opens - stop) // MINUTE_NS)
            beside = [
                busy[max(first + 1 - BESIDE, 0) : first + 1],
                busy[last - 1 : last - 1 + BESIDE],
            ]
            shares = [each.mean() for each in beside if len(each) >= EXPECTED]
            if shares and min(shares) * (last - first - 1) >= EXPECTED:
                found.append((start, stop))
    return found
