"""The forecast stage's own record: held-out scores, the contest, the rest of the day."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.forecast.evaluation.contest import (
    Choice,
    ContestEntry,
    Horizon,
    choose_before,
    chosen_forecast,
    interval,
    losses,
    standard_errors,
)
from models.forecast.intraday.catalogue import CandidateTrack, PastDays
from models.forecast.intraday.moving import seasonal_baseline
from models.forecast.intraday.period_forecast import PeriodForecast
from models.forecast.intraday.rest_of_day import forecast_rest_of_day
from models.forecast.intraday.state_space import one_step

LABELS: dict[Horizon, str] = {"next_period": "next period", "day_ahead": "day ahead"}
REST_OF_DAY_SERIES = ("volatility", "volume")
REST_OF_DAY_DAYS, ORIGINS = 20, 13  # latest days and times of day at which their rest is forecast


@dataclass(frozen=True, eq=False)
class SeriesRecord:
    """One series' history.

    measured: (D, N) logs; past: what it was forecast from; tracks: what was said; choices: what was
    chosen.
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
                "metric": "qlike" if one.variance else "mse_log",
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
    point = np.log(ahead.mean) if one.variance else ahead.log_mean
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
    known = np.flatnonzero(np.isfinite(one.measured[0]))
    first = one.measured.shape[1]
    if len(known):
        first = int(known[-max(1, round(holdout * len(known)))])
    cut = one.past.logs[:1].copy()
    cut[0, first:] = np.nan
    members = {horizon: one.choices[horizon].members for horizon in LABELS}
    return {"next_period": one_step(one.past.logs[:1]), "day_ahead": one_step(cut)}, members, first


def _baselines(one: SeriesRecord, begin: int, first: int) -> dict[Horizon, PeriodForecast]:
    """Return each period's mean over the days before: a variance's own, else of its log.

    Within a single day: the mean so far, carried on from the first held-out period for the day
    ahead.
    """
    values = np.exp(one.measured) if one.variance else one.measured
    cut = values.copy()
    if not begin:
        cut[0, first:] = np.nan
    means = [
        pd.DataFrame(seasonal_baseline(each)).ffill(axis=1).to_numpy() for each in (values, cut)
    ]
    logs = [np.log(mean) if one.variance else mean for mean in means]
    step, ahead = (PeriodForecast(log, np.zeros(log.shape), np.zeros(log.shape)) for log in logs)
    return {"next_period": step, "day_ahead": ahead}


def _contest(name: str, one: SeriesRecord) -> pd.DataFrame:
    rows = []
    for horizon, choice in one.choices.items():
        unscored = [ContestEntry(each, each, np.nan, np.nan, np.nan, 0) for each in choice.members]
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
                "chosen": entry.candidate in choice.members,
            }
            for entry in choice.entries or unscored
        ]
    return pd.DataFrame(rows)


def _rest_of_day(name: str, one: SeriesRecord) -> pd.DataFrame:
    """Return the mean absolute log error of the rest of the day by origin.

    updated: forecast at the origin; morning: before the day.
    """
    days, periods = one.measured.shape
    late = range(max(1, days - REST_OF_DAY_DAYS, days // 2), days)
    origins = np.unique(np.arange(ORIGINS) * periods // ORIGINS)
    past = PastDays(one.measured, one.past.kinds, one.past.companions)
    choice = choose_before(one.tracks, one.past.logs, one.variance, "day_ahead", late.start)
    found = forecast_rest_of_day(past, choice.members, late, origins)
    known = np.isfinite(found.updated)
    count = known.sum(axis=0)
    errors = {
        column: np.where(known, np.abs(values), 0.0).sum(axis=0) / np.maximum(count, 1)
        for column, values in (("updated", found.updated), ("morning", found.morning))
    }
    return pd.DataFrame({"series": name, "period": origins, **errors, "days": count})[count > 0]
