"""Backtest forecasters within the day on bars: `impact backtest-forecasts --by period`."""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from models.forecast.evaluation.comparison import MCS_SIZE
from models.forecast.evaluation.contest import (
    LEAST_DAYS,
    Choice,
    Horizon,
    choose_before,
    chosen_forecast,
    interval,
    judge,
    standard_errors,
)
from models.forecast.intraday.catalogue import (
    BASELINE_CANDIDATE,
    CANDIDATES,
    CandidateTrack,
    PastDays,
    track_candidate,
)
from models.forecast.intraday.rest_of_day import forecast_rest_of_day
from models.forecast.intraday.volume_curve import volume_curve
from pipeline.engine.config import Config
from pipeline.engine.errors import InputError
from pipeline.engine.executor import Executor, choose_workers
from pipeline.engine.sessions import SessionCalendar, weekend_kinds
from pipeline.studies.backtest import null_if_nan
from pipeline.studies.panels import (
    PERCENT,
    VARIANCE,
    amounts,
    price_column,
    prices,
    read_frame,
    sessions_of,
    times,
)

HORIZONS: tuple[Horizon, ...] = ("next_period", "day_ahead")
COMPANIONS = ("volume", "trades", "range")  # what a regression may look at beside the target
CHOSEN = "chosen"
COVERAGE = 0.9
LEAST_MOVES = 5  # price changes a period: the logarithm of a variance from fewer is far from normal
ORIGINS = 13


@dataclass(frozen=True)
class PeriodRequest:
    """What was asked; window: days before the first one scored, 0 for two thirds that leave three
    to score.
    """

    panel: str
    target: str
    window: int


@dataclass(frozen=True, eq=False)
class Bars:
    """A panel cut into sessions: dates (D,), the target's logs and what goes with them, counts of
    what was left out.

    outside: bars outside the calendar's sessions; missing: periods of those days without a positive
    value.
    """

    dates: list[str]
    past: PastDays
    outside: int
    missing: int


@dataclass(frozen=True)
class PeriodBacktest:
    """tables: scores (origin, candidate, loss, dm_p, mcs_p, in_mcs, bias, coverage, n; best first),
    unfolding (period, updated, morning, days) and curve (candidate, tracking: root mean square of
    the VWAP curve's error), as rows.
    """

    request: PeriodRequest
    first: str
    last: str
    days: int
    outside: int
    missing: int
    choices: dict[str, str]
    scores: list[dict[str, object]]
    unfolding: list[dict[str, object]]
    curve: list[dict[str, object]]


