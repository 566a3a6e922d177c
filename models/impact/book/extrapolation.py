"""What the book says of a cost law beyond the sizes it showed, and of its form within them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.impact.book.walks import MOST_CENSORED
from solver.problem.extrapolation import Extrapolation

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
WALKS = (0.025, 0.975)  # the ends that hold 95 % of a period's walks


@dataclass(frozen=True, eq=False)
class WalkSizes:
    """Walks by size, on the cells that all of it is known of. Shapes: (s,), sizes rising.

    size: shares; censored: share of the time that depth did not suffice; observed, fitted: mean
    cost, currency, the book continued; cut, cut_censored: of the book cut to fewer levels, NaN
    without a cut; flat: whether walks never leave the best price, as in files of one level.
    """

    size: Floats
    censored: Floats
    observed: Floats
    fitted: Floats
    cut: Floats
    cut_censored: Floats
    flat: bool

    @property
    def shown(self) -> Floats:
        """Return which sizes depth held at least 80 % of the time."""
        return np.asarray(self.censored <= MOST_CENSORED)


def extrapolation(sizes: WalkSizes, ratio_low: float, ratio_high: float) -> Extrapolation | None:
    """Return the law's error by multiple of the largest shown size; None where no size is shown.

    At each larger size the error is the root of two squares: how far the law's mean is from that of
    the book continued behind its last level; and how far continuing a book cut to fewer levels is
    from the walks that its other levels show, at the same multiple of what the cut one showed. It
    never falls as the multiple rises. A flat book says nothing of what lies behind it.
    Source: Stone 1974, "Cross-validatory choice and assessment of statistical predictions", for
    errors that predictions of what was left out show.
    """
    shown = sizes.size[sizes.shown]
    if not len(shown):
        return None
    at, continuing = _cut_errors(sizes)
    beyond = (sizes.size > shown.max()) & (not sizes.flat)
    multiples = sizes.size[beyond] / shown.max()
    with np.errstate(divide="ignore"):
        off = np.log(sizes.observed[beyond] / sizes.fitted[beyond])
    checked = np.zeros(len(multiples))
    if len(at):
        last = np.log(at[-1])
        logs = np.log(multiples)
        checked = np.interp(logs, np.append(0.0, np.log(at)), np.append(0.0, continuing))
        checked *= np.maximum(logs / last, 1.0)
    return Extrapolation(
        shown=float(shown.max()),
        multiples=multiples,
        biases=off,
        errors=np.maximum.accumulate(np.hypot(off, checked)),
        measured_to=float(at[-1]) if len(at) else 1.0,
        walk_low=ratio_low,
        walk_high=ratio_high,
    )


def _cut_errors(sizes: WalkSizes) -> tuple[Floats, Floats]:
    """Return the multiples of what the cut book shows, and the error of continuing it there."""
    none = np.empty(0)
    held = sizes.size[sizes.cut_censored <= MOST_CENSORED]  # none where there is no cut
    if not len(held):
        return none, none
    judged = sizes.shown & (sizes.size > held.max()) & (sizes.observed > 0) & (sizes.cut > 0)
    errors = np.abs(np.log(sizes.cut[judged] / sizes.observed[judged]))
    return sizes.size[judged] / held.max(), np.maximum.accumulate(errors)


def walk_ratios(
    observed: Floats, fitted: Floats, size: Floats, shown: Floats
) -> tuple[float, float]:
    """Return the ends that hold 95 % of single walks over the law, at the largest shown size.

    observed, fitted, size: (n,), of cells; shown: the shown sizes. (NaN, NaN) where there is none.
    """
    largest = size == max(shown, default=np.nan)
    known = largest & np.isfinite(observed) & (fitted > 0)
    if not known.any():
        return float("nan"), float("nan")
    low, high = np.quantile(observed[known] / fitted[known], WALKS)
    least = np.finfo(float).tiny  # a walk that never left the best price
    return float(max(low, least)), float(high)


def local_exponents(cost: Floats, size: Floats, cluster: Ints) -> tuple[Floats, Floats]:
    """Return the exponent of mean cost around each size, and its clustered standard error, (s,).

    cost, size, cluster: (n,), of cells with a cost at every size. Between a size's two neighbours,
    NaN at the smallest and the largest and where a mean is zero. The error is that of a ratio of
    means over clusters.
    Source: Cochran 1977, "Sampling Techniques", section 6.3, for the variance of a ratio.
    """
    sizes, code = np.unique(size, return_inverse=True)
    groups, group = np.unique(cluster, return_inverse=True)
    sums = np.zeros((len(groups), len(sizes)))
    np.add.at(sums, (group, code), cost)
    total = sums.sum(axis=0)
    exponent, error = (np.full(len(sizes), np.nan) for _ in range(2))
    for at in range(1, len(sizes) - 1):
        low, high = at - 1, at + 1
        if not (total[low] > 0 and total[high] > 0):
            continue
        apart = np.log(sizes[high] / sizes[low])
        exponent[at] = np.log(total[high] / total[low]) / apart
        moved = sums[:, high] / total[high] - sums[:, low] / total[low]
        few = len(groups) / max(len(groups) - 1, 1)
        error[at] = np.sqrt((moved**2).sum() * few) / apart
    return exponent, error
