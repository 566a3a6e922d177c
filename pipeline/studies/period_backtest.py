"""Backtest forecasters within the day on bars: `impact backtest-forecasts --by period`."""

from dataclasses import asdict, dataclass

import numpy as np

from models.forecast.evaluation.choice import Choice, choose_before, chosen_forecast
from models.forecast.evaluation.comparison import MCS_SIZE
from models.forecast.evaluation.contest import (
    LEAST_DAYS,
    ContestEntry,
    Horizon,
    interval,
    judge,
    loss_name,
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
from models.forecast.intraday.volume_curve import expected_volume_curve
from pipeline.engine.config import Config
from pipeline.engine.errors import InputError
from pipeline.engine.executor import Executor, choose_workers
from pipeline.engine.json_content import json_ready
from pipeline.engine.sessions import SessionCalendar
from pipeline.studies.bars import Bars, read_bars
from pipeline.studies.panels import VARIANCE

HORIZONS: tuple[Horizon, ...] = ("next_period", "day_ahead")
CHOSEN = "chosen"
COVERAGE = 0.9
ORIGINS = 13
LOSSES = {
    "qlike": "QLIKE",
    "mse_log": "MSE of logs",
    "qlike_zeros": "QLIKE with 0",  # log h + RV / h less a constant of the realized values
    "tweedie": "Tweedie 3/2",
}


@dataclass(frozen=True)
class PeriodRequest:
    """What `--by period` was asked; window: days before the first one scored, 0 for two thirds."""

    panel: str
    target: str
    window: int


@dataclass(frozen=True)
class PeriodBacktest:
    """The scores, best first, and two tables beside them, as rows.

    loss: qlike, mse_log or, with zeros among the values, qlike_zeros, tweedie. scores: origin,
    candidate, loss, dm_p, mcs_p, in_mcs, bias, coverage, n; unfolding: period, updated (as far as
    that had helped before), morning, days; curve: candidate, tracking (root mean square error of
    the VWAP curve).
    """

    request: PeriodRequest
    first: str
    last: str
    days: int
    outside: int
    missing: int
    zeros: int
    loss: str
    choices: dict[str, str]
    scores: list[dict[str, object]]
    unfolding: list[dict[str, object]]
    curve: list[dict[str, object]]


def backtest_bars(request: PeriodRequest, config: Config) -> PeriodBacktest:
    """Forecast every period by every candidate; score the days after the window.

    Each is forecast just before it and before its day.
    Those that never differ share a row; the candidate `chosen` is what the window's days favour.
    Raises: InputError when the panel or the window cannot be used.
    """
    calendar = SessionCalendar(config.data.calendar, config.data.period_seconds)
    bars = read_bars(request.panel, request.target, calendar)
    days = len(bars.dates)
    window = _window(request, days, calendar)
    variance, volume = (request.target.lower() == name for name in (VARIANCE, "volume"))
    workers = choose_workers(config.executor.workers, 0)
    with Executor(workers, config.executor.scheduler) as executor:
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
        bars.zeros,
        loss_name(bars.past.logs, variance),
        {each: f"{' + '.join(one.members)}: {one.reason}" for each, one in choices.items()},
        scores,
        _rest_of_day(bars, choices["day_ahead"], window),
        _curves(bars, tracks, choices["day_ahead"], window) if volume else [],
    )


