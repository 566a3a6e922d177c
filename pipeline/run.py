"""The whole pipeline, in the order of the data: tape to parameters, schedules and a report."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd

from pipeline.engine.config import Config
from pipeline.engine.findings import told
from pipeline.engine.job import Job, open_job
from pipeline.engine.store import check_out
from pipeline.fitting import (
    Ahead,
    Chosen,
    Fits,
    criteria,
    fit_symbols,
    look_ahead,
    parameters_of,
    pool_laws,
    selected,
)
from pipeline.parameters.export import iso
from pipeline.parameters.schema import Params
from pipeline.planning.order import check_capacity
from pipeline.planning.plan_text import report_text
from pipeline.planning.schedule import light, plan_order
from pipeline.planning.without_day import Planned, with_effects
from pipeline.publication.versions import (
    publish_run,
    waiting_in,
    waiting_of,
)
from pipeline.report.publish import Results, pages_of, render_files, run_record
from pipeline.report.results import RunFacts, SymbolReport
from pipeline.stages.calibration.pool import PooledSymbol
from pipeline.tape.opening import RawTape, Tape, find_tape
from pipeline.tape.truth import planted
from pipeline.tracking.connection import check_store
from pipeline.tracking.handover import Tracked, track_all, waiting_for


@dataclass(frozen=True)
class RunResult:
    """What a run leaves: its results and the lines that tell where everything is."""

    results: Results
    summary: tuple[str, ...]


Choice = Callable[[Job, Ahead, Fits], Chosen]


@dataclass(frozen=True)
class Made:
    """A tape's results, and what they were chosen from."""

    results: Results
    ahead: Ahead
    fits: Fits


def run_pipeline(config: Config, out: str) -> RunResult:
    """Take a tape to parameters, schedules and a report under `out`, tracked in MLflow.

    What could not be tracked waits beside the files for the next run.
    Raises: InputError for anything the user can mend; nothing under `out` but the cache has changed
    then.
    """
    check_out(out)
    check_store(config.track.experiment)
    raw = find_tape(config, out)
    with open_job(config, out, raw.bytes) as job:
        results, left_out = results_of(job, raw)
        done = published(job, results, out)
        return replace(done, summary=(*left_out, *done.summary))


def results_of(job: Job, raw: RawTape) -> tuple[Results, tuple[str, ...]]:
    """Return all that a tape comes to, and what of it was left out; nothing is published.

    Raises: InputError as `run_pipeline`.
    """
    made, left_out = made_of(job, raw, selected)
    return made.results, left_out


def made_of(job: Job, raw: RawTape, choose: Choice) -> tuple[Made, tuple[str, ...]]:
    """Return the same with what it was chosen from; choose: whose law and curve every symbol has.

    Raises: InputError as `run_pipeline`.
    """
    tally = job.tally
    tally.files, tally.bytes = len(raw.files), raw.bytes
    made = job.without_refused(lambda: _made(job, raw, choose))
    results = made.results
    touched = results.quality.groupby("rule")["rows"].sum()
    tally.as_of = results.facts.as_of
    tally.symbol_days = sum(one.read.days for one in results.symbols)
    tally.rows_touched = {str(rule): int(rows) for rule, rows in touched[touched > 0].items()}
    return made, job.left_out()


def _made(job: Job, raw: RawTape, choose: Choice) -> Made:
    ahead = look_ahead(job, raw)
    for symbol, forecast in ahead.forecasts.items():
        check_capacity(symbol, job.config.allocate, forecast.load().horizon["volume"].to_numpy())
    fits = fit_symbols(job, ahead)
    fitted = fitted_by(job, ahead, fits, choose)
    return Made(results_by(job, raw, ahead, fitted), ahead, fits)


def fitted_by(job: Job, ahead: Ahead, fits: Fits, choose: Choice) -> "Fitted":
    """Return the parameters of the laws and curves that are chosen, under the run's id."""
    chosen = choose(job, ahead, fits)
    pooled = pool_laws(chosen.laws, ahead)
    params = parameters_of(job, ahead, pooled, criteria(chosen), chosen.taught)
    params = params.model_copy(update={"run_id": job.tally.run_id})
    return Fitted(fits, chosen, pooled, params)


