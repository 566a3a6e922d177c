"""Forecast: volatility, volume, spread, depth for the periods to be traded, and for each past one as it was then."""

import numpy as np
import pandas as pd

from models import intraday
from models.intraday import fit_intraday, one_step
from models.scores import mse_log, qlike, seasonal_baseline
from pipeline.history import past_periods
from pipeline.scope import Scope
from pipeline.tables import Features, Forecast

SERIES = {"realized_variance": "volatility", "volume": "volume", "half_spread": "half_spread", "depth": "depth"}
NEXT_PERIOD, AHEAD = "next period", "day ahead"
FEW_DAYS = 5
WELL_COVERED = 0.9


def run(days: tuple[Features, ...], scope: Scope) -> Forecast:
    """Predict every period from what came before it, the horizon included, and score against the seasonal baseline.

    A measurement of zero (no trade, no move) carries no logarithm: it counts as missing and is counted in a warning.
    Raises: ValueError when nothing lies before `as_of`.
    """
    periods = past_periods(days, scope)
    if periods.empty:
        raise ValueError("no period of its tape lies before as_of; leave the symbol out or move --as-of")
    dates = np.unique(periods["date"])
    measured = {name: _matrix(periods, np.log(periods[name].where(periods[name] > 0)), dates, scope) for name in SERIES}
    filtered = measured | {"volume": _matrix(periods, _log_rate(periods), dates, scope)}
    states, horizon = _states(periods, filtered, dates, scope)
    backtest, scores = _backtest(measured, filtered, dates, scope)
    return Forecast(states, horizon, backtest, scores, _warnings(periods, dates, scope))


def _log_rate(periods: pd.DataFrame) -> pd.Series:
    """Return the log of the trading rate behind each period's volume.

    Volume sums a random number of trades, so that its log lies below that of its rate by half its squared
    coefficient of variation, sum q^2 / V^2 (delta method): little in a busy period, much in a thin one.
    """
    volume = periods["volume"].where(periods["volume"] > 0)
    return np.log(volume) + periods["volume_squares"] / volume**2 / 2


def _matrix(periods: pd.DataFrame, logs: pd.Series, dates: np.ndarray, scope: Scope) -> np.ndarray:
    """Return log measurements, one row a day and the day to be traded last; missing ones are NaN."""
    rows = list(dates) if scope.date in dates else [*dates, scope.date]
    matrix = np.full((len(rows), scope.periods), np.nan)
    matrix[np.searchsorted(np.asarray(rows), periods["date"].to_numpy()), periods["period"].to_numpy()] = logs
    return matrix


def _states(
    periods: pd.DataFrame, matrices: dict[str, np.ndarray], dates: np.ndarray, scope: Scope
) -> tuple[pd.DataFrame, pd.DataFrame]:
    row, column = np.searchsorted(dates, periods["date"].to_numpy()), periods["period"].to_numpy()
    past = periods[["date", "period", "start"]].copy()
    ahead = pd.DataFrame({"date": scope.date, "period": scope.first + np.arange(len(scope.starts)),
                          "start": np.asarray(scope.starts)})
    for name, matrix in matrices.items():
        level = _state(name, one_step(matrix))
        past[SERIES[name]] = level[row, column]
        ahead[SERIES[name]] = level[-1, ahead["period"].to_numpy()]
    return past, ahead


def _state(name: str, found: intraday.Forecast) -> np.ndarray:
    """Return what the law and the plan use: the root of the mean variance, the mean trading rate, medians else."""
    if name == "realized_variance":
        return np.sqrt(found.mean)
    if name == "volume":
        return np.exp(found.log_mean + found.state_variance / 2)
    return np.exp(found.log_mean)


