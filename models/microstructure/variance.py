"""Realized variance of the mid, period by period."""

import numpy as np
from numpy.typing import NDArray

from models.microstructure.standing import SECOND_NS, standing_before

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
RETURN_NS = 10 * SECOND_NS  # longer than bid-ask bounce and quote flicker, six to a minute
GRID_NS = SECOND_NS
ROUNDING = 1e-12  # of the mid


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
    change = level[:, lag:] - level[:, :-lag]
    # a mid of other prices that is the same number may differ in its last bit: no move
    square = np.where(np.abs(change) > ROUNDING * np.abs(level[:, lag:]), change, 0 * change) ** 2
    known = np.isfinite(square)
    count = known.sum(axis=1)
    overlap = count.astype(np.float64)
    for shift in range(1, min(lag, known.shape[1])):
        overlap += 2 * (1 - shift / lag) ** 2 * (known[:, shift:] & known[:, :-shift]).sum(axis=1)
    total = np.where(known, square, 0.0).sum(axis=1)
    some = np.maximum(count, 1)
    variance = np.where(count > 0, total / some * (length / span), np.nan)
    return variance, np.where(count > 0, count**2 / np.maximum(overlap, 1.0), 0.0)