def results_by(job: Job, raw: RawTape, ahead: Ahead, fitted: "Fitted") -> Results:
    """Return the results of parameters: every symbol's order planned with them."""
    params, tape = fitted.params, ahead.tape
    reports = _plan(job.config, ahead, fitted, planted(raw))
    return Results(job.config, params, reports, tape.quality, _facts(job, tape, params))


@dataclass(frozen=True)
class Fitted:
    """What was fitted: every stage's outputs, what is exported of them, the parameter file."""

    fits: Fits
    chosen: Chosen
    pooled: list[PooledSymbol]
    params: Params


def _plan(
    config: Config, ahead: Ahead, fitted: Fitted, truth: dict[str, dict[str, float]]
) -> tuple[SymbolReport, ...]:
    """Plan every symbol's order: what can be refused is refused before anything is written."""
    order, fits, params, reports = config.allocate, fitted.fits, fitted.params, []
    for one in fitted.pooled:
        schedule = plan_order(params, one.symbol, order)
        planned = Planned(params, one.symbol, order, schedule.plan["optimal"].to_numpy(float))
        report = SymbolReport(
            symbol=one.symbol,
            forecast=ahead.forecasts[one.symbol].load(),
            calibration=one.calibration,
            shrinkage=one.shrinkage,
            learned=fits.learned[one.symbol].load(),
            selection=fitted.chosen.selections[one.symbol],
            schedule=schedule,
            order=order,
            caveats=ahead.tape.caveats[one.symbol],
            findings=with_effects(ahead.findings[one.symbol], one.calibration.without, planned),
            read=ahead.read[one.symbol],
            planted=truth.get(one.symbol, {}),
        )
        reports.append(report)
    return tuple(reports)


def _facts(job: Job, tape: Tape, params: Params) -> RunFacts:
    return RunFacts(
        created=params.created,
        code_version=params.code_version,
        data_hash=params.data_hash,
        run_id=params.run_id,
        source=job.config.data.source,
        location=job.config.data.location,
        as_of=iso(tape.scope.as_of),
        stages=pd.DataFrame(job.stages),
    )


def published(job: Job, results: Results, out: str, in_force: bool = True) -> RunResult:
    """Publish the files with the record of the run, then have it tracked, and what earlier runs
    left to be; in_force: or only kept beside what is.
    """
    run_id, pages = results.params.run_id, pages_of(results, job.executor.map)
    contents = render_files(results, pages)
    record = run_record(results, contents, pages)
    waiting = waiting_for(record, job.config.track.experiment, run_id)
    files = publish_run(contents, out, run_id, waiting.dump(), in_force)
    tracked = track_all(waiting_of(out, run_id), lambda: waiting_in(out))
    return RunResult(results, _summary(job, results, files, tracked))


def _summary(
    job: Job, results: Results, files: dict[str, str], tracked: Tracked
) -> tuple[str, ...]:
    def total(name: str) -> int:
        return sum(int(stage[name]) for stage in job.stages)

    counts = ", ".join(f"{rule} {rows:,}" for rule, rows in (job.tally.rows_touched or {}).items())
    return (
        f"{total('computed')} stage outputs computed, {total('reused')} reused from "
        f"{job.store.root}",
        f"rows touched by cleaning rules: {counts or 'none'}",
        *(
            f"{one.symbol}: {caveat.code}: {caveat.message}"
            for one in results.symbols
            for caveat in one.caveats
        ),
        *(report_text(one.symbol, one.order, light(one.schedule)) for one in results.symbols),
        *_findings(job, results),
        f"report:     {files['report.html']}",
        f"parameters: {files['params.json']} (table: {files['params.parquet']})",
        f"schedule:   {files['schedule.csv']}",
        f"quality:    {files['quality.csv']}",
        *(f"MLflow:     {line}" for line in tracked.said),
        *_where(tracked),
    )


def _where(tracked: Tracked) -> list[str]:
    address = f"http://127.0.0.1:5000{tracked.page}"
    return [f"MLflow:     run `impact ui` and open {address}"] if tracked.page else []


def _findings(job: Job, results: Results) -> list[str]:
    return [
        f"found: {one.symbol} {row.code}: {told(row, job.calendar.timezone)}"
        + (f" ({row.effect})" if row.effect else "")
        for one in results.symbols
        for row in one.findings.itertuples(index=False)
    ]