def backtest_bars(request: PeriodRequest, config: Config) -> PeriodBacktest:
    """Forecast every period by every candidate, just before it and before its day; score the days
    after the window.

    The candidate `chosen` is what the window's days favour.
    Raises: InputError when the panel or the window cannot be used.
    """
    calendar = SessionCalendar(config.data.calendar, config.data.period_seconds)
    bars = read_bars(request.panel, request.target, calendar)
    days = len(bars.dates)
    window = request.window or max(1, min(2 * days // 3, days - LEAST_DAYS))
    if not 1 <= window <= days - LEAST_DAYS:
        raise InputError(
            f"{request.panel}: {days} sessions of calendar {calendar.name}; a window of {window} "
            "is not "
            f"between 1 and what leaves {LEAST_DAYS} to score; give a longer panel or another "
            "--window"
        )
    variance = request.target.lower() == VARIANCE
    with Executor(
        choose_workers(config.executor.workers, 0), config.executor.scheduler
    ) as executor:
        found = executor.map(_Follow(bars.past), list(CANDIDATES), "backtest")
    tracks = dict(zip(CANDIDATES, found, strict=True))
    choices = {
        horizon: choose_before(tracks, bars.past.logs, variance, horizon, window)
        for horizon in HORIZONS
    }
    scores = [
        row
        for horizon in HORIZONS
        for row in _scores(tracks, choices[horizon], horizon, bars, window, variance)
    ]
    return PeriodBacktest(
        request,
        bars.dates[window],
        bars.dates[-1],
        days - window,
        bars.outside,
        bars.missing,
        {
            horizon: f"{' + '.join(choice.members)}: {choice.reason}"
            for horizon, choice in choices.items()
        },
        scores,
        _unfolded(bars, choices["day_ahead"], window),
        _curves(bars, tracks, choices["day_ahead"], window)
        if request.target.lower() == "volume"
        else [],
    )


@dataclass(frozen=True, eq=False)
class _Follow:
    past: PastDays

    def __call__(self, name: str) -> CandidateTrack:
        return track_candidate(name, self.past)


def read_bars(path: str, target: str, calendar: SessionCalendar) -> Bars:
    """Cut bars into the calendar's sessions and periods: sums of the target; `rv` from squared
    changes of log price.

    Raises: InputError naming file, column or row, or when no bar lies within a session.
    """
    frame = read_frame(path)
    time = times(frame, path)
    ts = time.to_numpy().astype("datetime64[ns]").astype(np.int64)
    session = sessions_of(time, calendar, path)
    inside = ~np.isnat(session)
    dates = [str(day) for day in np.unique(session[inside])]
    sessions = [calendar.session(day) for day in dates]
    shape = (len(dates), max(each.periods for each in sessions))
    row = np.searchsorted(np.asarray(dates, dtype="datetime64[D]"), session[inside])
    opens = np.array([each.open_ns for each in sessions])[row]
    cell = row * shape[1] + (ts[inside] - opens) // (calendar.period_seconds * 10**9)
    columns = {name: _column(frame, name, path)[inside] for name in _wanted(frame, target)}
    if target.lower() == VARIANCE:
        if np.median(np.bincount(cell)[np.unique(cell)]) < LEAST_MOVES:
            raise InputError(
                f"{path}: rv needs at least {LEAST_MOVES} bars in a period; give a longer "
                f"--period-seconds than {calendar.period_seconds}"
            )
        columns[VARIANCE] = _squares(columns.pop(price_column(frame)), row)
    logs = {name: _logs(values, cell, shape) for name, values in columns.items()}
    past = PastDays(
        logs.pop(target.lower()), weekend_kinds(dates, len(dates) + 1), tuple(logs.values())
    )
    expected = sum(each.periods for each in sessions)
    return Bars(dates, past, int((~inside).sum()), int(expected - np.isfinite(past.logs).sum()))


def _wanted(frame: pd.DataFrame, target: str) -> list[str]:
    named = [price_column(frame) if target.lower() == VARIANCE else target.lower()]
    companions = [
        name
        for name in COMPANIONS
        if name in frame.columns
        or (name == "range" and {"high", "low", "close"} <= set(frame.columns))
    ]
    return list(dict.fromkeys(named + [name for name in companions if name != target.lower()]))


def _column(frame: pd.DataFrame, name: str, path: str) -> np.ndarray:
    if name == "range" and "range" not in frame.columns:
        high, low, close = (prices(frame, each, path) for each in ("high", "low", "close"))
        return (high - low) / close
    return (prices if name == price_column(frame) else amounts)(frame, name, path)


def _squares(close: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Return squared log changes in percent; a session's first bar has none, so that nights do not
    count.
    """
    squares = np.full(len(close), np.nan)
    squares[1:] = np.where(row[1:] == row[:-1], (PERCENT * np.diff(np.log(close))) ** 2, np.nan)
    return squares


def _logs(values: np.ndarray, cell: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    known = np.isfinite(values)
    total = np.bincount(cell[known], values[known], shape[0] * shape[1])
    return np.log(total, out=np.full(total.shape, np.nan), where=total > 0).reshape(shape)


def _scores(
    tracks: dict[str, CandidateTrack],
    choice: Choice,
    horizon: Horizon,
    bars: Bars,
    window: int,
    variance: bool,
) -> list[dict[str, object]]:
    told = {name: getattr(each, horizon) for name, each in tracks.items()} | {
        CHOSEN: chosen_forecast(tracks, choice, horizon)
    }
    logs, rows = bars.past.logs, []
    for entry in judge(told, logs, variance, window):
        forecast = told[entry.candidate]
        errors = standard_errors(forecast[:window], logs[:window])
        low, high = (bound[window:] for bound in interval(forecast, errors, COVERAGE))
        level, mean = np.exp(logs[window:]), forecast.mean[window:]
        known = np.isfinite(level) & np.isfinite(mean)
        rows.append(
            {
                "origin": horizon,
                **asdict(entry),
                "in_mcs": not entry.mcs_p <= MCS_SIZE,
                "bias": float(mean[known].mean() / level[known].mean() - 1),
                "coverage": float(((level >= low) & (level <= high))[known].mean()),
            }
        )
    return rows


def _unfolded(bars: Bars, choice: Choice, window: int) -> list[dict[str, object]]:
    days, periods = bars.past.logs.shape
    origins = np.unique(np.arange(ORIGINS) * periods // ORIGINS)
    found = forecast_rest_of_day(bars.past, choice.members, range(window, days), origins)
    return [
        {
            "period": int(origin),
            "days": int(np.isfinite(found.updated[:, place]).sum()),
            "updated": float(np.nanmean(np.abs(found.updated[:, place]))),
            "morning": float(np.nanmean(np.abs(found.morning[:, place]))),
        }
        for place, origin in enumerate(origins)
        if np.isfinite(found.updated[:, place]).any()
    ]


def _curves(
    bars: Bars, tracks: dict[str, CandidateTrack], choice: Choice, window: int
) -> list[dict[str, object]]:
    """Return the error of the cumulative share of volume, root mean square over periods, averaged
    over days.

    A day counts up to its last trade, by the share of volume up to there, and weighs as many
    periods: half days and a panel that ends within a day are not taken for days without an
    afternoon.
    """
    ahead, logs = chosen_forecast(tracks, choice, "day_ahead"), bars.past.logs
    errors: dict[str, list[float]] = {CHOSEN: [], BASELINE_CANDIDATE: []}
    ends = [
        int(np.flatnonzero(np.isfinite(row))[-1]) + 1 if np.isfinite(row).any() else 0
        for row in logs
    ]
    days = [day for day in range(window, len(logs)) if ends[day]]
    for day in days:
        volume = np.where(np.isfinite(logs[day]), np.exp(logs[day]), 0.0)[: ends[day]]
        told = {
            CHOSEN: volume_curve(ahead[day], logs[:day]),
            BASELINE_CANDIDATE: np.exp(tracks[BASELINE_CANDIDATE].day_ahead.log_mean[day]).cumsum(),
        }
        for name, curve in told.items():
            miss = curve[: ends[day]] / curve[ends[day] - 1] - volume.cumsum() / volume.sum()
            errors[name].append(float(np.sqrt((miss**2).mean())))
    weights = [ends[day] for day in days]
    return [
        {"candidate": name, "tracking": float(np.average(each, weights=weights))}
        for name, each in errors.items()
        if weights
    ]


def content(backtest: PeriodBacktest) -> dict[str, object]:
    """Return the backtest as JSON-ready values, null where a test could not be made."""
    whole = asdict(backtest)
    return whole | {
        name: [{key: null_if_nan(value) for key, value in row.items()} for row in whole[name]]
        for name in ("scores", "unfolding", "curve")
    }


def report_text(backtest: PeriodBacktest) -> str:
    """Return the scores as tables."""
    request = backtest.request
    loss = "QLIKE" if request.target.lower() == VARIANCE else "MSE of logs"
    lines = [
        f"{request.target} by period: {backtest.days} days scored, {backtest.first} to "
        f"{backtest.last}; "
        f"{backtest.outside} bars outside the sessions, {backtest.missing} periods without a "
        "positive value",
        f"{'origin':<13}{'candidate':<20}{loss:>12}{'p / profile':>13}{'MCS p':>8}"
        f"{'bias':>8}{'cover':>8}{'n':>8}",
    ]
    lines += [
        f"{row['origin']:<13}{row['candidate']:<20}{row['loss']:>12.4f}{row['dm_p']:>13.2g}{row['mcs_p']:>8.3f}"
        f"{row['bias']:>+8.3f}{row['coverage']:>8.3f}{row['n']:>8}{' *' if row['in_mcs'] else ''}"
        for row in backtest.scores
    ]
    lines += [f"chosen for {horizon}: {what}" for horizon, what in backtest.choices.items()]
    lines += [
        f"VWAP curve, {row['candidate']}: tracking error {row['tracking']:.4f}"
        for row in backtest.curve
    ]
    lines += [
        "rest of the day, mean |log error| by period of the forecast, updated (made before the "
        "day): "
        + "  ".join(
            f"{row['period']}: {row['updated']:.3f} ({row['morning']:.3f})"
            for row in backtest.unfolding
        )
    ]
    return "\n".join(lines)
