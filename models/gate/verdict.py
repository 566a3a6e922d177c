"""What a rule of the gate said, and on what."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """Whether the candidate is let in force, and what that rests on.

    nights: how many were seen; mean: of their differences, bps, candidate less champion, below 0
    where it is cheaper; low, high: its 95 % interval (t), NaN below two nights; bound: what
    `value`, that of `bound_on` (nights, mean, low, high or p), is held against.
    """

    passes: bool
    reason: str
    nights: int
    mean: float
    low: float
    high: float
    bound_on: str
    value: float
    bound: float


def mean_and_interval(difference: Floats, level: float = 0.95) -> tuple[float, float, float]:
    """Return the mean over nights and its two-sided t interval, NaN where nights are too few."""
    nights = len(difference)
    if nights == 0:
        return np.nan, np.nan, np.nan
    mean = float(difference.mean())
    if nights < 2:
        return mean, np.nan, np.nan
    error = float(difference.std(ddof=1)) / np.sqrt(nights)
    reach = float(stats.t.ppf((1 + level) / 2, nights - 1)) * error
    return mean, mean - reach, mean + reach
