"""Whether a day's states are drawn from elsewhere than those of the days beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from models.gate.verdict import Floats

BINS = 10  # of as many of the reference's values each
SHIFTED = 0.25  # of the index: from there on a population is said to have shifted
DEVIATIONS = 5.0  # of the other days' robust standard deviation
FEWEST = 5  # days besides the last one
MAD = 1.4826  # from the median absolute deviation to a standard deviation


@dataclass(frozen=True)
class Drift:
    """How far the last day's values lie from those of the days before, and how far days usually do.

    psi: the population stability index; distance: Kolmogorov and Smirnov's, 0 to 1; usual: the
    median of the other days' distances; deviations: of their robust standard deviation that the
    last day's lies above it; rises: whether the last day's median is above theirs.
    """

    psi: float
    distance: float
    usual: float
    deviations: float
    rises: bool

    @property
    def apart(self) -> bool:
        """Tell whether the day lies apart by both measures."""
        return self.psi > SHIFTED and self.deviations > DEVIATIONS


def drift(days: Sequence[Floats]) -> Drift | None:
    """Hold the last day's values against those of all days before it.

    days: one array of values a day, oldest first; values of a day depend on each other and days
    have levels of their own, so that a test for independent draws would refuse every day: the last
    day's distance is measured in those of the others, each from all days but itself and the last.
    None where days are too few, or a day has no value.
    Source: Siddiqi 2006, "Credit Risk Scorecards", for the index and its bound; Massey 1951, "The
    Kolmogorov-Smirnov test for goodness of fit".
    """
    if len(days) <= FEWEST or not all(len(each) for each in days):
        return None
    *before, last = days
    pooled = np.concatenate(before)
    others = np.array(
        [
            _distance(day, np.concatenate([*before[:place], *before[place + 1 :]]))
            for place, day in enumerate(before)
        ]
    )
    usual, distance = float(np.median(others)), _distance(last, pooled)
    spread = MAD * float(np.median(np.abs(others - usual)))
    over = distance - usual
    return Drift(
        psi=stability_index(last, pooled),
        distance=distance,
        usual=usual,
        deviations=over / spread if spread > 0 else float(np.sign(over)) * np.inf,
        rises=bool(np.median(last) > np.median(pooled)),
    )


def stability_index(sample: Floats, reference: Floats) -> float:
    """Return sum (p - q) log(p / q) over ten bins of the reference's quantiles.

    p, q: the shares of sample and reference in a bin, half a value added to each bin, so that an
    empty one stays finite. Values that are all the same make one bin, and 0.
    """
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, BINS + 1)[1:-1]))
    counts = np.array(
        [
            np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
            for values in (sample, reference)
        ]
    )
    counts = counts[:, counts.any(axis=0)] + 0.5
    one, other = counts / counts.sum(axis=1, keepdims=True)
    return float(((one - other) * np.log(one / other)).sum())


def _distance(sample: Floats, reference: Floats) -> float:
    return float(stats.ks_2samp(sample, reference, method="asymp").statistic)
