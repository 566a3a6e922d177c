"""What a run may plan on: a tape and forecasts that passed their checks, or were accepted."""

import pandas as pd

from pipeline.engine.findings import refuse
from pipeline.engine.job import Job
from pipeline.engine.scope import Scope
from pipeline.engine.stage import Output
from pipeline.stages.history import past_periods
from pipeline.stages.screening.plausibility import judge_days, judge_forecast
from pipeline.stages.screening.screened import screened
from pipeline.tape.opening import Tape

Findings = dict[str, pd.DataFrame]
CROSSED = ("crossed", "locked")


def believed_tape(job: Job, tape: Tape, scope: Scope) -> tuple[Tape, Findings]:
    """Return the tape without the rows that it does not support itself, and findings by symbol.

    scope: what of the tape is known. Raises: InputError for what would make a plan unbelievable,
    unless [data] accept has its code.
    """
    whole = screened(job, tape, scope)
    rows = tape.quality[tape.quality["rule"].isin(CROSSED)]
    findings = {}
    for symbol, measures in whole.measures.items():
        crossed = rows[rows["symbol"] == symbol].groupby("date")["rows"].sum()
        findings[symbol] = joined(whole.findings[symbol], judge_days(measures, crossed))
    refuse(findings, job.config.data.accept, job.calendar.timezone)
    return whole.tape, findings


def believed_forecasts(
    job: Job, measured: dict[str, tuple[Output, ...]], forecasts: dict[str, Output], scope: Scope
) -> Findings:
    """Return what the forecasts say against themselves, by symbol.

    Raises: InputError unless [data] accept has the code.
    """
    findings = {}
    for symbol, forecast in forecasts.items():
        days = tuple(day.load() for day in measured[symbol])
        findings[symbol] = judge_forecast(forecast.load(), past_periods(days, scope))
    refuse(findings, job.config.data.accept, job.calendar.timezone)
    return findings


def joined(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return the findings of both tables, in the order of time."""
    if one.empty or other.empty:
        return other if one.empty else one
    both = pd.concat([one, other], ignore_index=True)
    return both.sort_values(["date", "first"], kind="stable", ignore_index=True)
