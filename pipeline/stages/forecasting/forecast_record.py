"""The forecast stage's own record: held-out scores, the contest, the rest of the day."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.forecast.evaluation.choice import Choice, choose_before, chosen_forecast
from models.forecast.evaluation.contest import (
    ContestEntry,
    Horizon,
    interval,
    loss_name,
    losses,
    standard_errors,
)
from models.forecast.intraday.catalogue import CandidateTrack, PastDays
from models.forecast.intraday.moving import seasonal_baseline
from models.forecast.intraday.period_forecast import PeriodForecast, stack_forecasts
from models.forecast.intraday.rest_of_day import REST_OF_DAY_DAYS, forecast_rest_of_day
from models.forecast.intraday.sparse.zeros import bears_zeros, first_day

LABELS: dict[Horizon, str] = {"next_period": "next period", "day_ahead": "day ahead"}
REST_OF_DAY_SERIES = ("volatility", "volume")
ORIGINS = 13  # times of day at which its rest is forecast


@dataclass(frozen=True, eq=False)
class SeriesRecord:
    """One series' history.

    measured: (D, N) logs, -inf of zero; past: what it was forecast from; tracks: what was said;
    choices: what was chosen.
    """

    measured: np.ndarray
    past: PastDays
    tracks: dict[str, CandidateTrack]
    choices: dict[Horizon, Choice]
    variance: bool


@dataclass(frozen=True, eq=False)
class RecordTables:
    """The tables, as `pipeline.engine.tables.Forecast` describes them."""

    backtest: pd.DataFrame
    scores: pd.DataFrame
    contest: pd.DataFrame
    unfolding: pd.DataFrame


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What was said of the held-out part, by horizon.

    held: (D, N), whether a period belongs to it; members: of the forecast; bounds: of the interval.
    """

    held: np.ndarray
    forecasts: dict[Horizon, PeriodForecast]
    members: dict[Horizon, tuple[str, ...]]
    baselines: dict[Horizon, PeriodForecast]
    bounds: dict[Horizon, tuple[np.ndarray, np.ndarray]]


def record_tables(
    series: dict[str, SeriesRecord], dates: np.ndarray, holdout: float, coverage: float
) -> RecordTables:
    """Score the held-out part with what was chosen before it; list contest and rest of day."""
    held_out = {name: _held_out(one, holdout, coverage) for name, one in series.items()}
    scores = [row for name, held in held_out.items() for row in _scores(name, series[name], held)]
    backtest = [_backtest(name, series[name], held, dates) for name, held in held_out.items()]
    contest = [_contest(name, one) for name, one in series.items()]
    rest = [_rest_of_day(name, series[name]) for name in REST_OF_DAY_SERIES if name in series]
    return RecordTables(
        pd.concat(backtest, ignore_index=True),
        pd.DataFrame(scores),
        pd.concat(contest, ignore_index=True),
        pd.concat(rest, ignore_index=True),
    )


def _held_out(one: SeriesRecord, holdout: float, coverage: float) -> HeldOut:
    days, periods = one.measured.shape
    begin = days - max(1, round(holdout * days)) if days > 1 else 0
    forecasts, members, first = _forecasts(one, begin, holdout)
    held = np.zeros(one.measured.shape, dtype=bool)
    held[begin:] = np.arange(periods) >= first
    bounds = {}
    for horizon, forecast in forecasts.items():
        errors = standard_errors(forecast[:begin], one.measured[:begin])
        bounds[horizon] = interval(forecast, errors, coverage)
    return HeldOut(held, forecasts, members, _baselines(one, begin, first), bounds)


def _scores(name: str, one: SeriesRecord, held_out: HeldOut) -> list[dict[str, object]]:
    level, rows = np.exp(one.measured), []
    for horizon, forecast in held_out.forecasts.items():
        loss = losses(forecast, one.measured, one.variance)
        plain = losses(held_out.baselines[horizon], one.measured, one.variance)
        low, high = held_out.bounds[horizon]
        known = held_out.held & np.isfinite(loss) & np.isfinite(plain)
        columns = {"model": loss, "baseline": plain, "coverage": (level >= low) & (level <= high)}
        means = {
            column: values[known].mean() if known.any() else np.nan
            for column, values in columns.items()
        }
        rows.append(
            {
                "series": name,
                "origin": LABELS[horizon],
                "metric": loss_name(one.measured, one.variance),
                **means,
                "n": int(known.sum()),
                "candidates": " + ".join(held_out.members[horizon]),
            }
        )
    return rows


