"""A tape opened: its files found or simulated, ingested, and what of them a run may use."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import pandas as pd

from models.inference.caveat import Caveat
from pipeline.engine.code import code_key
from pipeline.engine.config import Config
from pipeline.engine.digests import digest
from pipeline.engine.errors import InputError
from pipeline.engine.executor import Executor, choose_workers
from pipeline.engine.job import Job, cache_of, open_job
from pipeline.engine.scope import Scope, make_scope
from pipeline.engine.sessions import SECOND_NS, Session, SessionCalendar
from pipeline.engine.store import Store, check_out
from pipeline.tape.days import (
    DayInput,
    IngestTask,
    check_clocks,
    discover,
    group_days,
    ingest_or_refuse,
    quality_table,
    without_refused,
)
from pipeline.tape.simulate import simulate_to
from pipeline.tape.sources.source import RawFile

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class RawTape:
    """The raw files of a tape and the source that reads them."""

    source: str
    files: list[RawFile]

    @property
    def bytes(self) -> int:
        """Return how much there is to read."""
        return sum(file.bytes for file in self.files)

    def of_session(self, session: Session) -> "RawTape":
        """Return the files that are not of other days by their names: dates there are the
        exchange's or UTC's, and a session may lie on two of either.

        Raises: InputError when there is none.
        """
        ends = (session.open_ns, session.close_ns - 1)
        zones = (UTC, ZoneInfo(session.timezone))
        moments = [datetime.fromtimestamp(ns // SECOND_NS, zone) for ns in ends for zone in zones]
        dates = (None, session.date, *(f"{moment:%Y-%m-%d}" for moment in moments))
        files = [file for file in self.files if file.date in dates]
        if not files:
            raise InputError(
                f"{session.date}: none of the {len(self.files)} files is of it by its name, the "
                f"first is {self.files[0].url}; bring the tape up to date"
            )
        return RawTape(self.source, files)


@dataclass(frozen=True)
class Tape:
    """The symbol-days that a run may use, its scope, the rows that cleaning touched, and what there
    is to say of a symbol's files.
    """

    days: list[DayInput]
    scope: Scope
    quality: pd.DataFrame
    caveats: dict[str, tuple[Caveat, ...]]

    def by_symbol(self, found: list[Kind]) -> dict[str, tuple[Kind, ...]]:
        """Return what was found on each of the days, by symbol."""
        pairs = list(zip(self.days, found, strict=True))
        symbols = sorted({day.symbol for day in self.days})
        return {name: tuple(one for day, one in pairs if day.symbol == name) for name in symbols}


def find_tape(config: Config, out: str) -> RawTape:
    """Return the raw files of the tape, simulated below `out` first where that is the source.

    What can be told without the tape is checked before; with symbols asked for, files that are of
    others by their names are left.
    Raises: InputError when source, location, calendar or `out` is wrong.
    """
    check_out(out)
    SessionCalendar(config.data.calendar, config.data.period_seconds)
    source, location = config.data.source, config.data.location
    if source == "simulate":
        source, location = "databento", _simulated(config, cache_of(out))
    files, asked = discover(source, location, config.data.columns), config.data.symbols
    wanted = [file for file in files if not asked or file.symbol in (None, *asked)]
    return RawTape(source, wanted or files)


def open_tape(job: Job, raw: RawTape) -> Tape:
    """Ingest the files and return what the run may use (with `as_of`, no later session).

    Raises: InputError when the files cannot be used.
    """
    days, quality, caveats = ingest_files(job, raw)
    scope = make_scope([day.date for day in days], job.calendar, job.config)
    if job.config.data.as_of:
        days = [day for day in days if job.calendar.session(day.date).open_ns < scope.as_of]
        scope = make_scope([day.date for day in days], job.calendar, job.config)
    return Tape(days, scope, quality, caveats)


def ingest_files(
    job: Job, raw: RawTape
) -> tuple[list[DayInput], pd.DataFrame, dict[str, tuple[Caveat, ...]]]:
    """Return every symbol-day of the files, how many rows each rule touched, and caveats by symbol:
    one that cannot be used is left out with the reason, and the others go on.

    Raises: InputError when the files cannot be used.
    """
    tasks = [IngestTask(file, raw.source, job.calendar, job.store) for file in raw.files]
    asked = job.config.data.symbols
    outputs, reasons = without_refused(job.stage("ingest", ingest_or_refuse, tasks), asked)
    job.refused.update(reasons)
    days = _since(group_days(outputs, asked), job.config.data.since, job.since)
    wanted = [
        each for each in outputs if not asked or any(day.symbol in asked for day in each.days)
    ]
    left_out = {name: (Caveat("left_out", why),) for name, why in job.refused.items()}
    days = [day for day in days if day.symbol not in job.refused]
    job.symbols = {day.symbol for day in days}
    caveats = check_clocks(wanted, job.calendar, raw.source) | left_out
    return days, quality_table(outputs, asked), caveats


def _since(days: list[DayInput], first: str, own: Mapping[str, str]) -> list[DayInput]:
    """Leave out what is before a day, all symbols' or their own.

    Raises: InputError when nothing is left.
    """
    kept = [day for day in days if day.date >= max(first, own.get(day.symbol, ""))]
    if days and not kept:
        raise InputError(f"since {first}: the tape ends on {days[-1].date}; give an earlier day")
    return kept


def simulate_tape(config: Config, out: str) -> str:
    """Write a simulated tape into the folder `out` and return it.

    Raises: InputError when it cannot be written.
    """
    check_out(out)
    with Executor(choose_workers(config.executor.workers, 0)) as executor:
        simulate_to(Path(out), config.simulate, partial(executor.map, label="simulate"))
    return out


def ingest_tape(config: Config, out: str) -> list[str]:
    """Read a tape into the store under `out`; return where each day is and what the rules touched,
    as lines.
    """
    raw = find_tape(config, out)
    with open_job(config, out, raw.bytes) as job:
        days, quality, caveats = ingest_files(job, raw)
    touched = quality[quality["rows"] > 0]
    lines = [f"{day.symbol} {day.date}: {', '.join(day.urls)}" for day in days]
    lines += [
        f"{symbol}: {caveat.code}: {caveat.message}"
        for symbol, said in caveats.items()
        for caveat in said
    ]
    return [*lines, "", "rows touched by each rule:", touched.to_string(index=False)]


def _simulated(config: Config, store: Store) -> str:
    """Return where the simulated tape lies in the store, written now if it is not there."""
    key = digest("simulate", code_key(simulate_to.__module__), repr(config.simulate))
    if not store.has("simulate", key):
        with Executor() as executor:
            spread = partial(executor.map, label="simulate")
            store.publish(
                "simulate",
                key,
                lambda folder: simulate_to(folder, config.simulate, spread) and None,
            )
    return store.url("simulate", key)
