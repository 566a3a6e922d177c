"""From a source to one input per symbol and day: simulate, discover, ingest, group."""

import json
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import fsspec
import pandas as pd
import polars as pl

from pipeline.errors import InputError
from pipeline.ingest import Day, DaySummary, ingest_file, load_day, part_path
from pipeline.ingest import source as source_module
from pipeline.sessions import SessionCalendar
from pipeline.sources import RawFile
from pipeline.store import Store, code_version, digest, file_digest, read_table

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
    fresh: bool
    seconds: float


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
        return Day(pl.concat([part.quotes for part in parts]), pl.concat([part.trades for part in parts]))


def discover(source: str, location: str) -> list[RawFile]:
    """Return the source's raw files at a location.

    Raises: InputError for an unknown source, no location, or nothing there.
    """
    module = source_module(source)
    if not location:
        raise InputError(f"source {source} needs a location; give --data FILE or DIR")
    return module.discover(location)


def ingest(task: IngestTask) -> IngestOutput:
    """Return one raw file's canonical tables, reading it only when its content or the code is new."""
    contents = [file_digest(url) for url in task.raw.urls]
    named = repr((task.raw.symbol, task.raw.date))
    key = digest("ingest", code_version(), task.source, repr(task.calendar), named, *contents)
    started = time.perf_counter()
    fresh = not task.store.has("ingest", key)
    if fresh:
        task.store.publish("ingest", key, partial(_fill, task))
    url = task.store.url("ingest", key)
    with fsspec.open(f"{url}/{SUMMARY}", "r") as file:
        days = tuple(DaySummary(**day) for day in json.load(file))
    return IngestOutput(key, url, task.raw.url, days, fresh, time.perf_counter() - started)


def _fill(task: IngestTask, directory: Path) -> None:
    ingested = ingest_file(task.raw, task.source, task.calendar, directory)
    days = [asdict(day) for day in ingested.days]
    (directory / SUMMARY).write_text(json.dumps(days), encoding="utf-8")


def group_days(ingested: list[IngestOutput], symbols: tuple[str, ...]) -> list[DayInput]:
    """Return one input per symbol and day, in order, of the symbols asked for (all when none are).

    Raises: InputError for a symbol that is not on the tape, or a time that two files both cover.
    """
    parts: dict[tuple[str, str], list[tuple[DaySummary, IngestOutput]]] = defaultdict(list)
    for output in ingested:
        for day in output.days:
            parts[day.symbol, day.date].append((day, output))
    there = sorted({symbol for symbol, _ in parts})
    for symbol in symbols:
        if symbol not in there:
            raise InputError(f"symbol {symbol}: not on the tape; it has {', '.join(there)}")
    return [_whole_day(symbol, date, found)
            for (symbol, date), found in sorted(parts.items()) if not symbols or symbol in symbols]


def _whole_day(symbol: str, date: str, found: list[tuple[DaySummary, IngestOutput]]) -> DayInput:
    found = sorted(found, key=lambda part: part[0].first_ns)
    for (day, output), (later, other) in pairwise(found):
        if later.first_ns < day.last_ns:
            raise InputError(f"{other.raw}: {symbol} on {date} overlaps with {output.raw}; remove one of the two")
    outputs = [output for _, output in found]
    return DayInput(digest(symbol, date, *(output.key for output in outputs)),
                    tuple(output.url for output in outputs), symbol, date)


def quality_table(days: list[DayInput]) -> pd.DataFrame:
    """Return how many raw rows each cleaning rule touched: symbol, date, rule, rows."""
    frames = [read_table(f"{url}/{part_path('counts', day.symbol, day.date)}").assign(
        symbol=day.symbol, date=day.date) for day in days for url in day.urls]
    counted = pd.concat(frames).groupby(["symbol", "date", "rule"], as_index=False)["rows"].sum()
    return counted.sort_values(["symbol", "date", "rule"], ignore_index=True)
