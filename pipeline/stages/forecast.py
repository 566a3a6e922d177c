"""Forecast volatility, volume, spread and depth ahead, and each past period as it was then."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.forecast.evaluation.contest import (
    Choice,
    Horizon,
    choose_before,
    chosen_forecast,
    interval,
    standard_errors,
)
from models.forecast.intraday.catalogue import (
    CANDIDATES,
    DEFAULT_CANDIDATE,
    CandidateTrack,
    PastDays,
    track_candidate,
)
from models.forecast.intraday.liquidity_chain import discretise_liquidity
from models.forecast.intraday.period_forecast import PeriodForecast, average_forecasts
from models.forecast.intraday.state_space import fit_intraday, one_step
from pipeline.engine.scope import Scope
from pipeline.engine.sessions import weekend_kinds
from pipeline.engine.tables import Features, Forecast
from pipeline.stages.forecast_record import SeriesRecord, record_tables
from pipeline.stages.history import past_periods

SERIES = {
    "realized_variance": "volatility",
    "volume": "volume",
    "half_spread": "half_spread",
    "depth": "depth",
}
FEW_DAYS = 5
WELL_COVERED = 0.9
COVERAGE = 0.9  # of the intervals
CHAIN_STATES = 5


@dataclass(frozen=True, eq=False)
class MeasuredSeries:
    """One measurement's history.

    measured: (R, N) logs, the day to be traded last where it has no tape yet; past: the D days with
    tape, volume as the trading rate behind it; tracks: what every candidate said of them; choices:
    of the candidates, by horizon.
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


def forecast_symbol(days: tuple[Features, ...], scope: Scope) -> Forecast:
    """Predict every period from what came before it.

    The horizon is forecast by the candidates that the past favours.
    The states that a law is fitted to are always the state space's: each a conditional mean given
    one fixed set of information, so that the estimates do not hang on which candidate won. A
    measurement of zero (no trade, no move) carries no logarithm: it counts as missing and is
    counted in a warning.
    Raises: ValueError when nothing lies before `as_of`.
    """
    periods = past_periods(days, scope)
    if periods.empty:
        raise ValueError(
            "no period of its tape lies before as_of; leave the symbol out or move --as-of"
        )
    dates = np.unique(periods["date"])
    rows = [*dates] if scope.date in dates else [*dates, scope.date]
    series = _all_series(periods, dates, rows, scope)
    past, horizon = _states(periods, series, dates, scope)
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
        _chain(series[1], dates, scope),
        _warnings(periods, dates, scope, series),
    )


def _all_series(
    periods: pd.DataFrame, dates: np.ndarray, rows: list[str], scope: Scope
) -> list[MeasuredSeries]:
    measured = {
        name: _matrix(periods, np.log(periods[name].where(periods[name] > 0)), rows, scope)
        for name in SERIES
    }
    given = measured | {"volume": _matrix(periods, _log_rate(periods), rows, scope)}
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
) -> tuple[pd.DataFrame, pd.DataFrame]:
    row, column = np.searchsorted(dates, periods["date"].to_numpy()), periods["period"].to_numpy()
    past = periods[["date", "period", "start"]].copy()
    ahead = pd.DataFrame(
        {
            "date": scope.date,
            "period": scope.first + np.arange(len(scope.starts)),
            "start": np.asarray(scope.starts),
        }
    )
    for each in series:
        name = SERIES[each.name]
        past[name] = _state(each.name, each.tracks[DEFAULT_CANDIDATE].next_period)[row, column]
        forecast = _horizon(each, dates, scope)
        ahead[name] = _state(each.name, forecast)
        before = chosen_forecast(each.tracks, each.choices["day_ahead"], "day_ahead")
        errors = standard_errors(before, each.measured[: len(dates)])
        power = 0.5 if each.variance else 1.0
        ahead[f"{name}_low"], ahead[f"{name}_high"] = (
            bound**power for bound in interval(forecast, errors, COVERAGE)
        )
    return past, ahead


