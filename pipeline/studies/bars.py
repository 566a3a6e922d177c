"""Read bars and cut them into a calendar's sessions and periods, for forecasters within the day."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.forecast.intraday.catalogue import PastDays
from models.forecast.intraday.sparse.zeros import ZERO
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import Session, SessionCalendar, weekend_kinds
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

COMPANIONS = ("volume", "trades", "range")  # what a regression may look at beside the target
LEAST_MOVES = 5  # price changes a period: the logarithm of a variance from fewer is far from normal


@dataclass(frozen=True, eq=False)
class Bars:
    """A panel cut into sessions.

    dates: (D,); past: the target's logs and what goes with them.
    outside: bars outside the calendar's sessions; missing: periods of those days without a value;
    zeros: those whose value is 0.
    """

    dates: list[str]
    past: PastDays
    outside: int
    missing: int
    zeros: int


def read_bars(path: str, target: str, calendar: SessionCalendar) -> Bars:
    """Cut bars into sessions and periods: the target's sums; `rv` from log price changes.

    Raises: InputError naming file, column or row, or when no bar lies within a session.
    """
    frame = read_frame(path)
    time = times(frame, path)
    ts = time.to_numpy().astype("datetime64[ns]").astype(np.int64)
    session = sessions_of(frame, time, calendar, path)
    inside = ~np.isnat(session)
    dates = [str(day) for day in np.unique(session[inside])]
    sessions = [calendar.session(day) for day in dates]
    shape = (len(dates), max(each.periods for each in sessions))
    row = np.searchsorted(np.asarray(dates, dtype="datetime64[D]"), session[inside])
    period, stretch = _places(ts[inside], sessions)
    cell = row * shape[1] + period
    columns = {name: _column(frame, name, path)[inside] for name in _wanted(frame, target)}
    if target.lower() == VARIANCE:
        if np.median(np.bincount(cell)[np.unique(cell)]) < LEAST_MOVES:
            raise InputError(
                f"{path}: rv needs at least {LEAST_MOVES} bars in a period; give a longer "
                f"--period-seconds than {calendar.period_seconds}"
            )
        columns[VARIANCE] = _squares(columns.pop(price_column(frame)), stretch)
    logs = {name: _logs(values, cell, shape) for name, values in columns.items()}
    past = PastDays(
        logs.pop(target.lower()), weekend_kinds(dates, len(dates) + 1), tuple(logs.values())
    )
    expected = sum(each.periods for each in sessions)
    known, zeros = int((~np.isnan(past.logs)).sum()), int(np.isneginf(past.logs).sum())
    return Bars(dates, past, int((~inside).sum()), expected - known, zeros)


def _places(ts: np.ndarray, sessions: list[Session]) -> tuple[np.ndarray, np.ndarray]:
    """Return each time's period in its session, and a number of the stretch between breaks."""
    starts, ends = (
        np.concatenate([getattr(each, name) for each in sessions])
        for name in ("starts_ns", "ends_ns")
    )
    at = np.searchsorted(starts, ts, side="right") - 1
    numbers = np.concatenate([np.arange(each.periods) for each in sessions])
    begins = (numbers == 0) | (starts != np.roll(ends, 1))
    return numbers[at], np.cumsum(begins)[at]


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
        with np.errstate(over="ignore"):
            spread = (high - low) / close
        if np.isinf(spread).any():
            row = int(np.argmax(np.isinf(spread)))
            raise InputError(
                f"{path}: row {row + 1}: high {high[row]:g}, low {low[row]:g} and close "
                f"{close[row]:g} are of different scales; mend the row"
            )
        return spread
    return (prices if name == price_column(frame) else amounts)(frame, name, path)


def _squares(close: np.ndarray, stretch: np.ndarray) -> np.ndarray:
    """Return squared log changes in percent; a stretch's first bar has none, of no night."""
    squares = np.full(len(close), np.nan)
    squares[1:] = np.where(
        stretch[1:] == stretch[:-1], (PERCENT * np.diff(np.log(close))) ** 2, np.nan
    )
    return squares


def _logs(values: np.ndarray, cell: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return logs of the sums by period: -inf where that is zero, NaN without a value."""
    known = np.isfinite(values)
    cells = shape[0] * shape[1]
    total = np.bincount(cell[known], values[known], cells)
    logs = np.log(total, out=np.full(cells, ZERO), where=total > 0)
    measured = np.bincount(cell[known], minlength=cells) > 0
    return np.where(measured, logs, np.nan).reshape(shape)
