"""Rolling-origin backtest of a daily forecaster, fitted again every day to those before it."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from models.forecast.daily.designs import START
from models.forecast.daily.measures import Measures
from models.forecast.daily.model import LEAST_DAYS, DailyModel

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BacktestProtocol:
    """What a backtest holds fixed.

    window: days a model is fitted to; horizon: days ahead of the day forecast; coverage: of the
    interval.
    """

    window: int = 1000
    horizon: int = 1
    coverage: float = 0.9

    def __post_init__(self) -> None:
        """Check; raises ValueError naming the argument."""
        if self.window < 30:
            raise ValueError(f"window: {self.window} days, at least 30 are needed")
        if self.horizon < 1:
            raise ValueError(f"horizon: {self.horizon}, it is at least 1")
        if self.horizon > self.window - LEAST_DAYS:
            most = self.window - LEAST_DAYS
            raise ValueError(
                f"horizon: {self.horizon} days, a window of {self.window} allows {most} at most"
            )
        if not 0 < self.coverage < 1:
            raise ValueError(f"coverage: {self.coverage}, it is between 0 and 1")

    def origins(self, days: int) -> range:
        """Return the days on whose eve forecasts are made, from the first full window on.

        The last is that of the last day to score.
        Raises: ValueError when there is none.
        """
        found = range(self.window + START + 1, days - self.horizon + 1)
        if not found:
            needed = self.window + START + 1 + self.horizon
            raise ValueError(
                f"panel: {days} days; window {self.window} and horizon {self.horizon} need {needed}"
            )
        return found


@dataclass(frozen=True, eq=False)
class DailyTrack:
    """What a model said and what came, shapes (n,).

    day: index of the day forecast; realized: its level; mean; low, high: the interval;
    replaced: the mean was not the model's own (`models.forecast.daily.model`).
    """

    day: NDArray[np.int64]
    realized: Floats
    mean: Floats
    low: Floats
    high: Floats
    replaced: NDArray[np.bool_]


def track_model(
    model: DailyModel, measures: Measures, protocol: BacktestProtocol, origins: range
) -> DailyTrack:
    """Forecast at every origin, consecutive days, from what was measured before it."""
    begin = origins[0]
    fit = model.fit(measures[:begin], protocol.window)
    tails = np.array([1 - protocol.coverage, 1 + protocol.coverage]) / 2
    rows = []
    for origin in origins:
        if origin > begin:
            fit = fit.update(measures[origin - 1 : origin])
        found = fit.forecast(protocol.horizon)
        low, high = found.quantiles(tails)[:, -1]
        rows.append((found.mean[-1], low, high, found.replaced[-1]))
    mean, low, high, replaced = np.array(rows, dtype=np.float64).T
    day = np.asarray(origins) + protocol.horizon - 1
    return DailyTrack(day, measures.level[day], mean, low, high, replaced.astype(bool))


def joined_tracks(parts: list[DailyTrack]) -> DailyTrack:
    """Return consecutive tracks as one."""
    return DailyTrack(
        *(
            np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(DailyTrack)
        )
    )
