"""What the forecast stage keeps of its own record: held-out scores, the contest of candidates, the
day unfolding.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.forecast.evaluation.contest import (
    Choice,
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
UNFOLD_DAYS, ORIGINS = (
    20,
    13,
)  # latest days and times of day at which the rest of the day is forecast


@dataclass(frozen=True, eq=False)
class SeriesRecord:
    """One series: measured logs (D, N), the past it was forecast from, what was said and what was
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


def record_tables(
    series: dict[str, SeriesRecord], dates: np.ndarray, holdout: float, coverage: float
) -> RecordTables:
    """Score the held-out part with what was chosen before it; list the contest over all days;
    unfold the late days.
    """
    scored = [_held_out(name, each, dates, holdout, coverage) for name, each in series.items()]
    contest = [_contest(name, each) for name, each in series.items()]
    unfolding = [
        _unfolded(name, each) for name, each in series.items() if name in ("volatility", "volume")
    ]
    return RecordTables(
        pd.concat([table for table, _ in scored], ignore_index=True),
        pd.DataFrame([row for _, rows in scored for row in rows]),
        pd.concat(contest, ignore_index=True),
        pd.concat(unfolding, ignore_index=True),
    )


def _held_out(
    name: str, one: SeriesRecord, dates: np.ndarray, holdout: float, coverage: float
) -> tuple[pd.DataFrame, list[dict[str, object]]]:
    begin = len(dates) - max(1, round(holdout * len(dates))) if len(dates) > 1 else 0
    told, members, first = _told(one, begin, holdout)
    held = np.zeros(one.measured.shape, dtype=bool)
    held[begin:] = np.arange(one.measured.shape[1]) >= first
    baseline = _baseline(one, begin, first)
    errors = {
        horizon: standard_errors(forecast[:begin], one.measured[:begin])
        for horizon, forecast in told.items()
    }
    rows = []
    for horizon, forecast in told.items():
        low, high = interval(forecast, errors[horizon], coverage)
        level = np.exp(one.measured)
        loss, plain = (
            losses(each, one.measured, one.variance) for each in (forecast, baseline[horizon])
        )
        known = held & np.isfinite(loss) & np.isfinite(plain)
        mean = {"model": np.nan, "baseline": np.nan, "coverage": np.nan}
        if known.any():
            mean = {
                "model": loss[known].mean(),
                "baseline": plain[known].mean(),
                "coverage": ((level >= low) & (level <= high))[known].mean(),
            }
        rows.append(
            {
                "series": name,
                "origin": LABELS[horizon],
                "metric": "qlike" if one.variance else "mse_log",
                **mean,
                "n": int(known.sum()),
                "candidates": " + ".join(members[horizon]),
            }
        )
    ahead = told["day_ahead"]
    return _table(
        name,
        one,
        held,
        ahead,
        baseline["day_ahead"],
        interval(ahead, errors["day_ahead"], coverage),
        dates,
    ), rows


def _told(
    one: SeriesRecord, begin: int, holdout: float
) -> tuple[dict[Horizon, PeriodForecast], dict[Horizon, tuple[str, ...]], int]:
    """Return what the candidates chosen before the held-out part said, their names, and its first
    period of a day.

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
    first = (
        int(known[-max(1, round(holdout * len(known)))]) if len(known) else one.measured.shape[1]
    )
    cut = one.past.logs[:1].copy()
    cut[0, first:] = np.nan
    members = {horizon: one.choices[horizon].members for horizon in LABELS}
    return {"next_period": one_step(one.past.logs[:1]), "day_ahead": one_step(cut)}, members, first


def _baseline(one: SeriesRecord, begin: int, first: int) -> dict[Horizon, PeriodForecast]:
    """Return the mean of the period over the days before (for a variance of itself, else of its
    log).

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


def _table(
    name: str,
    one: SeriesRecord,
    held: np.ndarray,
    ahead: PeriodForecast,
    baseline: PeriodForecast,
    bounds: tuple[np.ndarray, np.ndarray],
    dates: np.ndarray,
) -> pd.DataFrame:
    point = np.log(ahead.mean) if one.variance else ahead.log_mean
    day, period = np.nonzero(held & np.isfinite(point))
    power = 0.5 if one.variance else 1.0
    columns = {
        "forecast": np.exp(point),
        "baseline": np.exp(baseline.log_mean),
        "realized": np.exp(one.measured),
        "low": bounds[0],
        "high": bounds[1],
    }
    return pd.DataFrame(
        {"series": name, "date": dates[day], "period": period}
        | {column: values[day, period] ** power for column, values in columns.items()}
    )


def _contest(name: str, one: SeriesRecord) -> pd.DataFrame:
    rows = []
    for horizon, choice in one.choices.items():
        shared = {"series": name, "origin": LABELS[horizon], "reason": choice.reason}
        entries = choice.entries or ()
        rows += [
            shared
            | {
                "candidate": entry.candidate,
                "loss": entry.loss,
                "dm_p": entry.dm_p,
                "mcs_p": entry.mcs_p,
                "n": entry.n,
                "chosen": entry.candidate in choice.members,
            }
            for entry in entries
        ]
        if not entries:
            rows += [
                shared
                | {
                    "candidate": member,
                    "loss": np.nan,
                    "dm_p": np.nan,
                    "mcs_p": np.nan,
                    "n": 0,
                    "chosen": True,
                }
                for member in choice.members
            ]
    return pd.DataFrame(rows)


def _unfolded(name: str, one: SeriesRecord) -> pd.DataFrame:
    """Return the mean absolute log error of the rest of the day by origin, updated and as made
    before the day.
    """
    days, periods = one.measured.shape
    late = range(max(1, days - UNFOLD_DAYS, days // 2), days)
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
