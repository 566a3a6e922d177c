"""The periods to be traded, forecast by what the past favours; past days, as it was done then."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.forecast.evaluation.choice import Choice, choose_before, chosen_forecast
from models.forecast.evaluation.contest import Horizon
from models.forecast.intraday.catalogue import (
    CANDIDATES,
    DEFAULT_CANDIDATE,
    CandidateFit,
    CandidateTrack,
    PastDays,
)
from models.forecast.intraday.period_forecast import PeriodForecast, average_forecasts
from models.forecast.intraday.rest_of_day import (
    AROUND,
    REST_OF_DAY_DAYS,
    forecast_rest_of_day,
    moved_towards,
    update_weights,
    updated_forecast,
)
from models.forecast.intraday.sparse.zeros import first_day_ahead, level_ratio, sparse
from pipeline.engine.scope import Scope

LAST = 60  # periods, of which a level within the session is the mean
SHAPE_DAYS = 20  # latest days, at most, whose shape is scored


@dataclass(frozen=True, eq=False)
class MeasuredSeries:
    """One measurement's history.

    measured: (R, N) logs, -inf of zero, the day to be traded last where it has no tape yet; past:
    the D days with tape, volume as the trading rate behind it while nine in ten periods trade;
    tracks: what every candidate said of them; choices: of the candidates, by horizon.
    """

    name: str
    measured: np.ndarray
    past: PastDays
    tracks: dict[str, CandidateTrack]
    choices: dict[Horizon, Choice]

    @property
    def variance(self) -> bool:
        """Tell whether it is a variance, whose mean is forecast."""
        return self.name == "realized_variance"

    @property
    def sparse(self) -> bool:
        """Tell whether a tenth of the periods or more is empty."""
        return sparse(self.past.logs)

    def ratio(self, horizon: Horizon) -> np.ndarray:
        """Return measured over forecast before every past period and after all, (D N + 1,).

        1 unless the series is sparse. The states' where the horizon is the next period.
        """
        if not self.sparse:
            return np.ones(self.past.logs.size + 1)
        day_ahead = horizon == "day_ahead" and len(self.past.logs) > 1
        told = (
            chosen_forecast(self.tracks, self.choices["day_ahead"], "day_ahead")
            if day_ahead
            else self.tracks[DEFAULT_CANDIDATE].next_period
        )
        return level_ratio(told.size, self.past.logs)


def plan_state(
    series: MeasuredSeries, found: PeriodForecast, ratio: np.ndarray | float
) -> np.ndarray:
    """Return what law and plan use: root mean variance, mean volume, medians else.

    ratio: of what was measured to what was forecast, by which means are corrected.
    """
    if series.variance:
        return np.sqrt(found.mean * ratio)
    if series.name == "volume":
        if series.sparse:
            return np.asarray(found.mean * ratio)
        return found.occurrence * np.exp(found.log_mean + found.state_variance / 2)
    return np.exp(found.log_mean)


def flat_level(
    series: MeasuredSeries, told: PeriodForecast, dates: np.ndarray, scope: Scope
) -> float:
    """Return the mean expected of any period to be traded, its place in the day left aside.

    Within a session the mean of the last sixty periods measured on the day, else the forecast's.
    """
    day = int(np.searchsorted(dates, scope.date))
    today = series.measured[day : day + 1, : scope.first]
    known = today[np.isfinite(today)][-LAST:]
    return float(np.exp(known).mean() if len(known) else np.nanmean(told.mean))


def horizon_forecast(series: MeasuredSeries, dates: np.ndarray, scope: Scope) -> PeriodForecast:
    """Return the chosen candidates' forecast of the periods to be traded, given the day so far.

    The morning's forecast is moved by the day so far as far as that has helped on past days.
    """
    count, day = len(scope.starts), int(np.searchsorted(dates, scope.date))
    first, choice = scope.first, series.choices["day_ahead"]
    today = series.past.logs[day, :first] if day < len(dates) else np.full(first, np.nan)
    if day == 0:
        return first_day_ahead(today, scope.periods)[:count]
    past = series.past.until(day)
    fits = [CANDIDATES[name](past, None) for name in choice.members]
    updated = updated_forecast(fits, choice.weights, today, count)
    if not first:
        return updated
    morning = average_forecasts([fit.forecast(first + count) for fit in fits], choice.weights)
    near = first + np.array([-1, 0, 1]) * (scope.periods // AROUND)
    origins = near[(near > 0) & (near < scope.periods)]
    told = forecast_rest_of_day(
        past, choice.shares, range(max(1, day - REST_OF_DAY_DAYS), day), origins
    )
    weight = float(told.weights[-1, np.flatnonzero(origins == first)[0]])
    return moved_towards(morning[first:], updated, weight)


def walked_forward(
    series: dict[str, MeasuredSeries], dates: np.ndarray, scope: Scope
) -> pd.DataFrame:
    """Return past days' forecasts of the periods to be traded, each as it was made then.

    From the same period of the day on, by the candidates that the days before favoured, moved by
    the day so far as far as that had helped: series, date, period, forecast, realized. The latest
    twenty days; the first has nothing before it.
    """
    day = int(np.searchsorted(dates, scope.date))
    ends = slice(scope.first, scope.first + len(scope.starts))
    period = np.arange(scope.periods)[ends]
    tables = []
    for name, one in series.items():
        power = 0.5 if one.variance else 1.0
        for past, told in _as_then(one, day, ends):
            columns = {
                "forecast": plan_state(one, told, 1.0),
                "realized": np.exp(one.measured[past, ends]) ** power,
            }
            head = {"series": name, "date": dates[past], "period": period}
            tables.append(pd.DataFrame(head | columns))
    empty = pd.DataFrame(columns=["series", "date", "period", "forecast", "realized"])
    return pd.concat(tables, ignore_index=True) if tables else empty


def _as_then(series: MeasuredSeries, day: int, ends: slice) -> list[tuple[int, PeriodForecast]]:
    """Return the days before `day` that can be scored, and what was said of their periods."""
    found = []
    errors = np.full((2, day, 1), np.nan)  # of the update, and of the morning
    for past in range(max(1, day - SHAPE_DAYS), day):
        choice = choose_before(
            series.tracks, series.past.logs, series.variance, "day_ahead", past, tests=False
        )
        if not ends.start:
            told = chosen_forecast(series.tracks, choice, "day_ahead")[past]
            found.append((past, told[ends]))
            continue
        fits = [CANDIDATES[name](series.past.until(past), None) for name in choice.members]
        pair = _rest(fits, choice, series.past.logs[past], ends)
        known = errors[:, ~np.isnan(errors[0, :, 0])]
        weight = update_weights(*known, np.array([ends.start]), series.past.periods)[0]
        found.append((past, moved_towards(pair[1], pair[0], float(weight))))
        errors[:, past, 0] = [_total_error(each, series.past.logs[past, ends]) for each in pair]
    return found


def _rest(
    fits: list[CandidateFit], choice: Choice, logs: np.ndarray, ends: slice
) -> tuple[PeriodForecast, PeriodForecast]:
    """Return a past day's rest, updated at its origin and as of the morning."""
    morning = average_forecasts([fit.forecast(len(logs)) for fit in fits], choice.weights)[ends]
    count = len(logs[ends])
    return updated_forecast(fits, choice.weights, logs[: ends.start], count), morning


def _total_error(told: PeriodForecast, logs: np.ndarray) -> float:
    """Return the log error of the total over what was measured; NaN where nothing came."""
    known = ~np.isnan(logs)
    total = float(np.exp(logs[known]).sum())
    return float(np.log(told.mean[known].sum() / total)) if total > 0 else np.nan
