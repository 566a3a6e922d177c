"""Every symbol's days as an asset by date and symbol, prepared in parallel for the nights.

Nights pool symbols and do not depend on the asset: what they need is in the cache, or they make it.
"""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pandas as pd

from pipeline.engine.config import Config
from pipeline.engine.sessions import SessionCalendar
from pipeline.schedule.refusals import AGAIN, told
from pipeline.stages.prepared import prepare_day


def symbol_days(
    config: Config, out: str, first: str, symbols: Sequence[str] = ()
) -> dg.Definitions:
    """Return the asset of every symbol's days and its job, `days`, a run a partition.

    symbols: those of [data] where none are given; without either there is no asset, since the names
    of files need not tell symbols. The history begins with [data] since, else with `first`.
    """
    names = list(dict.fromkeys(symbols or config.data.symbols))
    if not names:
        return dg.Definitions()
    calendar = SessionCalendar(config.data.calendar)
    dates = sessions_from(calendar, config.data.since or first)
    partitions = dg.MultiPartitionsDefinition(
        {"date": dates, "symbol": dg.StaticPartitionsDefinition(names)}
    )

    @dg.asset(
        partitions_def=partitions,
        retry_policy=AGAIN,
        group_name="impact",
        description="A symbol's day of tape: read, cleaned, screened and measured, in the cache.",
    )
    def day(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        key = context.partition_key
        assert isinstance(key, dg.MultiPartitionKey)
        with told():
            done = prepare_day(config, out, **key.keys_by_dimension)
        facts = {"quotes": done.quotes, "trades": done.trades}
        tables = {"touched": _table(done.touched), "stages": _table(pd.DataFrame(done.stages))}
        return dg.MaterializeResult(metadata=facts | tables)

    job = dg.define_asset_job("days", [day], executor_def=dg.in_process_executor)
    return dg.Definitions(assets=[day], jobs=[job])


def sessions_from(calendar: SessionCalendar, first: str) -> dg.DailyPartitionsDefinition:
    """Return a partition a session; the one that just closed is there before its day is over."""
    zone = ZoneInfo(calendar.timezone)
    without = [datetime.fromisoformat(date).replace(tzinfo=zone) for date in calendar.off(first)]
    return dg.DailyPartitionsDefinition(first, timezone=zone.key, end_offset=1, exclusions=without)


def _table(frame: pd.DataFrame) -> dg.MarkdownMetadataValue:
    return dg.MetadataValue.md(frame.to_markdown(index=False))
