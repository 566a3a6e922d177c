"""What every forecaster within the day is, and returns: for each period 0 or a lognormal."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PeriodForecast:
    """Predicted measurements: 0, or lognormal. Shapes: all equal; NaN before anything was observed.

    log_mean; state_variance: of what is measured, in logs; noise_variance: of the measurement
    beside it; all three where it is positive. occurrence: the chance that it is, 1 where zeros do
    not come; arrival_variance: squared relative error of the day's rate of occurrences.
    Source: Cragg 1971; Hautsch, Malec, Schienle 2014, "Capturing the zero: a new class of
    zero-augmented distributions and multiplicative error processes".
    """

    log_mean: Floats
    state_variance: Floats
    noise_variance: Floats
    occurrence: Floats = field(default_factory=lambda: np.ones(()))
    arrival_variance: Floats = field(default_factory=lambda: np.zeros(()))

    def __post_init__(self) -> None:
        """Give every field the shape of the means."""
        for name in ("occurrence", "arrival_variance"):
            spread = np.broadcast_to(getattr(self, name), self.log_mean.shape)
            object.__setattr__(self, name, spread)

    @property
    def log_variance(self) -> Floats:
        """Return the variance of a positive measurement's logarithm."""
        return self.state_variance + self.noise_variance

    @property
    def size(self) -> Floats:
        """Return the mean of the measurement where it is positive."""
        return np.exp(self.log_mean + self.log_variance / 2)

    @property
    def mean(self) -> Floats:
        """Return the mean of the measurement itself."""
        return self.occurrence * self.size

    @property
    def variance(self) -> Floats:
        """Return the variance of the measurement itself."""
        within = self.occurrence * self.size**2 * np.expm1(self.log_variance)
        return np.asarray(within + self.occurrence * (1 - self.occurrence) * self.size**2)

    def __getitem__(self, index: int | slice) -> "PeriodForecast":
        """Return a part along the first axis."""
        return PeriodForecast(*(getattr(self, each.name)[index] for each in fields(self)))

    def quantiles(self, probabilities: Floats) -> Floats:
        """Return the quantiles of the measurement, shape (len(probabilities), horizon)."""
        zero = 1 - self.occurrence
        above = (np.asarray(probabilities)[:, None] - zero) / self.occurrence
        deviation = ndtri(np.clip(above, 0.0, 1.0))  # -inf where the quantile is a zero
        return np.exp(self.log_mean + np.sqrt(self.log_variance) * deviation)


class CandidateFit(Protocol):
    """A model fitted to past days, ready for the next; nothing in it changes."""

    def one_step(self, today: Floats, companions: tuple[Floats, ...] = ()) -> PeriodForecast:
        """Return the forecast of every period made just before it, shapes (N,)."""
        ...

    def update(self, observations: Floats) -> "CandidateFit":
        """Return the fit conditioned on the day's next logs, (m,)."""
        ...

    def forecast(self, horizon: int) -> PeriodForecast:
        """Return the forecast of the day's next `horizon` periods."""
        ...


def stack_forecasts(parts: list[PeriodForecast]) -> PeriodForecast:
    """Return forecasts of equal shapes along a new first axis."""
    return _fieldwise(np.stack, parts)


def concatenate_forecasts(parts: list[PeriodForecast]) -> PeriodForecast:
    """Return forecasts one after the other along their first axis."""
    return _fieldwise(np.concatenate, parts)


def average_forecasts(
    parts: list[PeriodForecast], weights: tuple[float, ...] | None = None
) -> PeriodForecast:
    """Return the geometric mean of several forecasts, variances and chances averaged.

    weights: one a forecast, summing to 1; equal where none are given.
    Source: Timmermann 2006, "Forecast combinations", section 7.
    """
    if len(parts) == 1:
        return parts[0]
    return _fieldwise(lambda values: np.asarray(np.average(values, axis=0, weights=weights)), parts)


def unknown_forecast(periods: int) -> PeriodForecast:
    """Return the forecast of periods of which nothing is known, NaN throughout."""
    return PeriodForecast(*(np.full(periods, np.nan) for _ in fields(PeriodForecast)))


def _fieldwise(
    join: Callable[[list[Floats]], Floats], parts: list[PeriodForecast]
) -> PeriodForecast:
    names = [field.name for field in fields(PeriodForecast)]
    return PeriodForecast(*(join([getattr(part, name) for part in parts]) for name in names))
