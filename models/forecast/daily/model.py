"""What every forecaster of a daily level has in common: its forecast and its interface."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.forecast.daily.measures import Measures

Floats = NDArray[np.float64]
LEAST_DAYS = 20  # with a level and its lags, below which nothing is fitted


@dataclass(frozen=True, eq=False)
class DailyForecast:
    """Levels of the next H days: a mean, times an error distributed as in the model's window.

    mean: (H,); ratios: (H, n), level over forecast at the same distance on the window's days, NaN
    where unknown; replaced: (H,), whether the window's mean stands for the model's own.
    """

    mean: Floats
    ratios: Floats
    replaced: NDArray[np.bool_]

    @property
    def variance(self) -> Floats:
        """Return the mean squared error to expect, (H,); NaN where no ratio is known."""
        squares = [_known((ratio - 1) ** 2) for ratio in self.ratios]
        return np.asarray(self.mean**2 * [each.mean() for each in squares])

    def quantiles(self, probabilities: Floats) -> Floats:
        """Return the levels' quantiles, (len(probabilities), H); NaN where no ratio is known."""
        quantiles = [np.quantile(_known(ratio), probabilities) for ratio in self.ratios]
        return np.asarray(self.mean * np.array(quantiles).T)


class DailyFit(Protocol):
    """A model fitted to the days so far; nothing in it changes."""

    def forecast(self, horizon: int) -> DailyForecast:
        """Return the forecast of the next `horizon` days."""
        ...

    def update(self, observation: Measures) -> "DailyFit":
        """Return the model fitted again to the window that ends with the observed days."""
        ...

    def summary(self) -> str:
        """Return the fit as text."""
        ...


class DailyModel(Protocol):
    """A forecaster that can be fitted."""

    @property
    def name(self) -> str:
        """Return the name it is listed under."""
        ...

    def fit(self, history: Measures, window: int) -> DailyFit:
        """Fit to the last `window` days of the history that have 22 days before them.

        Raises: ValueError naming what is too short or missing.
        """
        ...


def usable_forecast(mean: Floats, ratios: Floats, window: Floats) -> DailyForecast:
    """Return the forecast, the window's mean in place of a mean that no level can have.

    mean: (H,), replaced where it is not positive and finite; ratios: (H, n); window: (n,) levels,
    NaN where missing.
    """
    replaced = ~((mean > 0) & np.isfinite(mean))
    return DailyForecast(np.where(replaced, np.nanmean(window), mean), ratios, replaced)


def sane_forecast(mean: Floats, ratios: Floats, window: Floats) -> DailyForecast:
    """Return the forecast, the window's mean in place of a mean outside the window's range.

    Only for models published with this "insanity filter": a window of calm days ends below its own
    least day, and there it does harm. Shapes as in `usable_forecast`; a zero is no bound, no
    forecast can be 0.
    Source: Swanson, White 1997, "A model selection approach to real-time macroeconomic
    forecasting".
    """
    positive = window[window > 0]
    edge = 1e-9  # rounding: a constant series is forecast by itself
    replaced = ~((mean >= positive.min() * (1 - edge)) & (mean <= positive.max() * (1 + edge)))
    return DailyForecast(np.where(replaced, np.nanmean(window), mean), ratios, replaced)


def _known(values: Floats) -> Floats:
    """Return the values that are known, one NaN if there are none."""
    known = values[np.isfinite(values)]
    return known if len(known) else np.array([np.nan])


def check_known(level: Floats, name: str) -> None:
    """Refuse a history that is too short.

    Raises: ValueError when fewer than 20 days have a positive level.
    """
    known = int((level > 0).sum())
    if known < LEAST_DAYS:
        raise ValueError(
            f"history: {known} days with a positive level and its lags, {name} needs {LEAST_DAYS}"
        )


def known_ratios(level: Floats, fitted: Floats) -> Floats:
    """Return level over forecast, NaN where either is missing or the forecast is not positive."""
    return np.divide(
        level, fitted, out=np.full(np.shape(level), np.nan), where=(level > 0) & (fitted > 0)
    )