def _backtest(name: str, one: SeriesRecord, held_out: HeldOut, dates: np.ndarray) -> pd.DataFrame:
    """Return the day-ahead forecasts of the held-out periods beside what came."""
    ahead, baseline = (each["day_ahead"] for each in (held_out.forecasts, held_out.baselines))
    low, high = held_out.bounds["day_ahead"]
    means = one.variance or bears_zeros(one.measured)
    point = np.log(ahead.mean) if means else ahead.log_mean
    day, period = np.nonzero(held_out.held & np.isfinite(point))
    power = 0.5 if one.variance else 1.0
    columns = {
        "forecast": np.exp(point),
        "baseline": np.exp(baseline.log_mean),
        "realized": np.exp(one.measured),
        "low": low,
        "high": high,
    }
    return pd.DataFrame(
        {"series": name, "date": dates[day], "period": period}
        | {column: values[day, period] ** power for column, values in columns.items()}
    )


def _forecasts(
    one: SeriesRecord, begin: int, holdout: float
) -> tuple[dict[Horizon, PeriodForecast], dict[Horizon, tuple[str, ...]], int]:
    """Return what was chosen before the held-out part said, its members, its first period.

    A single day has only itself: its end is held out and forecast by the state space from what came
    before.
    """
    if begin:
        choices = {
            horizon: choose_before(one.tracks, one.past.logs, one.variance, horizon, begin)
            for horizon in LABELS
        }
        told = {
            horizon: chosen_forecast(one.tracks, choice, horizon)
            for horizon, choice in choices.items()
        }
        return told, {horizon: choice.members for horizon, choice in choices.items()}, 0
    known = np.flatnonzero(~np.isnan(one.measured[0]))
    first = one.measured.shape[1]
    if len(known):
        first = int(known[-max(1, round(holdout * len(known)))])
    cut = one.past.logs[:1].copy()
    cut[0, first:] = np.nan
    members = {horizon: one.choices[horizon].members for horizon in LABELS}
    told = {
        "next_period": stack_forecasts([first_day(one.past.logs[0])]),
        "day_ahead": stack_forecasts([first_day(cut[0])]),
    }
    return told, members, first


def _baselines(one: SeriesRecord, begin: int, first: int) -> dict[Horizon, PeriodForecast]:
    """Return each period's mean over the days before: a variance's own, else of its log.

    Within a single day: the mean so far, carried on from the first held-out period for the day
    ahead. Where there are zeros the mean is that of the measurement itself; of a period that never
    had anything else, that of all periods of those days.
    """
    zeros = bears_zeros(one.measured)
    levels = one.variance or zeros
    values = np.exp(one.measured) if levels else one.measured
    cut = values.copy()
    if not begin:
        cut[0, first:] = np.nan
    means = [
        pd.DataFrame(seasonal_baseline(each)).ffill(axis=1).to_numpy() for each in (values, cut)
    ]
    if zeros:
        means = [np.where(each > 0, each, _day_means(each)) for each in means]
    logs = [np.log(mean) if levels else mean for mean in means]
    step, ahead = (PeriodForecast(log, np.zeros(log.shape), np.zeros(log.shape)) for log in logs)
    return {"next_period": step, "day_ahead": ahead}


def _day_means(means: np.ndarray) -> np.ndarray:
    """Return the mean over every day's periods, (D, 1), NaN where that is nothing either."""
    known = np.isfinite(means)
    total = np.where(known, means, 0.0).sum(axis=1, keepdims=True)
    count = known.sum(axis=1, keepdims=True)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=total > 0)


def _contest(name: str, one: SeriesRecord) -> pd.DataFrame:
    rows = []
    for horizon, choice in one.choices.items():
        unscored = [ContestEntry((each,), np.nan, np.nan, np.nan, 0, 0) for each in choice.members]
        rows += [
            {
                "series": name,
                "origin": LABELS[horizon],
                "reason": choice.reason,
                "candidate": entry.candidate,
                "loss": entry.loss,
                "dm_p": entry.dm_p,
                "mcs_p": entry.mcs_p,
                "n": entry.n,
                "weight": choice.shares.get(entry.names[0], 0.0),
                "chosen": entry.names[0] in choice.members,
            }
            for entry in choice.entries or unscored
        ]
    return pd.DataFrame(rows)


def _rest_of_day(name: str, one: SeriesRecord) -> pd.DataFrame:
    """Return the mean absolute log error of the rest of the day by origin.

    updated: forecast at the origin, as far as updates had helped before; morning: before the day.
    """
    days, periods = one.measured.shape
    late = range(max(1, days - REST_OF_DAY_DAYS, days // 2), days)
    origins = np.unique(np.arange(ORIGINS) * periods // ORIGINS)
    past = PastDays(one.measured, one.past.kinds, one.past.companions)
    choice = choose_before(one.tracks, one.past.logs, one.variance, "day_ahead", late.start)
    found = forecast_rest_of_day(past, choice.shares, late, origins)
    known = np.isfinite(found.used)
    count = known.sum(axis=0)
    errors = {
        column: np.where(known, np.abs(values), 0.0).sum(axis=0) / np.maximum(count, 1)
        for column, values in (("updated", found.used), ("morning", found.morning))
    }
    return pd.DataFrame({"series": name, "period": origins, **errors, "days": count})[count > 0]
