"""Days that are held out, each with the parameters of what was before it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from pipeline.engine.errors import InputError
from pipeline.engine.job import Job
from pipeline.engine.sessions import SECOND_NS, Session
from pipeline.evaluation.candidates import LAWS, LEARNED
from pipeline.fitting import (
    fit_laws,
    fit_learners,
    look_ahead,
    parameters_of,
    pool_laws,
    taught_by,
)
from pipeline.parameters.schema import Params
from pipeline.tape.days import DayInput
from pipeline.tape.opening import RawTape, ingest_files


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A session that nothing was fitted on: its tape by symbol, and parameters by law."""

    session: Session
    days: dict[str, DayInput]
    params: dict[str, Params]


def held_out_days(
    job: Job, raw: RawTape, history: int, most: int, learn: bool
) -> Iterator[HeldOut]:
    """Yield the days behind the first `history` ones, the last `most` of them (0: all).

    learn: whether there are parameters with each learner's curve too.
    With one day on tape, or `as_of` given, it is the rest of that day behind what was before.
    Raises: InputError when no day is left, or a tape cannot be used.
    """
    days, _, _ = ingest_files(job, raw)
    dates = sorted({day.date for day in days})
    if len(dates) == 1 or job.config.data.as_of:
        params = _parameters(job, raw, job.config.data.as_of, learn)
        start = datetime.fromisoformat(params["law"].valid.start).timestamp()
        date = str(job.calendar.session_of(np.array([round(start) * SECOND_NS]))[0])
        if date not in dates:
            raise InputError(f"as_of {job.config.data.as_of}: no tape behind it; move --as-of")
        yield _held_out(job, days, date, params)
        return
    later = dates[history:]
    if not later:
        raise InputError(
            f"the tape has {len(dates)} days, all of them history; lower --history {history}"
        )
    for date in later[-most:]:
        session = job.calendar.session(date)
        opening = datetime.fromtimestamp(session.open_ns // SECOND_NS, ZoneInfo(session.timezone))
        params = _parameters(job, raw, opening.replace(tzinfo=None).isoformat(), learn)
        yield _held_out(job, days, date, params)


def _parameters(job: Job, raw: RawTape, as_of: str, learn: bool) -> dict[str, Params]:
    """Return the parameters of every law, of what was before a time, and of every learner."""
    data = job.config.data.model_copy(update={"as_of": as_of})
    then = replace(job, config=job.config.model_copy(update={"data": data}))
    ahead = look_ahead(then, raw)
    fitted = fit_laws(then, ahead, dict(LAWS))
    pooled = {name: pool_laws(laws, ahead) for name, laws in fitted.items()}
    found = {name: parameters_of(then, ahead, each, {}) for name, each in pooled.items()}
    if not learn:
        return found
    learners = fit_learners(then, ahead, fitted["law"])
    for name in ("law", *LEARNED):
        taught = taught_by(learners, dict.fromkeys(learners, name))
        found[name] = parameters_of(then, ahead, pooled["law"], {}, taught)
    return found


def _held_out(job: Job, days: list[DayInput], date: str, params: dict[str, Params]) -> HeldOut:
    known = params["law"].symbols
    there = {day.symbol: day for day in days if day.date == date and day.symbol in known}
    return HeldOut(job.calendar.session(date), there, params)
