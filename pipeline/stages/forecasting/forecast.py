"""Forecast volatility, volume, spread and depth ahead, and each past period as it was then."""

import numpy as np
import pandas as pd

from models.forecast.evaluation.choice import Choice, choose_before, chosen_forecast
from models.forecast.evaluation.contest import Horizon, interval, standard_errors
from models.forecast.intraday.catalogue import (
    CANDIDATES,
    DEFAULT_CANDIDATE,
    PastDays,
    track_candidate,
)
from models.forecast.intraday.period_forecast import PeriodForecast
from models.forecast.intraday.sparse.totals import total_interval
from models.forecast.intraday.sparse.zeros import ZERO, bears_zeros, sparse
from pipeline.engine.scope import Scope
from pipeline.engine.sessions import weekend_kinds
from pipeline.engine.tables import Features, Forecast
from pipeline.stages.forecasting.forecast_caveats import (
    CaveatFacts,
    forecast_warnings,
    refuse_too_thin,
)
from pipeline.stages.forecasting.forecast_record import SeriesRecord, record_tables
from pipeline.stages.forecasting.horizon import (
    MeasuredSeries,
    flat_level,
    horizon_forecast,
    plan_state,
    walked_forward,
)
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
        walked_forward({SERIES[each.name]: each for each in series}, dates, scope),
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
        past[name] = plan_state(each, told, ratio.reshape(told.log_mean.shape))[row, column]
        forecast, ratio = horizon_forecast(each, dates, scope), each.ratio("day_ahead")[-1]
        if name == "half_spread":
            ahead["half_spread_mean"] = flat_level(each, forecast, dates, scope)
        ahead[name] = plan_state(each, forecast, ratio)
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


def _record_input(series: MeasuredSeries, dates: np.ndarray) -> SeriesRecord:
    # Zeros are scored by means, which are those of what was forecast: of the rate behind volume.
    past = series.past.logs
    measured = past if bears_zeros(past) else series.measured[: len(dates)]
    return SeriesRecord(measured, series.past, series.tracks, series.choices, series.variance)
