"""The order sizes that a book can tell the cost of: quantiles of the depth it shows."""

import numpy as np
from numpy.typing import NDArray

from models.impact.book.walks import MOST_CENSORED

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
RUNGS = 20  # a decade: sizes are numbers of this series, so that a day more seldom moves them
SERIES = (
    1,
    1.12,
    1.25,
    1.4,
    1.6,
    1.8,
    2,
    2.24,
    2.5,
    2.8,
    3.15,
    3.55,
    4,
    4.5,
    5,
    5.6,
    6.3,
    7.1,
    8,
    9,
)
MOST_SIZES = 9  # of those that the book shows
BEYOND = (3, 6, 9, 12)  # rungs: 1.4, 2, 2.8 and 4 times the largest size shown
NEAR = 2  # rungs that an end may move by before the sizes of before go
BINS = 40  # a decade, of the depth's distribution


def depth_bins(depth: Floats) -> Ints:
    """Return the bin of each depth, shares, in a distribution on a logarithmic scale."""
    return np.floor(BINS * np.log10(depth) + 1e-9).astype(np.int64)


def size_grid(
    best: dict[int, float], whole: dict[int, float], before: tuple[float, ...] = ()
) -> tuple[float, ...]:
    """Return the sizes, shares, at which walks are measured, rising.

    best, whole: seconds by bin of `depth_bins`, of the shares at the best price and of all the
    depth shown, a side. From the median of the first (or half of the end, where that is less) to
    what the second held 80 % of the time, the sizes that the law is fitted on; then four beyond.
    before: sizes of an earlier time, which stay while both ends are within `NEAR` rungs of theirs,
    so that what was measured at them need not be measured again.
    Raises: ValueError when there is no time.
    """
    high = _quantile(whole, MOST_CENSORED)
    low = min(_quantile(best, 0.5), high / 2)
    first, last = _rung(low), _rung(high)
    if before and _near(first, before[0]) and _near(last, before[-1 - len(BEYOND)]):
        return before
    number = min(MOST_SIZES, last - first + 1)
    rungs = np.unique(np.round(np.linspace(first, last, number)).astype(np.int64))
    return tuple(_size(rung) for rung in (*rungs, *(last + step for step in BEYOND)))


def _quantile(seconds: dict[int, float], share: float) -> float:
    bins = np.array(sorted(seconds))
    held = np.cumsum([seconds[each] for each in bins])
    if not len(bins) or not held[-1] > 0:
        raise ValueError("depth: no time with a book, there is nothing to choose sizes from")
    return float(10.0 ** (bins[np.searchsorted(held, share * held[-1])] / BINS))


def _near(rung: int, size: float) -> bool:
    return abs(rung - _rung(size)) <= NEAR


def _rung(size: float) -> int:
    """Return the largest rung at most that size."""
    guess = int(np.floor(RUNGS * np.log10(size)))
    return max(rung for rung in (guess - 1, guess, guess + 1) if _size(rung) <= size * (1 + 1e-9))


def _size(rung: int) -> float:
    decade, step = divmod(int(rung), RUNGS)
    return float(f"{SERIES[step]}e{decade}")
