"""What the day so far says of the rest: the remaining total, updated and as of the morning."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.forecast.intraday.catalogue import CANDIDATES, CandidateFit, PastDays
from models.forecast.intraday.period_forecast import PeriodForecast, average_forecasts

Floats = NDArray[np.float64]
REST_OF_DAY_DAYS = 20  # latest days, at most, whose rest is forecast
EVIDENCE_DAYS = 10  # days before the first one told whose updates say whether to update
AROUND = 6  # of it: origins this share of the day apart tell of each other
EVEN = 0.5  # weight of an update before any day has shown what it is worth


@dataclass(frozen=True, eq=False)
class RestOfDay:
    """Log errors of the total from each origin to the day's end, shapes (days, origins).

    NaN where nothing is left, or nothing came.
    origins: (origins,) periods; updated: forecast at the origin; morning: forecast before the day;
    used: the morning's moved towards the updated one by `weights`, (days + 1, origins), each of
    which the days before tell; the last are the next day's.
    """

    origins: NDArray[np.int_]
    updated: Floats
    morning: Floats
    used: Floats
    weights: Floats


def forecast_rest_of_day(
    past: PastDays, members: dict[str, float], days: range, origins: NDArray[np.int_]
) -> RestOfDay:
    """Forecast the rest of every day from each origin by the weighted average of `members`.

    Each is fitted to the days before.
    A period without a measurement is left out of forecast and total alike.
    """
    told = range(max(1, days.start - EVIDENCE_DAYS), days.stop)
    errors = np.full((3, len(told), len(origins)), np.nan)
    weights = np.full((len(told) + 1, len(origins)), EVEN)
    for row, day in enumerate(told):
        weights[row] = update_weights(errors[0, :row], errors[1, :row], origins, past.periods)
        fits = [CANDIDATES[name](past.until(day), None) for name in members]
        shares, logs = tuple(members.values()), past.logs[day]
        morning = average_forecasts([fit.forecast(len(logs)) for fit in fits], shares)
        for column, origin in enumerate(origins):
            known = ~np.isnan(logs[origin:])
            total = np.exp(logs[origin:][known]).sum()
            if not total > 0:
                continue
            updated = updated_forecast(fits, shares, logs[:origin], len(logs) - int(origin))
            used = moved_towards(morning[int(origin) :], updated, weights[row, column])
            errors[:, row, column] = [
                np.log(each.mean[known].sum() / total)
                for each in (updated, morning[int(origin) :], used)
            ]
    weights[-1] = update_weights(errors[0], errors[1], origins, past.periods)
    begin = days.start - told.start
    updated, morning, used = errors[:, begin:]
    return RestOfDay(origins, updated, morning, used, weights[begin:])


def updated_forecast(
    fits: list[CandidateFit], shares: tuple[float, ...], seen: Floats, horizon: int
) -> PeriodForecast:
    """Return the average of the fits, updated by the day's first logs, for the next periods."""
    return average_forecasts([fit.update(seen).forecast(horizon) for fit in fits], shares)


def moved_towards(
    morning: PeriodForecast, updated: PeriodForecast, weight: float
) -> PeriodForecast:
    """Return the morning's forecast moved towards the updated one."""
    return average_forecasts([morning, updated], (1 - weight, weight))


def update_weights(
    updated: Floats, morning: Floats, origins: NDArray[np.int_], periods: int
) -> Floats:
    """Return the weight of an update at each origin, (origins,), 0 where it has not helped.

    updated, morning: (days, origins) log errors of the past. The slope of what came on how the
    update moved the morning's forecast, over origins a sixth of the day around, drawn to one half
    by one day's worth of moves, within 0 and 1.
    Source: Diebold, Pauly 1990, "The use of prior information in forecast combination".
    """
    moved = np.nan_to_num(updated - morning)
    gained = np.nan_to_num(-morning) * moved
    days = max(len(updated), 1)
    weights = np.full(len(origins), EVEN)
    for column, origin in enumerate(origins):
        near = np.abs(origins - origin) <= periods / AROUND
        square, product = float((moved[:, near] ** 2).sum()), float(gained[:, near].sum())
        if square > 0:
            slope = (EVEN * square / days + product) / (square / days + square)
            weights[column] = min(max(slope, 0.0), 1.0) if product > 0 else 0.0
    return weights
