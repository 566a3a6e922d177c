"""A symbol's day prepared by itself: what a run finds in the cache that has it among others."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.engine.config import Config
from pipeline.engine.job import open_job
from pipeline.engine.scope import until_close
from pipeline.engine.sessions import Session, SessionCalendar
from pipeline.stages.measuring.measurement import measure_alone
from pipeline.stages.screening.believed import believed_tape
from pipeline.tape.opening import find_tape, open_tape


@dataclass(frozen=True)
class PreparedDay:
    """A symbol's day in the cache.

    quotes, trades: rows that are measured; touched: rule, rows, of those that touched any; stages:
    what each of them computed and found, as a job counts it.
    """

    quotes: int
    trades: int
    touched: pd.DataFrame
    stages: list[dict[str, Any]]


def prepare_day(config: Config, out: str, symbol: str, date: str) -> PreparedDay:
    """Read, clean, screen and measure one symbol's day as a run does at that day's close or later.

    Order sizes that are not configured follow from all days: what is measured at them is left.
    Raises: InputError for a day that cannot be used, UnbelievableTape for one that fails its
    checks.
    """
    calendar = SessionCalendar(config.data.calendar, config.data.period_seconds)
    session = calendar.session(date)
    alone = _alone(config, symbol, session)
    raw = find_tape(alone, out).of_session(session)
    with open_job(alone, out, raw.bytes) as job:
        opened = open_tape(job, raw)
        tape, _ = believed_tape(job, opened, opened.scope)
        measure_alone(job, tape)
    [day] = [one.load() for one in tape.days]
    rows = tape.quality[(tape.quality["date"] == date) & (tape.quality["rows"] > 0)]
    touched = rows[["rule", "rows"]].reset_index(drop=True)
    return PreparedDay(len(day.quotes), len(day.trades), touched, job.stages)


def _alone(config: Config, symbol: str, session: Session) -> Config:
    """Return the configuration that a symbol's day is all there is to, in this process."""
    known = until_close(config, session)
    data = known.data.model_copy(update={"symbols": (symbol,), "since": session.date})
    executor = known.executor.model_copy(update={"workers": 0})
    return known.model_copy(update={"data": data, "executor": executor})
