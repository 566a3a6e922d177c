"""Another family or policy: in force only when it is shown to be better, at nightly looks."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from models.gate.refresh import checked
from models.gate.verdict import Verdict, mean_and_interval

FIRST_LOOK, LAST_LOOK = 5, 30  # nights
LEVEL = 0.0087  # of each look, one-sided: 5 % over all looks of a challenger that is no better


def change_of_family(difference: ArrayLike, rivals: int = 1) -> Verdict:
    """Judge a challenger by the nights since it was set against the champion.

    difference: (n,) its regret less the champion's, bps, oldest first, all of them held out;
    rivals: how many challengers stand beside each other, which share the level (Bonferroni). At
    each look from night 5 to night 30 a one-sided t test at .87 % over the rivals; behind the last
    look the challenger starts anew or is given up.
    Raises: ValueError for a difference that is not finite, or rivals below 1.
    Source: Pocock 1977, "Group sequential methods in the design and analysis of clinical trials",
    constant level over looks; the level itself is simulated (`benchmarks.gate`).
    """
    some = checked(difference)
    if rivals < 1:
        raise ValueError(f"rivals = {rivals}: must be 1 or more")
    level = LEVEL / rivals
    mean, low, high = mean_and_interval(some)
    nights = len(some)
    p = _p(some)

    def said(passes: bool, reason: str) -> Verdict:
        return Verdict(passes, reason, nights, mean, low, high, "p", p, level)

    if nights < FIRST_LOOK:
        return said(False, f"{nights} nights; the first look is at {FIRST_LOOK}")
    if nights > LAST_LOOK:
        return said(False, f"not shown to be better within {LAST_LOOK} nights")
    if p <= level:
        return said(True, "shown to cost less than the champion")
    return said(False, "not shown to cost less than the champion")


def _p(difference: np.ndarray) -> float:
    """Return the one-sided p of a mean below 0, 1 where there is none."""
    nights = len(difference)
    if nights < 2:
        return 1.0
    error = float(difference.std(ddof=1)) / np.sqrt(nights)
    mean = float(difference.mean())
    if error == 0:
        return 0.0 if mean < 0 else 1.0
    return float(stats.t.cdf(mean / error, nights - 1))