def _horizon(series: MeasuredSeries, dates: np.ndarray, scope: Scope) -> PeriodForecast:
    """Return the chosen candidates' forecast of the periods to be traded, given the day so far."""
    count, day = len(scope.starts), int(np.searchsorted(dates, scope.date))
    today = (
        series.past.logs[day, : scope.first] if day < len(dates) else np.full(scope.first, np.nan)
    )
    if day == 0:
        row = np.concatenate([today, np.full(scope.periods - scope.first, np.nan)])
        return one_step(row[None])[0][scope.first : scope.first + count]
    members = series.choices["day_ahead"].members
    fits = [CANDIDATES[name](series.past.until(day), None) for name in members]
    return average_forecasts([fit.update(today).forecast(count) for fit in fits])


def _state(name: str, found: PeriodForecast) -> np.ndarray:
    """Return what law and plan use: root mean variance, mean trading rate, medians else."""
    if name == "realized_variance":
        return np.sqrt(found.mean)
    if name == "volume":
        return np.exp(found.log_mean + found.state_variance / 2)
    return np.exp(found.log_mean)


def _chain(volume: MeasuredSeries, dates: np.ndarray, scope: Scope) -> pd.DataFrame:
    """Return the chain of the trading rate's log deviation from its forecast, from period one."""
    day = int(np.searchsorted(dates, scope.date))
    fit = fit_intraday(volume.past.logs[: max(day, 1)], None)
    variance = fit.dynamics.state_variance
    if day < len(dates) and day:
        variance = fit.update(volume.past.logs[day, : scope.first]).state.deviation_variance
    # The deviation's mean is in the forecast already.
    chain = discretise_liquidity(fit.dynamics, CHAIN_STATES, variance)
    moves = {f"to_{state}": chain.transition[:, state] for state in range(CHAIN_STATES)}
    states = {
        "deviation": chain.deviation,
        "initial": chain.initial,
        "stationary": chain.stationary,
    }
    return pd.DataFrame(states | moves)


def _record_input(series: MeasuredSeries, dates: np.ndarray) -> SeriesRecord:
    return SeriesRecord(
        series.measured[: len(dates)], series.past, series.tracks, series.choices, series.variance
    )


def _warnings(
    periods: pd.DataFrame, dates: np.ndarray, scope: Scope, series: list[MeasuredSeries]
) -> pd.DataFrame:
    untested = [
        SERIES[each.name]
        for each in series
        if not all(choice.tested for choice in each.choices.values())
    ]
    uncovered = int((periods["covered"] < WELL_COVERED).sum())
    found = [
        (
            len(dates) < FEW_DAYS,
            "few_days",
            f"{len(dates)} days of history: time-of-day profiles and daily levels are provisional",
        ),
        (
            bool(untested),
            "forecaster_untested",
            f"{', '.join(untested)}: {series[0].choices['day_ahead'].reason}",
        ),
        (
            dates[-1] != scope.last,
            "stale",
            f"the last day on tape is {dates[-1]}, other symbols have {scope.last}: "
            "levels and price are as old",
        ),
        (
            uncovered > 0,
            "uncovered",
            f"{uncovered} of {len(periods)} periods have a two-sided book less than "
            f"{WELL_COVERED:.0%} of the time",
        ),
    ]
    rows = [(code, message) for applies, code, message in found if applies]
    return pd.DataFrame(rows + _missing(periods), columns=["code", "message"])


def _missing(periods: pd.DataFrame) -> list[tuple[str, str]]:
    """Return a warning for every series with periods that no positive measurement stands for."""
    counts = {name: int((~(periods[name] > 0)).sum()) for name in SERIES}
    return [
        (
            "missing_periods",
            f"{name}: {count} of {len(periods)} periods without a positive measurement were "
            "treated as missing",
        )
        for name, count in counts.items()
        if count
    ]
