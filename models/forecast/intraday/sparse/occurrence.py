"""The chance that a period has anything to measure: a trade, a move of the mid."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.forecast.intraday.profile import fit_sparse_profile

Floats = NDArray[np.float64]
WINDOW_DAYS = 60
WEIGHTS = (0.0, 0.1, 0.2, 0.35, 0.5)  # of the last day in the day's rate; 0: all days alike
WEIGHT_DAYS = 10  # below it all days count alike
DAY_VARIANCE, DAY_WEIGHT = 0.1, 2  # of a day's rate around its forecast, before days have shown it
MOST_VARIANCE = 0.5  # beyond it one zero among a thousand periods would empty the rest of its day
HALF = 0.5  # Jeffreys' prior: of an occurrence and of none
LEAST_FACTOR, LEAST_RATE = 0.05, 1e-6


@dataclass(frozen=True, eq=False)
class OccurrenceFit:
    """P(something in period i) = E[1 - exp(-c rate_i)], c the day's gamma-distributed factor.

    rate: (N,) arrivals a period, one draw of which is enough; shape, scale_inverse: of c as known
    before period `position`.
    """

    rate: Floats
    shape: float
    scale_inverse: float
    position: int = 0

    @property
    def variance(self) -> float:
        """Return the squared relative error of the day's factor."""
        return 1 / self.shape

    def update(self, occurred: Floats) -> "OccurrenceFit":
        """Return the fit after the day's next periods: 1, 0, NaN where unknown, shape (m,)."""
        return self._advance(occurred)[0]

    def forecast(self, horizon: int) -> Floats:
        """Return the chance in each of the day's next `horizon` periods."""
        ahead = self.rate[self.position : self.position + horizon]
        return np.asarray(-np.expm1(-self.shape * np.log1p(ahead / self.scale_inverse)))

    def one_step(self, occurred: Floats) -> tuple[Floats, Floats]:
        """Return every period's chance just before it, and the squared error of the factor then."""
        return self._advance(occurred)[1:]

    def _advance(self, occurred: Floats) -> tuple["OccurrenceFit", Floats, Floats]:
        """Filter by the moments of the exact posterior, a difference of two gammas for a 1.

        Source: Maybeck 1982, "Stochastic Models, Estimation and Control" 2, section 12.7, assumed
        density filtering.
        """
        shape, inverse = self.shape, self.scale_inverse
        chances, variances = np.empty(len(occurred)), np.empty(len(occurred))
        ahead = self.rate[self.position : self.position + len(occurred)]
        for place, (rate, value) in enumerate(zip(ahead.tolist(), occurred.tolist(), strict=True)):
            none = -shape * math.log1p(rate / inverse)  # log of the chance of nothing
            some = -math.expm1(none)
            chances[place], variances[place] = some, 1 / shape
            if value == 0:
                inverse += rate
            elif value == 1:
                later = inverse + rate
                first = (shape / inverse - math.exp(none) * shape / later) / some
                second = shape * (shape + 1) * (1 / inverse**2 - math.exp(none) / later**2) / some
                spread = max(second - first**2, LEAST_RATE * first**2)
                shape, inverse = first**2 / spread, first / spread
        after = replace(
            self, shape=shape, scale_inverse=inverse, position=self.position + len(occurred)
        )
        return after, chances, variances


def fit_occurrence(history: Floats) -> OccurrenceFit:
    """Fit profile and day factor to past days, (D, N): 1, 0, NaN where nothing could be seen.

    The profile is smoothed as widely as the rarer of ones and zeros asks and shrunk to flat by its
    noise; the next day's factor is the mean of the past ones, or their moving average where that
    has forecast better, its variance what they show beyond chance.
    Source: Efron, Morris 1973 for the shrinkage.
    """
    recent = history[-WINDOW_DAYS:]
    chance = _profile(recent)
    known = np.isfinite(recent)
    held = np.where(known, chance, 0.0)
    found = np.where(known, recent, 0.0).sum(axis=1)
    slope = np.where(known, -(1 - chance) * np.log1p(-chance), 0.0).sum(axis=1)
    used = known.any(axis=1)
    surprise = (found - held.sum(axis=1))[used]
    chaos = (held * (1 - held)).sum(axis=1)[used]  # what chance alone adds to a day's count
    slope = slope[used]
    factors = np.maximum(1 + surprise / slope, LEAST_FACTOR)
    factor, days = _next_factor(factors)
    beyond = max(0.0, float((surprise**2 - chaos).sum() / (slope**2).sum()))
    variance = (DAY_WEIGHT * DAY_VARIANCE + len(factors) * beyond) / (DAY_WEIGHT + len(factors))
    doubt = (variance + float(chaos.mean() / (slope**2).mean())) / days  # of the mean itself
    variance = min(variance + min(doubt, DAY_VARIANCE), MOST_VARIANCE)
    shape = 1 / variance
    rate = shape * np.expm1(-np.log1p(-chance) / shape)  # so that the chance is the profile's at 1
    return OccurrenceFit(np.maximum(rate, LEAST_RATE), shape, shape / factor)


def chance_so_far(row: Floats) -> tuple[Floats, Floats]:
    """Return the chance of every period of a first day just before it, and its squared error.

    1 until the first zero. row: (N,), 1, 0, NaN.
    """
    known = np.isfinite(row)
    ones = np.concatenate([[0.0], np.where(known, row, 0.0).cumsum()[:-1]])
    count = np.concatenate([[0], known.cumsum()[:-1]])
    chance = np.where(ones == count, 1.0, (ones + HALF) / (count + 2 * HALF))
    error = np.where(ones == count, 0.0, DAY_VARIANCE + 1 / (ones + HALF))
    return chance, error


def _profile(recent: Floats) -> Floats:
    """Return the chance by period, (N,), strictly between 0 and 1."""
    known = np.isfinite(recent)
    count = known.sum(axis=0).astype(np.float64)
    total, ones = float(count.sum()), float(np.where(known, recent, 0.0).sum())
    overall = (ones + HALF) / (total + 2 * HALF)
    mean = np.divide(
        np.where(known, recent, 0.0).sum(axis=0),
        count,
        out=np.full(recent.shape[1], overall),
        where=count > 0,
    )
    rarer = min(ones, total - ones)
    shape = fit_sparse_profile(mean - overall, count, overall * (1 - overall), rarer)
    edge = HALF / (total + 1)
    return np.asarray(np.clip(overall + shape, max(overall / 10, edge), 1 - edge))


def _next_factor(factors: Floats) -> tuple[float, float]:
    """Return the next day's factor and how many days it rests on."""
    errors, last = {}, {}
    for weight in WEIGHTS:
        level, misses = float(factors[0]), []
        for place, value in enumerate(factors[1:].tolist(), start=2):
            misses.append(value - level)
            level += max(weight, 1 / place) * (value - level)
        errors[weight], last[weight] = float(np.square(misses).sum()), level
    best = min(WEIGHTS, key=lambda each: errors[each]) if len(factors) >= WEIGHT_DAYS else 0.0
    return last[best], min(len(factors), 2 / best - 1) if best else len(factors)