def _window(request: PeriodRequest, days: int, calendar: SessionCalendar) -> int:
    window = request.window or max(1, min(2 * days // 3, days - LEAST_DAYS))
    if not 1 <= window <= days - LEAST_DAYS:
        raise InputError(
            f"{request.panel}: {days} sessions of calendar {calendar.name}; a window of {window} "
            f"is not between 1 and what leaves {LEAST_DAYS} to score; give a longer panel or "
            "another --window"
        )
    return window


@dataclass(frozen=True, eq=False)
class _Follow:
    past: PastDays

    def __call__(self, name: str) -> CandidateTrack:
        return track_candidate(name, self.past)


def _scores(
    tracks: dict[str, CandidateTrack],
    choice: Choice,
    horizon: Horizon,
    bars: Bars,
    window: int,
    variance: bool,
) -> list[dict[str, object]]:
    forecasts = {name: getattr(each, horizon) for name, each in tracks.items()} | {
        CHOSEN: chosen_forecast(tracks, choice, horizon)
    }
    logs, rows = bars.past.logs, []
    for entry in judge(forecasts, logs, variance, window):
        forecast = forecasts[entry.names[0]]
        errors = standard_errors(forecast[:window], logs[:window])
        low, high = (bound[window:] for bound in interval(forecast, errors, COVERAGE))
        level, mean = np.exp(logs[window:]), forecast.mean[window:]
        known = np.isfinite(level) & np.isfinite(mean)
        rows += [
            {
                "origin": horizon,
                "candidate": name,
                "loss": entry.loss,
                "dm_p": entry.dm_p,
                "mcs_p": entry.mcs_p,
                "n": entry.n,
                "in_mcs": not entry.mcs_p <= MCS_SIZE,
                "bias": float(mean[known].mean() / level[known].mean() - 1),
                "coverage": float(((level >= low) & (level <= high))[known].mean()),
            }
            for name in _listed(entry)
        ]
    return rows


def _listed(entry: ContestEntry) -> list[str]:
    """Return the rows that a record takes: one for all candidates, one for the choice."""
    candidates = " = ".join(name for name in entry.names if name != CHOSEN)
    return [each for each in (candidates, CHOSEN) if each and (each in entry.candidate)]


def _rest_of_day(bars: Bars, choice: Choice, window: int) -> list[dict[str, object]]:
    days, periods = bars.past.logs.shape
    origins = np.unique(np.arange(ORIGINS) * periods // ORIGINS)
    found = forecast_rest_of_day(bars.past, choice.shares, range(window, days), origins)
    rows: list[dict[str, object]] = []
    for origin, updated, morning in zip(origins, found.used.T, found.morning.T, strict=True):
        count = int(np.isfinite(updated).sum())
        if count:
            mean = {"updated": updated, "morning": morning}
            errors = {name: float(np.nanmean(np.abs(each))) for name, each in mean.items()}
            rows.append({"period": int(origin), "days": count, **errors})
    return rows


def _curves(
    bars: Bars, tracks: dict[str, CandidateTrack], choice: Choice, window: int
) -> list[dict[str, object]]:
    """Return the VWAP curve's error, root mean square over periods, averaged over days.

    A day counts up to its last trade, by the share of volume up to there, and weighs as many
    periods: half days and a panel that ends within a day are not taken for days without an
    afternoon.
    """
    ahead, logs = chosen_forecast(tracks, choice, "day_ahead"), bars.past.logs
    errors: dict[str, list[float]] = {CHOSEN: [], BASELINE_CANDIDATE: []}
    ends = [_known_periods(row) for row in logs]
    days = [day for day in range(window, len(logs)) if ends[day]]
    for day in days:
        volume = np.where(np.isfinite(logs[day]), np.exp(logs[day]), 0.0)[: ends[day]]
        plain = tracks[BASELINE_CANDIDATE].day_ahead[day]
        curves = {
            CHOSEN: expected_volume_curve(ahead[day], logs[:day]),
            BASELINE_CANDIDATE: (plain.occurrence * np.exp(plain.log_mean)).cumsum(),
        }
        for name, curve in curves.items():
            miss = curve[: ends[day]] / curve[ends[day] - 1] - volume.cumsum() / volume.sum()
            errors[name].append(float(np.sqrt((miss**2).mean())))
    weights = [ends[day] for day in days]
    return [
        {"candidate": name, "tracking": float(np.average(each, weights=weights))}
        for name, each in errors.items()
        if weights
    ]


def _known_periods(row: np.ndarray) -> int:
    """Return the number of periods up to a day's last trade."""
    traded = np.flatnonzero(np.isfinite(row))
    return int(traded[-1]) + 1 if len(traded) else 0


def content(backtest: PeriodBacktest) -> dict[str, object]:
    """Return the backtest as JSON-ready values, null where a test could not be made."""
    whole = asdict(backtest)
    return whole | {name: json_ready(whole[name]) for name in ("scores", "unfolding", "curve")}


def report_text(backtest: PeriodBacktest) -> str:
    """Return the scores as tables."""
    request = backtest.request
    loss = LOSSES[backtest.loss]
    lines = [
        f"{request.target} by period: {backtest.days} days scored, "
        f"{backtest.first} to {backtest.last}; {backtest.outside} bars outside the sessions, "
        f"{backtest.missing} periods without a value, {backtest.zeros} of zero",
        f"{'origin':<13}{'candidate':<20}{loss:>12}{'p / profile':>13}{'MCS p':>8}"
        f"{'bias':>8}{'cover':>8}{'n':>8}",
    ]
    lines += [
        f"{row['origin']:<13}{row['candidate']:<20}{row['loss']:>12.4f}{row['dm_p']:>13.2g}"
        f"{row['mcs_p']:>8.3f}{row['bias']:>+8.3f}{row['coverage']:>8.3f}{row['n']:>8}"
        f"{' *' if row['in_mcs'] else ''}"
        for row in backtest.scores
    ]
    lines += [f"chosen for {horizon}: {what}" for horizon, what in backtest.choices.items()]
    lines += [
        f"VWAP curve, {row['candidate']}: tracking error {row['tracking']:.4f}"
        for row in backtest.curve
    ]
    rest = "  ".join(
        f"{row['period']}: {row['updated']:.3f} ({row['morning']:.3f})"
        for row in backtest.unfolding
    )
    lines.append(
        "rest of the day, mean |log error| by period of the forecast, "
        f"updated (made before the day): {rest}"
    )
    return "\n".join(lines)
