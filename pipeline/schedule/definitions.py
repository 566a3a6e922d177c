"""What Dagster needs to run the nights: assets by date, a schedule by the exchange's calendar.

`dagster dev -m pipeline.schedule.definitions` reads IMPACT_CONFIG (the TOML file of `impact
retrain`), IMPACT_OUT, IMPACT_FIRST (the first session to be retrained, YYYY-MM-DD) and, for the
asset by date and symbol, IMPACT_SYMBOLS (with commas; those of [data] where it is not set). The
logic is that of the command line's functions; packages: the extra [schedule].
"""

import os
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pandas as pd

from pipeline.engine.config import Config, load_config
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SECOND_NS, SessionCalendar
from pipeline.parameters.schema import read_params
from pipeline.publication.versions import in_force
from pipeline.retraining.retrain import retrain
from pipeline.schedule.refusals import AGAIN, told
from pipeline.schedule.symbol_days import symbol_days
from pipeline.tape.opening import find_tape

AFTER = timedelta(minutes=90)  # of the usual close, for the tape to arrive


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
        with told():
            raw = find_tape(config, out)
        return dg.MaterializeResult(metadata={"files": len(raw.files), "bytes": raw.bytes})

    @dg.asset(
        **common,
        deps=[tape],
        retry_policy=AGAIN,
        pool="nights",
        description="Parameters made anew at the close, judged, and let in force or not.",
    )
    def night(context: dg.AssetExecutionContext) -> None:
        for date in context.partition_keys:
            if not is_session(calendar, date):
                context.add_asset_metadata({"outcome": "no session"}, partition_key=date)
                continue
            with told():
                done = retrain(config, out, date)
            found = done.night
            context.log.info("%s: %s, %s", date, found.outcome, found.why)
            facts = {"outcome": found.outcome, "why": found.why, "in_force": found.in_force}
            table = pd.DataFrame([one.model_dump() for one in found.checks])
            facts |= {"checks": dg.MetadataValue.md(table.astype(str).to_markdown(index=False))}
            context.add_asset_metadata(facts, partition_key=date)

    @dg.asset(**common, deps=[night], description="The published file, read as consumers do.")
    def parameters(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        with told():
            params = read_params(f"{out.rstrip('/')}/params.json")
        facts = {"run_id": in_force(out), "symbols": sorted(params.symbols)}
        facts |= {"from": params.valid.start, "expires": params.valid.expires}
        return dg.MaterializeResult(metadata=facts)

    job = dg.define_asset_job("nights", [tape, night, parameters])
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


def _stated() -> dg.Definitions:
    """Return the definitions that the environment asks for."""
    given = {
        name: os.environ.get(f"IMPACT_{name}") for name in ("CONFIG", "OUT", "FIRST", "SYMBOLS")
    }
    missing = [f"IMPACT_{name}" for name in ("OUT", "FIRST") if not given[name]]
    if missing:
        raise InputError(f"{', '.join(missing)}: not set; see docs/schedule/dagster.yaml")
    config, out, first = load_config(given["CONFIG"]), str(given["OUT"]), str(given["FIRST"])
    symbols = [name.strip() for name in (given["SYMBOLS"] or "").split(",") if name.strip()]
    days = symbol_days(config, out, first, symbols)
    return dg.Definitions.merge(nightly(config, out, first), days)


if {"IMPACT_OUT", "IMPACT_FIRST"} & set(os.environ):
    defs = _stated()
