"""Measurements that may be zero: the chance of one above it, times its size."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.forecast.intraday.period_forecast import CandidateFit, PeriodForecast
from models.forecast.intraday.profile import is_sparse
from models.forecast.intraday.sparse.occurrence import OccurrenceFit, chance_so_far, fit_occurrence
from models.forecast.intraday.state_space import one_step

Floats = NDArray[np.float64]
ZERO = -np.inf  # the logarithm of a measurement of zero; NaN where nothing was measured
WARM_EVENTS = 10  # occurrences before the first forecast that counts: earlier ones are too doubtful
RATIO_EVENTS = 20  # past occurrences that the forecast's own mean weighs as much as


@dataclass(frozen=True, eq=False)
class ZeroAugmentedFit:
    """A model of sizes beside one of occurrences, None while no zero was ever measured."""

    size: CandidateFit
    occurrence: OccurrenceFit | None

    def one_step(self, today: Floats, companions: tuple[Floats, ...] = ()) -> PeriodForecast:
        """Return the forecast of every period made just before it, shapes (N,)."""
        found = self.size.one_step(positive(today), tuple(positive(each) for each in companions))
        if self.occurrence is None:
            return found
        chance, variance = self.occurrence.one_step(occurred(today))
        return replace(found, occurrence=chance, arrival_variance=variance)

    def update(self, observations: Floats) -> "ZeroAugmentedFit":
        """Return the fit conditioned on the day's next logs, (m,)."""
        seen = None if self.occurrence is None else self.occurrence.update(occurred(observations))
        return ZeroAugmentedFit(self.size.update(positive(observations)), seen)

    def forecast(self, horizon: int) -> PeriodForecast:
        """Return the forecast of the day's next `horizon` periods."""
        found = self.size.forecast(horizon)
        if self.occurrence is None:
            return found
        return replace(
            found,
            occurrence=self.occurrence.forecast(horizon),
            arrival_variance=np.full(horizon, self.occurrence.variance),
        )


def bears_zeros(logs: Floats) -> bool:
    """Tell whether any measurement is a zero."""
    return bool((logs == ZERO).any())


def sparse(logs: Floats) -> bool:
    """Tell whether so many measurements, (D, N), are zeros that days are mostly told by chance."""
    return bears_zeros(logs) and is_sparse(positive(logs))


def positive(logs: Floats) -> Floats:
    """Return the logs with zeros as missing, for models of sizes."""
    return np.where(logs == ZERO, np.nan, logs)


def occurred(logs: Floats) -> Floats:
    """Return 1 where something was measured, 0 at a zero, NaN where nothing is known."""
    return np.where(np.isnan(logs), np.nan, (logs != ZERO).astype(np.float64))


def fit_zeros(logs: Floats) -> OccurrenceFit | None:
    """Return the model of occurrences behind past days' logs, (D, N); None without a zero."""
    return fit_occurrence(occurred(logs)) if bears_zeros(logs) else None


def first_day(row: Floats) -> PeriodForecast:
    """Return the forecast of every period of a first day just before it, shapes (N,)."""
    found = one_step(positive(row)[None])[0]
    chance, variance = chance_so_far(occurred(row))
    return replace(found, occurrence=chance, arrival_variance=variance)


def first_day_ahead(seen: Floats, periods: int) -> PeriodForecast:
    """Return the forecast of the rest of a first day of so many periods, after its first logs."""
    rest = np.full(periods - len(seen), np.nan)
    return first_day(np.concatenate([seen, rest]))[len(seen) :]


def level_ratio(forecast: Floats, logs: Floats) -> Floats:
    """Return measured over forecast sizes, just before every period and after all.

    Shape (D N + 1,). Sums over past occurrences, of means, so that totals are right whatever the
    sizes' distribution; drawn to 1 by twenty occurrences. forecast: (D, N) mean sizes, NaN where
    none was made.
    Source: Duan 1983, "Smearing estimate: a nonparametric retransformation method".
    """
    events = np.isfinite(logs).ravel().cumsum().reshape(logs.shape) - np.isfinite(logs)
    known = np.isfinite(forecast) & np.isfinite(logs) & (events >= WARM_EVENTS)
    level = np.where(known, np.exp(positive_or_zero(logs)), 0.0).ravel()
    said = np.where(known, forecast, 0.0).ravel()
    sums = [np.concatenate([[0.0], each.cumsum()]) for each in (level, said, level > 0)]
    prior = RATIO_EVENTS * sums[0] / np.maximum(sums[2], 1.0)
    return np.asarray(
        np.divide(sums[0] + prior, sums[1] + prior, out=np.ones(len(prior)), where=sums[0] > 0)
    )


def positive_or_zero(logs: Floats) -> Floats:
    """Return the logs with unknown ones as those of zero."""
    return np.where(np.isnan(logs), ZERO, logs)
