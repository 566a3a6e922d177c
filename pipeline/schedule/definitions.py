"""What Dagster needs to run the nights: assets by date, a schedule by the exchange's calendar.

`dagster dev -m pipeline.schedule.definitions` reads IMPACT_CONFIG (the TOML file of `impact
retrain`), IMPACT_OUT and IMPACT_FIRST (the first session to be retrained, YYYY-MM-DD). The logic is
that of the command line's functions; packages: the extra [schedule].
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pandas as pd

from pipeline.engine.config import Config, load_config
from pipeline.engine.errors import InputError, StoreUnreachable
from pipeline.engine.sessions import SECOND_NS, SessionCalendar
from pipeline.parameters.schema import read_params
from pipeline.publication.versions import in_force
from pipeline.retraining.retrain import retrain
from pipeline.tape.opening import find_tape

AFTER = timedelta(minutes=90)  # of the usual close, for the tape to arrive
AGAIN = dg.RetryPolicy(max_retries=3, delay=600)  # seconds, of a store that does not answer


def nightly(config: Config, out: str, first: str) -> dg.Definitions:
    """Return assets, job and schedule of the nights from a first session on.

    Partitions are days, of which those without a session come to nothing. A range is one run that
    takes its dates in order, since what is in force follows from night to night.
    """
    calendar = SessionCalendar(config.data.calendar)
    partitions = days_from(calendar, first)
    together = dg.BackfillPolicy.single_run()
    common = {"partitions_def": partitions, "backfill_policy": together, "group_name": "impact"}

    @dg.asset(**common, description="The raw files that are there, as they are found.")
    def tape(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        with _told():
            raw = find_tape(config, out)
        return dg.MaterializeResult(metadata={"files": len(raw.files), "bytes": raw.bytes})

    @dg.asset(
        **common,
        deps=[tape],
        retry_policy=AGAIN,
        description="Parameters made anew at the close, judged, and let in force or not.",
    )
    def night(context: dg.AssetExecutionContext) -> None:
        for date in context.partition_keys:
            if not is_session(calendar, date):
                context.add_asset_metadata({"outcome": "no session"}, partition_key=date)
                continue
            with _told():
                done = retrain(config, out, date)
            found = done.night
            context.log.info("%s: %s, %s", date, found.outcome, found.why)
            told = {"outcome": found.outcome, "why": found.why, "in_force": found.in_force}
            table = pd.DataFrame([one.model_dump() for one in found.checks])
            told |= {"checks": dg.MetadataValue.md(table.astype(str).to_markdown(index=False))}
            context.add_asset_metadata(told, partition_key=date)

    @dg.asset(**common, deps=[night], description="The published file, read as consumers do.")
    def parameters(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        with _told():
            params = read_params(f"{out.rstrip('/')}/params.json")
        told = {"run_id": in_force(out), "symbols": sorted(params.symbols)}
        told |= {"from": params.valid.start, "expires": params.valid.expires}
        return dg.MaterializeResult(metadata=told)

    job = dg.define_asset_job("nights", [tape, night, parameters], partitions_def=partitions)
    return dg.Definitions(
        assets=[tape, night, parameters], jobs=[job], schedules=[_schedule(job, calendar, first)]
    )


def days_from(calendar: SessionCalendar, first: str) -> dg.DailyPartitionsDefinition:
    """Return a partition a day; the session that just closed is there before its day is over."""
    return dg.DailyPartitionsDefinition(first, timezone=calendar.timezone, end_offset=1)


def is_session(calendar: SessionCalendar, date: str) -> bool:
    """Tell whether the calendar has a session on a date."""
    return calendar.sessions_from(date, 1)[0].date == date


def _schedule(job: Any, calendar: SessionCalendar, first: str) -> dg.ScheduleDefinition:
    """Return the nightly schedule: some time after the usual close, on days with a session."""
    zone = ZoneInfo(calendar.timezone)
    closed = calendar.sessions_from(first, 1)[0].close_ns / SECOND_NS
    at = datetime.fromtimestamp(closed, zone) + AFTER

    @dg.schedule(
        job=job,
        cron_schedule=f"{at.minute} {at.hour} * * *",
        execution_timezone=calendar.timezone,
        description="After the close of every session of the calendar.",
    )
    def every_session(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        now = context.scheduled_execution_time.astimezone(zone)
        date = f"{now:%Y-%m-%d}"
        if not is_session(calendar, date):
            return dg.SkipReason(f"{date} is no session of calendar {calendar.name}")
        return dg.RunRequest(partition_key=date)

    return every_session


@contextmanager
def _told() -> Iterator[None]:
    """Say a refusal in its one line; only a store that does not answer is worth another try."""
    try:
        yield
    except InputError as error:
        raise dg.Failure(str(error), allow_retries=isinstance(error, StoreUnreachable)) from error


def _stated() -> dg.Definitions:
    """Return the definitions that the environment asks for."""
    given = {name: os.environ.get(f"IMPACT_{name}") for name in ("CONFIG", "OUT", "FIRST")}
    missing = [f"IMPACT_{name}" for name in ("OUT", "FIRST") if not given[name]]
    if missing:
        raise InputError(f"{', '.join(missing)}: not set; see docs/schedule/dagster.yaml")
    return nightly(load_config(given["CONFIG"]), str(given["OUT"]), str(given["FIRST"]))


if {"IMPACT_OUT", "IMPACT_FIRST"} & set(os.environ):
    defs = _stated()
