"""From a source to one input per symbol and day: simulate, discover, ingest, group."""

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import fsspec
import pandas as pd
import polars as pl

from models.inference.caveat import Caveat
from pipeline.engine.code import code_key
from pipeline.engine.digests import digest, file_digest
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.engine.store import Store
from pipeline.engine.tables import Day
from pipeline.tape.clock import ClockCount, check_clock, holes_of
from pipeline.tape.ingest import DaySummary, day_batches, ingest_file, load_day
from pipeline.tape.ingest import source as source_module
from pipeline.tape.sources.source import RawFile

SUMMARY = "ingested.json"


@dataclass(frozen=True)
class IngestTask:
    """One raw file to be made canonical."""

    raw: RawFile
    source: str
    calendar: SessionCalendar
    store: Store


@dataclass(frozen=True)
class IngestOutput:
    """One raw file's canonical tables in the store."""

    key: str
    url: str
    raw: str
    days: tuple[DaySummary, ...]
    counts: tuple[tuple[str, str, str, int], ...]
    clock: ClockCount
    fresh: bool
    seconds: float


@dataclass(frozen=True)
class Refusal:
    """Why the file of one symbol cannot be used, where its name tells the symbol."""

    symbol: str
    reason: str
    fresh: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class DayInput:
    """All canonical parts of one symbol's day, in the order of time."""

    key: str
    urls: tuple[str, ...]
    symbol: str
    date: str

    def load(self) -> Day:
        """Return the day's quotes and trades."""
        parts = [load_day(url, self.symbol, self.date) for url in self.urls]
        return Day(
            pl.concat([part.quotes for part in parts]), pl.concat([part.trades for part in parts])
        )

    def batches(self, table: str) -> Iterator[pl.DataFrame]:
        """Yield one table of the day (quotes, trades) some rows at a time."""
        for url in self.urls:
            yield from day_batches(url, self.symbol, self.date, table)


def discover(source: str, location: str, columns: str = "") -> list[RawFile]:
    """Return the source's raw files at a location; `columns` is the column map of a source that
    takes one.

    Raises: InputError for an unknown source, no location, a map that is missing or not wanted, or
    nothing there.
    """
    module = source_module(source)
    if not location:
        raise InputError(f"source {source} needs a location; give --data FILE or DIR")
    if source == "taq":
        return module.discover(location, columns)
    if columns:
        raise InputError(
            f"columns = '{columns}': source {source} has columns of its own; leave it out of [data]"
        )
    return module.discover(location)


def ingest(task: IngestTask) -> IngestOutput:
    """Return one raw file's canonical tables, reading it only when its content or the code
    is new.
    """
    contents = [file_digest(url) for url in task.raw.urls]
    named = repr((task.raw.symbol, task.raw.date))
    key = digest(
        "ingest",
        code_key(ingest_file.__module__),
        task.source,
        repr(task.calendar),
        named,
        *contents,
    )
    started = time.perf_counter()
    fresh = not task.store.has("ingest", key)
    if fresh:
        task.store.publish("ingest", key, partial(_fill, task))
    url = task.store.url("ingest", key)
    with fsspec.open(f"{url}/{SUMMARY}", "r") as file:
        stored = json.load(file)
    days, counts = (
        tuple(DaySummary(**day) for day in stored["days"]),
        tuple(map(tuple, stored["counts"])),
    )
    clock = ClockCount(**(stored["clock"] | {"held": tuple(stored["clock"]["held"])}))
    seconds = time.perf_counter() - started
    return IngestOutput(key, url, task.raw.url, days, counts, clock, fresh, seconds)


def ingest_or_refuse(task: IngestTask) -> IngestOutput | Refusal:
    """Return one raw file's canonical tables, or why a file of one symbol has none.

    Raises: InputError for a file whose name does not tell its symbol.
    """
    try:
        return ingest(task)
    except InputError as error:
        if task.raw.symbol is None:
            raise
        return Refusal(task.raw.symbol, str(error))


def without_refused(
    outputs: list[IngestOutput | Refusal], asked: tuple[str, ...]
) -> tuple[list[IngestOutput], dict[str, str]]:
    """Return what can be used, and why some symbols are left out, with all of their files.

    Raises: InputError with the first reason when a symbol that was asked for is left out, or all.
    """
    reasons: dict[str, str] = {}
    for output in outputs:
        if isinstance(output, Refusal):
            reasons.setdefault(output.symbol, output.reason)
    kept = [
        output
        for output in outputs
        if isinstance(output, IngestOutput)
        and not any(day.symbol in reasons for day in output.days)
    ]
    for symbol, reason in reasons.items():
        if not kept or symbol in asked:
            raise InputError(reason)
    return kept, reasons


def _fill(task: IngestTask, directory: Path) -> None:
    ingested = ingest_file(task.raw, task.source, task.calendar, directory)
    (directory / SUMMARY).write_text(json.dumps(asdict(ingested)), encoding="utf-8")


