"""New data for the same family: in force unless it is shown to be worse."""

import numpy as np
from numpy.typing import ArrayLike

from models.gate.verdict import Floats, Verdict, mean_and_interval

DELTA = 0.01  # of TWAP's cost: what a refit may cost more
FEWEST = 5  # nights below which nothing is held against a refit
ROOM = 6.2  # (t of 97.5 % + t of 80 %)^2 at many nights, for a bound that an equal refit passes


def strict_from(difference: ArrayLike, delta: float) -> float:
    """Return the nights from which not being worse must be shown: 6.2 (sd / delta)^2 + 2.

    From there on a refit that is as good as the champion shows it in about eight of ten cases;
    before, to ask for it would hold back honest refits.
    """
    some = np.asarray(difference, dtype=np.float64)
    sd = float(some.std(ddof=1)) if len(some) > 1 else np.inf
    return ROOM * (sd / delta) ** 2 + 2


def refresh(difference: ArrayLike, yardstick: float) -> Verdict:
    """Judge the procedure of refitting by the nights on which it was held against the champion.

    difference: (n,) regret on day d of the refit to d - 1 less that of the champion, bps, oldest
    first; yardstick: TWAP's mean cost on those days, bps, above 0.
    Raises: ValueError for a difference that is not finite, or a yardstick that is not above 0.
    """
    some = checked(difference)
    if not yardstick > 0:
        raise ValueError(f"yardstick = {yardstick}: must be above 0")
    delta = DELTA * yardstick
    mean, low, high = mean_and_interval(some)
    nights = len(some)

    def said(passes: bool, reason: str, on: str, value: float, bound: float) -> Verdict:
        return Verdict(passes, reason, nights, mean, low, high, on, value, bound)

    if nights < FEWEST:
        reason = f"{nights} nights, fewer than {FEWEST}: nothing is held against a refit"
        return said(True, reason, "nights", nights, FEWEST)
    if low > 0:
        return said(False, "shown to cost more than the champion", "low", low, 0.0)
    if mean > delta:
        return said(False, "costs more than 1 % of TWAP's cost more", "mean", mean, delta)
    if nights >= strict_from(some, delta):
        passes = bool(high < delta)
        reason = "shown" if passes else "not shown, though there are nights enough,"
        return said(
            passes, f"{reason} to cost no more than 1 % of TWAP's cost", "high", high, delta
        )
    return said(True, "not shown to be worse", "mean", mean, delta)


def checked(difference: ArrayLike) -> Floats:
    """Return the nights' differences. Raises: ValueError where one is not finite."""
    some = np.asarray(difference, dtype=np.float64).ravel()
    if not np.isfinite(some).all():
        raise ValueError("difference: must be finite on every night")
    return some
