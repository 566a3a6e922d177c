"""What the day so far says of the rest: the remaining total, updated and as of the morning."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.forecast.intraday.catalogue import CANDIDATES, PastDays
from models.forecast.intraday.period_forecast import average_forecasts

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RestOfDay:
    """Log errors of the total from each origin to the day's end, shapes (days, origins).

    NaN where nothing is left.
    origins: (origins,) periods; updated: forecast at the origin; morning: forecast before the day.
    """

    origins: NDArray[np.int_]
    updated: Floats
    morning: Floats


def forecast_rest_of_day(
    past: PastDays, members: tuple[str, ...], days: range, origins: NDArray[np.int_]
) -> RestOfDay:
    """Forecast the rest of every day from each origin by the average of `members`.

    Each is fitted to the days before.
    A period without a measurement is left out of forecast and total alike.
    """
    errors = np.full((2, len(days), len(origins)), np.nan)
    for row, day in enumerate(days):
        fits = [CANDIDATES[name](past.until(day), None) for name in members]
        logs = past.logs[day]
        morning = average_forecasts([fit.forecast(len(logs)) for fit in fits]).mean
        for column, origin in enumerate(origins):
            known = np.isfinite(logs[origin:])
            if not known.any():
                continue
            updated = average_forecasts(
                [fit.update(logs[:origin]).forecast(len(logs) - int(origin)) for fit in fits]
            ).mean
            total = np.exp(logs[origin:][known]).sum()
            errors[:, row, column] = [
                np.log(each[known].sum() / total) for each in (updated, morning[origin:])
            ]
    return RestOfDay(origins, *errors)