def check_clocks(
    ingested: list[IngestOutput], calendar: SessionCalendar, source: str
) -> dict[str, tuple[Caveat, ...]]:
    """Check the clock of every file, those that share a symbol-day together, then of every symbol.

    Returns what there is to say, by symbol.
    Raises: InputError naming the first file whose times look to be of another zone.
    """
    of_symbol: dict[str, list[IngestOutput]] = defaultdict(list)
    for output in ingested:
        for symbol in sorted({day.symbol for day in output.days}):
            of_symbol[symbol].append(output)
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    groups = {
        tuple(map(id, group)): group for group in (*_same_days(ingested), *of_symbol.values())
    }
    for group in groups.values():  # files of many symbols are one group, not one a symbol
        days: dict[tuple[str, str], list[DaySummary]] = defaultdict(list)
        for day in (day for output in group for day in output.days):
            days[day.symbol, day.date].append(day)
        bounds = [
            (date, min(part.first_ns for part in parts), max(part.last_ns for part in parts))
            for (_, date), parts in days.items()
        ]
        clock = sum((output.clock for output in group[1:]), group[0].clock)
        said = check_clock(clock, holes_of(calendar, bounds), calendar, group[0].raw, source)
        for symbol in {symbol for symbol, _ in days} if said else ():
            found[symbol, said.code].append(f"{Path(group[0].raw).name}: {said.message}")
    return {
        symbol: tuple(
            Caveat(code, messages[0]) for (one, code), messages in found.items() if one == symbol
        )
        for symbol in of_symbol
    }


def _same_days(ingested: list[IngestOutput]) -> list[list[IngestOutput]]:
    """Return the files in groups: those that hold parts of one symbol-day are together."""
    group_of: dict[tuple[str, str], list[IngestOutput]] = {}
    for output in ingested:
        keys = {(day.symbol, day.date) for day in output.days}
        joined = {id(group_of[key]): group_of[key] for key in keys if key in group_of}
        group = [one for part in joined.values() for one in part] + [output]
        for member in group:
            group_of |= {(day.symbol, day.date): group for day in member.days}
    return list({id(group): group for group in group_of.values()}.values())


def group_days(ingested: list[IngestOutput], symbols: tuple[str, ...]) -> list[DayInput]:
    """Return one input per symbol and day, in order, of the symbols asked for (all when none are).

    Raises: InputError for a symbol that is not on the tape, a time that two files both cover, or
    one tape that is there under two names.
    """
    parts: dict[tuple[str, str], list[tuple[DaySummary, IngestOutput]]] = defaultdict(list)
    for output in ingested:
        for day in output.days:
            parts[day.symbol, day.date].append((day, output))
    there = sorted({symbol for symbol, _ in parts})
    for symbol in symbols:
        if symbol not in there:
            raise InputError(f"symbol {symbol}: not on the tape; it has {', '.join(there)}")
    _check_names({key: found for key, found in parts.items() if not symbols or key[0] in symbols})
    return [
        _whole_day(symbol, date, found)
        for (symbol, date), found in sorted(parts.items())
        if not symbols or symbol in symbols
    ]


def _check_names(parts: dict[tuple[str, str], list[tuple[DaySummary, IngestOutput]]]) -> None:
    """Refuse a ticker listed under its old and its new name, which would count as two symbols."""
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    for (symbol, date), found in sorted(parts.items()):
        for day, output in found:
            other, url = seen.setdefault((date, day.content), (symbol, output.raw))
            if other != symbol:
                raise InputError(
                    f"{output.raw}: {symbol} on {date} is the same tape as {other} ({url}); keep "
                    "one of "
                    "the two names with --symbols"
                )


def _whole_day(symbol: str, date: str, found: list[tuple[DaySummary, IngestOutput]]) -> DayInput:
    found = sorted(found, key=lambda part: part[0].first_ns)
    for (day, output), (later, other) in pairwise(found):
        if later.first_ns < day.last_ns:
            raise InputError(
                f"{other.raw}: {symbol} on {date} overlaps with {output.raw}; remove one of the two"
            )
    outputs = [output for _, output in found]
    return DayInput(
        digest(symbol, date, *(output.key for output in outputs)),
        tuple(output.url for output in outputs),
        symbol,
        date,
    )


def quality_table(ingested: list[IngestOutput], symbols: tuple[str, ...]) -> pd.DataFrame:
    """Return how many raw rows each cleaning rule touched, dates without a session included."""
    rows = [row for output in ingested for row in output.counts if not symbols or row[0] in symbols]
    frame = pd.DataFrame(rows, columns=["symbol", "date", "rule", "rows"])
    return frame.groupby(["symbol", "date", "rule"], as_index=False)["rows"].sum()
