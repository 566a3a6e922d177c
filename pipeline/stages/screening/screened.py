"""A whole tape screened: every symbol-day's findings, and the days without what they leave out."""

from dataclasses import dataclass, replace

import pandas as pd

from models.microstructure.screening import RowBounds
from pipeline.engine.code import code_key
from pipeline.engine.digests import digest
from pipeline.engine.findings import SCREENED, finding_table
from pipeline.engine.job import Job
from pipeline.engine.scope import Scope
from pipeline.engine.stage import Output, Task, execute
from pipeline.engine.tables import Day, Screening
from pipeline.stages.screening.rows import ScreenSettings, apply_bounds, screen_day
from pipeline.tape.days import DayInput
from pipeline.tape.opening import Tape

LEFT_OUT = (*SCREENED, "frozen_quote")


@dataclass(frozen=True)
class ScreenedDay:
    """A symbol-day whose rows beyond its bounds are left out when it is read.

    frozen: (start, end) ns, of books that stand still.
    """

    key: str
    day: DayInput
    bounds: RowBounds
    frozen: tuple[tuple[int, int], ...]

    @property
    def symbol(self) -> str:
        """Return the symbol."""
        return self.day.symbol

    @property
    def date(self) -> str:
        """Return the date."""
        return self.day.date

    def load(self) -> Day:
        """Return the day's quotes and trades."""
        return apply_bounds(self.day.load(), self.bounds, self.frozen)


@dataclass(frozen=True)
class ScreenedTape:
    """The tape without the rows left out, what each symbol's days measure, and their findings."""

    tape: Tape
    measures: dict[str, pd.DataFrame]
    findings: dict[str, pd.DataFrame]


def screened(job: Job, tape: Tape, scope: Scope) -> ScreenedTape:
    """Screen every symbol-day of a tape; a day of which nothing is left out stays as it is.

    Rows left out are counted in the tape's quality table under the finding's code.
    """
    tasks = []
    for day in tape.days:
        session = job.calendar.session(day.date)
        settings = ScreenSettings(session, min(scope.as_of, session.close_ns))
        label = f"{day.symbol} {day.date}"
        tasks.append(Task("screen", label, screen_day, (day,), settings, job.store))
    outputs: list[Output] = job.stage("screen", execute, tasks)
    found: list[Screening] = [output.load() for output in outputs]
    days = [_kept(day, one) for day, one in zip(tape.days, found, strict=True)]
    rows = [
        (day.symbol, day.date, row.code, int(row.rows))
        for day, one in zip(tape.days, found, strict=True)
        for row in one.findings[one.findings["code"].isin(LEFT_OUT)].itertuples()
    ]
    left = pd.DataFrame(rows, columns=["symbol", "date", "rule", "rows"])
    left = left.groupby(["symbol", "date", "rule"], as_index=False)["rows"].sum()
    quality = pd.concat([tape.quality, left], ignore_index=True) if rows else tape.quality
    whole = replace(tape, days=days, quality=quality)
    by_symbol = whole.by_symbol(found)
    return ScreenedTape(
        whole,
        {
            name: pd.concat([one.measures for one in each], ignore_index=True)
            for name, each in by_symbol.items()
        },
        {name: _together(each) for name, each in by_symbol.items()},
    )


def _together(found: tuple[Screening, ...]) -> pd.DataFrame:
    tables = [one.findings for one in found if len(one.findings)]
    return pd.concat(tables, ignore_index=True) if tables else finding_table(())


def _kept(day: DayInput, found: Screening) -> "DayInput | ScreenedDay":
    table = found.findings
    if not table["code"].isin(LEFT_OUT).any():
        return day
    still = table[table["code"] == "frozen_quote"]
    frozen = tuple((int(row.first), int(row.last)) for row in still.itertuples())
    bounds = RowBounds(**found.bounds.iloc[0].to_dict())
    key = digest("screened", code_key(screen_day.__module__), day.key, repr((bounds, frozen)))
    return ScreenedDay(key, day, bounds, frozen)
