"""What every forecaster within the day returns: a lognormal measurement for each period."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PeriodForecast:
    """Predicted measurements, lognormal. Shapes: all equal; NaN before anything was ever observed.

    log_mean; state_variance: of what is measured, in logs; noise_variance: of the measurement
    beside it.
    """

    log_mean: Floats
    state_variance: Floats
    noise_variance: Floats

    @property
    def log_variance(self) -> Floats:
        """Return the variance of the measurement's logarithm."""
        return self.state_variance + self.noise_variance

    @property
    def mean(self) -> Floats:
        """Return the mean of the measurement itself."""
        return np.exp(self.log_mean + self.log_variance / 2)

    @property
    def variance(self) -> Floats:
        """Return the variance of the measurement itself."""
        return self.mean**2 * np.expm1(self.log_variance)

    def __getitem__(self, index: int | slice) -> "PeriodForecast":
        """Return a part along the first axis."""
        return PeriodForecast(*(getattr(self, each.name)[index] for each in fields(self)))

    def quantiles(self, probabilities: Floats) -> Floats:
        """Return the quantiles of the measurement, shape (len(probabilities), horizon)."""
        return np.exp(
            self.log_mean + np.sqrt(self.log_variance) * ndtri(np.asarray(probabilities))[:, None]
        )


def stack_forecasts(parts: list[PeriodForecast]) -> PeriodForecast:
    """Return forecasts of equal shapes along a new first axis."""
    return _fieldwise(np.stack, parts)


def concatenate_forecasts(parts: list[PeriodForecast]) -> PeriodForecast:
    """Return forecasts one after the other along their first axis."""
    return _fieldwise(np.concatenate, parts)


def average_forecasts(parts: list[PeriodForecast]) -> PeriodForecast:
    """Return the geometric mean of several forecasts, their variances averaged: equal weights.

    Source: Timmermann 2006, "Forecast combinations", section 7.
    """
    return _fieldwise(lambda values: np.asarray(np.mean(values, axis=0)), parts)


def unknown_forecast(periods: int) -> PeriodForecast:
    """Return the forecast of periods of which nothing is known, NaN throughout."""
    return PeriodForecast(*(np.full(periods, np.nan) for _ in fields(PeriodForecast)))


def _fieldwise(
    join: Callable[[list[Floats]], Floats], parts: list[PeriodForecast]
) -> PeriodForecast:
    names = [field.name for field in fields(PeriodForecast)]
    return PeriodForecast(*(join([getattr(part, name) for part in parts]) for name in names))
