"""Forecast: volatility, volume, spread, depth for the periods to be traded, and for each past one as it was then."""

import numpy as np
import pandas as pd

from models.intraday import one_step
from models.scores import mse_log, qlike, seasonal_baseline
from pipeline.history import past_periods
from pipeline.scope import Scope
from pipeline.tables import Features, Forecast

SERIES = {"realized_variance": "volatility", "volume": "volume", "half_spread": "half_spread", "depth": "depth"}
NEXT_PERIOD, AHEAD = "next period", "day ahead"
FEW_DAYS = 5


def run(days: tuple[Features, ...], scope: Scope) -> Forecast:
    """Predict every period from what came before it, the horizon included, and score against the seasonal baseline.

    A measurement of zero (no trade, no move) carries no logarithm: it counts as missing and is counted in a warning.
    """
    periods = past_periods(days, scope)
    dates = np.unique(periods["date"])
    matrices = {name: _matrix(periods, name, dates, scope) for name in SERIES}
    states, horizon = _states(periods, matrices, dates, scope)
    backtest, scores = _backtest(matrices, dates, scope)
    return Forecast(states, horizon, backtest, scores, _warnings(periods, len(dates)))


def _matrix(periods: pd.DataFrame, name: str, dates: np.ndarray, scope: Scope) -> np.ndarray:
    """Return log measurements, one row a day and the day to be traded last; missing ones are NaN."""
    rows = list(dates) if scope.date in dates else [*dates, scope.date]
    matrix = np.full((len(rows), scope.periods), np.nan)
    value = periods[name].to_numpy(dtype=float)
    usable = np.isfinite(value) & (value > 0)
    row = np.searchsorted(np.asarray(rows), periods["date"].to_numpy())
    matrix[row[usable], periods["period"].to_numpy()[usable]] = np.log(value[usable])
    return matrix


def _states(
    periods: pd.DataFrame, matrices: dict[str, np.ndarray], dates: np.ndarray, scope: Scope
) -> tuple[pd.DataFrame, pd.DataFrame]:
    row, column = np.searchsorted(dates, periods["date"].to_numpy()), periods["period"].to_numpy()
    past = periods[["date", "period", "start"]].copy()
    ahead = pd.DataFrame({"date": scope.date, "period": scope.first + np.arange(len(scope.starts)),
                          "start": np.asarray(scope.starts)})
    for name, matrix in matrices.items():
        mean, variance = one_step(matrix)
        power = 0.5 if name == "realized_variance" else 1.0
        level = np.exp(power * mean + power**2 * variance / 2)  # the mean of a lognormal raised to the power
        past[SERIES[name]] = level[row, column]
        ahead[SERIES[name]] = level[-1, ahead["period"].to_numpy()]
        if name == "realized_variance":
            ahead["sigma"] = np.exp((mean + variance / 2) / 2)[-1, ahead["period"].to_numpy()]
    return past, ahead


def _backtest(matrices: dict[str, np.ndarray], dates: np.ndarray, scope: Scope) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Forecast the held-out part period by period and from its start, beside the seasonal baseline."""
    tables, scores = [], []
    for name, matrix in matrices.items():
        history = matrix[: len(dates)]
        origins = _origins(history, scope.holdout)
        stepped = _levels(name, *one_step(history)), _baseline(name, history)
        scores.append(_score(name, NEXT_PERIOD, history, stepped, origins))
        ahead = np.full_like(history, np.nan), np.full_like(history, np.nan)
        for day, period in origins:
            known = history[: day + 1].copy()
            known[day, period:] = np.nan
            for whole, part in zip(ahead, (_levels(name, *one_step(known)), _baseline(name, known)), strict=True):
                whole[day, period:] = part[day, period:]
        scores.append(_score(name, AHEAD, history, ahead, origins))
        tables.append(_table(name, history, ahead, dates))
    return pd.concat(tables, ignore_index=True), pd.DataFrame(scores)


def _origins(history: np.ndarray, holdout: float) -> list[tuple[int, int]]:
    """Return (day, first held-out period) of the late days, or of the end of a single day."""
    days = len(history)
    if days > 1:
        return [(day, 0) for day in range(days - max(1, round(holdout * days)), days)]
    known = np.flatnonzero(np.isfinite(history[0]))
    return [(0, int(known[-max(1, round(holdout * len(known)))]))] if len(known) else []


def _levels(name: str, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return point forecasts in levels: the mean of a variance (for QLIKE), the median of the rest (for log errors)."""
    return np.exp(mean + variance / 2) if name == "realized_variance" else np.exp(mean)


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


def _warnings(periods: pd.DataFrame, days: int) -> pd.DataFrame:
    rows = [("FEW_DAYS", f"{days} days of history: time-of-day profiles and daily levels are provisional")
            ] if days < FEW_DAYS else []
    for name in SERIES:
        missing = int((~(periods[name] > 0)).sum())
        if missing:
            rows.append(("MISSING_PERIODS", f"{name}: {missing} of {len(periods)} periods without a positive "
                                            "measurement were treated as missing"))
    return pd.DataFrame(rows, columns=["code", "message"])