def _backtest(
    measured: dict[str, np.ndarray], filtered: dict[str, np.ndarray], dates: np.ndarray, scope: Scope
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Forecast the held-out part period by period and from its start, beside the seasonal baseline."""
    tables, scores = [], []
    for name in SERIES:
        history, given = measured[name][: len(dates)], filtered[name][: len(dates)]
        origins = _origins(history, scope.holdout)
        stepped = _point(name, one_step(given)), _baseline(name, history)
        scores.append(_score(name, NEXT_PERIOD, history, stepped, origins))
        ahead = np.full_like(history, np.nan), np.full_like(history, np.nan)
        for day, period in origins:
            ahead[0][day, period:] = _point(name, _at_origin(given, day, period))[period:]
            ahead[1][day, period:] = _baseline(name, _until(history, day, period))[day, period:]
        scores.append(_score(name, AHEAD, history, ahead, origins))
        tables.append(_table(name, history, ahead, dates))
    return pd.concat(tables, ignore_index=True), pd.DataFrame(scores)


def _at_origin(history: np.ndarray, day: int, period: int) -> intraday.Forecast:
    """Return the day's forecast made before `period` from all that came before it."""
    if day:
        return fit_intraday(history[:day]).one_step(_until(history, day, period)[day])
    found = one_step(_until(history, day, period))
    return intraday.Forecast(found.log_mean[0], found.state_variance[0], found.noise_variance[0])


def _until(history: np.ndarray, day: int, period: int) -> np.ndarray:
    known = history[: day + 1].copy()
    known[day, period:] = np.nan
    return known


def _origins(history: np.ndarray, holdout: float) -> list[tuple[int, int]]:
    """Return (day, first held-out period) of the late days, or of the end of a single day."""
    days = len(history)
    if days > 1:
        return [(day, 0) for day in range(days - max(1, round(holdout * days)), days)]
    known = np.flatnonzero(np.isfinite(history[0]))
    return [(0, int(known[-max(1, round(holdout * len(known)))]))] if len(known) else []


def _point(name: str, forecast: intraday.Forecast) -> np.ndarray:
    """Return point forecasts: the mean of a variance (for QLIKE), the median of the rest (for errors in logs)."""
    return forecast.mean if name == "realized_variance" else np.exp(forecast.log_mean)


def _baseline(name: str, history: np.ndarray) -> np.ndarray:
    if name == "realized_variance":
        return _carried(seasonal_baseline(np.exp(history)))
    return np.exp(_carried(seasonal_baseline(history)))


def _carried(baseline: np.ndarray) -> np.ndarray:
    """Fill what has no seasonal value yet with the last one known that day."""
    return pd.DataFrame(baseline).ffill(axis=1).to_numpy()


def _score(
    name: str, origin: str, history: np.ndarray, forecasts: tuple[np.ndarray, np.ndarray],
    origins: list[tuple[int, int]],
) -> dict[str, object]:
    chosen = np.zeros(history.shape, dtype=bool)
    for day, period in origins:
        chosen[day, period:] = True
    chosen &= np.isfinite(history) & np.isfinite(forecasts[0]) & np.isfinite(forecasts[1])
    loss = qlike if name == "realized_variance" else mse_log
    realized = np.exp(history[chosen])
    return {"series": SERIES[name], "origin": origin, "metric": loss.__name__,
            "model": loss(realized, forecasts[0][chosen]), "baseline": loss(realized, forecasts[1][chosen]),
            "n": int(chosen.sum())}


def _table(
    name: str, history: np.ndarray, ahead: tuple[np.ndarray, np.ndarray], dates: np.ndarray
) -> pd.DataFrame:
    day, period = np.nonzero(np.isfinite(ahead[0]))
    power = 0.5 if name == "realized_variance" else 1.0
    forecast, baseline, realized = (np.exp(power * np.log(values[day, period]))
                                    for values in (*ahead, np.exp(history)))
    return pd.DataFrame({"series": SERIES[name], "date": dates[day], "period": period, "forecast": forecast,
                         "baseline": baseline, "realized": realized})


def _warnings(periods: pd.DataFrame, dates: np.ndarray, scope: Scope) -> pd.DataFrame:
    rows = []
    if len(dates) < FEW_DAYS:
        rows.append(("few_days", f"{len(dates)} days of history: time-of-day profiles and daily levels are "
                                 "provisional"))
    if dates[-1] != scope.last:
        rows.append(("stale", f"the last day on tape is {dates[-1]}, other symbols have {scope.last}: "
                              "levels and price are as old"))
    uncovered = int((periods["covered"] < WELL_COVERED).sum())
    if uncovered:
        rows.append(("uncovered", f"{uncovered} of {len(periods)} periods have a two-sided book less than "
                                  f"{WELL_COVERED:.0%} of the time"))
    for name in SERIES:
        missing = int((~(periods[name] > 0)).sum())
        if missing:
            rows.append(("missing_periods", f"{name}: {missing} of {len(periods)} periods without a positive "
                                            "measurement were treated as missing"))
    return pd.DataFrame(rows, columns=["code", "message"])
