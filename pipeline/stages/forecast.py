"""Forecast volatility, volume, spread and depth ahead, and each past period as it was then."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.forecast.evaluation.choice import Choice, choose_before, chosen_forecast
from models.forecast.evaluation.contest import Horizon, interval, standard_errors
from models.forecast.intraday.catalogue import (
    CANDIDATES,
    DEFAULT_CANDIDATE,
    CandidateTrack,
    PastDays,
    track_candidate,
)
from models.forecast.intraday.period_forecast import PeriodForecast, average_forecasts
from models.forecast.intraday.rest_of_day import (
    AROUND,
    REST_OF_DAY_DAYS,
    forecast_rest_of_day,
    moved_towards,
    updated_forecast,
)
from models.forecast.intraday.sparse.totals import total_interval
from models.forecast.intraday.sparse.zeros import (
    ZERO,
    bears_zeros,
    first_day_ahead,
    level_ratio,
    sparse,
)
from pipeline.engine.scope import Scope
from pipeline.engine.sessions import weekend_kinds
from pipeline.engine.tables import Features, Forecast
from pipeline.stages.forecast_caveats import CaveatFacts, forecast_warnings, refuse_too_thin
from pipeline.stages.forecast_record import SeriesRecord, record_tables
from pipeline.stages.history import past_periods

SERIES = {
    "realized_variance": "volatility",
    "volume": "volume",
    "half_spread": "half_spread",
    "depth": "depth",
}
ZERO_BEARING = ("realized_variance", "volume")  # a period may have no move, and no trade
TOTALS = {"realized_variance": 0.5, "volume": 1.0}  # the power that the sum is told in
COVERAGE = 0.9  # of the intervals


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


def forecast_symbol(days: tuple[Features, ...], scope: Scope) -> Forecast:
    """Predict every period from what came before it.

    The horizon is forecast by the candidates that the past favours.
    The states that a law is fitted to are always the state space's: each a conditional mean given
    one fixed set of information, so that the estimates do not hang on which candidate won. A
    period without a trade, or without a move, is a zero: expected volume and variance are the
    chance of one times its size.
    Raises: ValueError when nothing lies before `as_of`, or hardly a period trades or moves.
    """
    periods = past_periods(days, scope)
    if periods.empty:
        raise ValueError(
            "no period of its tape lies before as_of; leave the symbol out or move --as-of"
        )
    dates = np.unique(periods["date"])
    rows = [*dates] if scope.date in dates else [*dates, scope.date]
    refuse_too_thin(periods)
    series = _all_series(periods, dates, rows, scope)
    past, horizon, totals = _states(periods, series, dates, scope)
    untested = [each for each in series if not all(one.tested for one in each.choices.values())]
    facts = CaveatFacts(
        tuple(SERIES[each.name] for each in untested),
        untested[0].choices["day_ahead"].reason if untested else "",
        past["volume"].to_numpy(),
        horizon["volume"].to_numpy(),
    )
    found = record_tables(
        {SERIES[each.name]: _record_input(each, dates) for each in series},
        dates,
        scope.holdout,
        COVERAGE,
    )
    return Forecast(
        past,
        horizon,
        found.backtest,
        found.scores,
        found.contest,
        found.unfolding,
        totals,
        forecast_warnings(periods, dates, scope, facts),
    )


def _all_series(
    periods: pd.DataFrame, dates: np.ndarray, rows: list[str], scope: Scope
) -> list[MeasuredSeries]:
    measured = {name: _matrix(periods, _logs(periods, name), rows, scope) for name in SERIES}
    given = dict(measured)
    if not sparse(measured["volume"]):
        rate = _log_rate(periods).fillna(_logs(periods, "volume"))
        given["volume"] = _matrix(periods, rate, rows, scope)
    kinds = weekend_kinds(rows, len(dates) + 1)
    found = []
    for name in SERIES:
        others = tuple(logs[: len(dates)] for other, logs in measured.items() if other != name)
        past = PastDays(given[name][: len(dates)], kinds, others)
        tracks = {candidate: track_candidate(candidate, past) for candidate in CANDIDATES}
        choices: dict[Horizon, Choice] = {
            horizon: choose_before(
                tracks, past.logs, name == "realized_variance", horizon, len(dates)
            )
            for horizon in ("next_period", "day_ahead")
        }
        found.append(MeasuredSeries(name, measured[name], past, tracks, choices))
    return found


def _logs(periods: pd.DataFrame, name: str) -> pd.Series:
    """Return logs, NaN where nothing positive was measured, -inf where zero was.

    A period is a zero only where a book stood: without one nothing is known of it.
    """
    logs = np.log(periods[name].where(periods[name] > 0))
    if name not in ZERO_BEARING:
        return logs
    return logs.mask((periods[name] == 0) & (periods["covered"] > 0), ZERO)


def _log_rate(periods: pd.DataFrame) -> pd.Series:
    """Return the log of the trading rate behind each period's volume.

    Volume sums a random number of trades, so that its log lies below that of its rate by half its
    squared coefficient of variation, sum q^2 / V^2 (delta method): little in a busy period, much in
    a thin one.
    """
    volume = periods["volume"].where(periods["volume"] > 0)
    return np.log(volume) + periods["volume_squares"] / volume**2 / 2


def _matrix(periods: pd.DataFrame, logs: pd.Series, rows: list[str], scope: Scope) -> np.ndarray:
    """Return log measurements, (R, N), NaN where missing; the day to be traded comes last."""
    matrix = np.full((len(rows), scope.periods), np.nan)
    row = np.searchsorted(np.asarray(rows), periods["date"].to_numpy())
    matrix[row, periods["period"].to_numpy()] = logs
    return matrix


def _states(
    periods: pd.DataFrame, series: list[MeasuredSeries], dates: np.ndarray, scope: Scope
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the states of past periods, those of the horizon, and the horizon's totals."""
    row, column = np.searchsorted(dates, periods["date"].to_numpy()), periods["period"].to_numpy()
    past = periods[["date", "period", "start"]].copy()
    ahead = pd.DataFrame(
        {
            "date": scope.date,
            "period": scope.first + np.arange(len(scope.starts)),
            "start": np.asarray(scope.starts),
        }
    )
    totals = []
    for each in series:
        name = SERIES[each.name]
        told, ratio = each.tracks[DEFAULT_CANDIDATE].next_period, each.ratio("next_period")[:-1]
        past[name] = _state(each, told, ratio.reshape(told.log_mean.shape))[row, column]
        forecast, ratio = _horizon(each, dates, scope), each.ratio("day_ahead")[-1]
        ahead[name] = _state(each, forecast, ratio)
        before = chosen_forecast(each.tracks, each.choices["day_ahead"], "day_ahead")
        errors = standard_errors(before, each.measured[: len(dates)])
        power = 0.5 if each.variance else 1.0
        ahead[f"{name}_low"], ahead[f"{name}_high"] = (
            bound**power for bound in interval(forecast, errors, COVERAGE)
        )
        if each.name in TOTALS:
            totals.append(_total(each, forecast, ahead[name].to_numpy()))
    return past, ahead, pd.DataFrame(totals)


def _total(
    series: MeasuredSeries, forecast: PeriodForecast, states: np.ndarray
) -> dict[str, object]:
    """Return the horizon's total with its interval: shares, or the root of summed variance."""
    power = TOTALS[series.name]
    expected = float((states ** (1 / power)).sum())
    events = int(np.isfinite(series.past.logs).sum())
    low, high = (end**power for end in total_interval(forecast, expected, COVERAGE, events))
    return {"series": SERIES[series.name], "expected": expected**power, "low": low, "high": high}


def _horizon(series: MeasuredSeries, dates: np.ndarray, scope: Scope) -> PeriodForecast:
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


def _state(series: MeasuredSeries, found: PeriodForecast, ratio: np.ndarray | float) -> np.ndarray:
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


def _record_input(series: MeasuredSeries, dates: np.ndarray) -> SeriesRecord:
    # Zeros are scored by means, which are those of what was forecast: of the rate behind volume.
    past = series.past.logs
    measured = past if bears_zeros(past) else series.measured[: len(dates)]
    return SeriesRecord(measured, series.past, series.tracks, series.choices, series.variance)
