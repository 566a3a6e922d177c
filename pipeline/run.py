"""The whole pipeline, in the order of the data: tape to parameters, schedules and a report."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pandas as pd

from models.impact.book.families import Family
from models.learners.regressors import Boosting
from pipeline.engine.code import code_version
from pipeline.engine.config import Config
from pipeline.engine.findings import as_warnings, told
from pipeline.engine.job import Job, open_job
from pipeline.engine.stage import Output, Task, execute
from pipeline.engine.store import fingerprint
from pipeline.parameters.export import FittedSymbol, Provenance, export_params, iso
from pipeline.parameters.schema import Calendar, Params
from pipeline.planning.allocate import plan_order
from pipeline.planning.plan_text import report_text
from pipeline.planning.without_day import Planned, with_effects
from pipeline.report.publish import Results, publish_files, render_files, run_record
from pipeline.report.results import RunFacts, SymbolReport
from pipeline.stages.calibrate import CalibrateSettings, calibrate_symbol
from pipeline.stages.forecast import forecast_symbol
from pipeline.stages.history import past_content
from pipeline.stages.learn import LearnSettings, learn_costs
from pipeline.stages.measurement import measure_days
from pipeline.stages.pool import PooledSymbol, PoolSettings, pool_symbols
from pipeline.stages.screening.believed import believed_forecasts, believed_tape, joined
from pipeline.stages.select import LAWS, SelectSettings, exported_law, select_law
from pipeline.tape.opening import Tape, find_tape, open_tape


@dataclass(frozen=True)
class RunResult:
    """What a run leaves: its results and the lines that tell where everything is."""

    results: Results
    summary: tuple[str, ...]


@dataclass(frozen=True)
class Fits:
    """The stored outputs of every symbol; laws: by candidate of `LAWS`, then by symbol; findings:
    by symbol, of the checks of tape and forecasts.
    """

    measured: dict[str, tuple[Output, ...]]
    forecasts: dict[str, Output]
    laws: dict[str, dict[str, Output]]
    learned: dict[str, Output]
    selected: dict[str, Output]
    findings: dict[str, pd.DataFrame]


def run_pipeline(config: Config, out: str) -> RunResult:
    """Take a tape to parameters, schedules and a report under `out`, tracked in MLflow.

    Raises: InputError for anything the user can mend; nothing under `out` but the cache has changed
    then.
    """
    raw = find_tape(config, out)
    with open_job(config, out, raw.bytes) as job:
        opened = open_tape(job, raw)
        tape, findings = believed_tape(job, opened, opened.scope)
        measured = measure_days(job, tape)
        forecasts = job.per_symbol("forecast", forecast_symbol, tape.scope, measured)
        ahead = believed_forecasts(job, measured, forecasts, tape.scope)
        findings = {name: joined(table, ahead[name]) for name, table in findings.items()}
        laws = _fit_laws(job, tape, measured, forecasts)
        learned = job.per_symbol("learn", learn_costs, _learning(job, tape), measured, forecasts)
        compared = (measured, forecasts, laws["law"], learned)
        selected = job.per_symbol("select", select_law, SelectSettings(tape.scope), *compared)
        fits = Fits(measured, forecasts, laws, learned, selected, findings)
        pooled = _pool(fits, tape)
        params = _export(job, tape, fits, pooled)
        reports = _plan(config, fits, pooled, params, tape)
        results = Results(config, params, reports, tape.quality, _facts(job, tape, params))
        done = _publish(job, results, f"{config.data.source} {tape.scope.date}", out)
        return replace(done, summary=(*opened.left_out(), *done.summary))


def _fit_laws(
    job: Job, tape: Tape, measured: dict[str, tuple[Output, ...]], forecasts: dict[str, Output]
) -> dict[str, dict[str, Output]]:
    """Fit every candidate law to every symbol."""
    asked = job.config.calibrate
    wanted = None if asked.family == "auto" else Family(asked.family)
    tasks = []
    for symbol in measured:
        for candidate, family in LAWS.items():
            settings = CalibrateSettings(tape.scope, family or wanted)
            inputs = (measured[symbol], forecasts[symbol])
            label = f"{symbol} {candidate}"
            tasks.append(Task("calibrate", label, calibrate_symbol, inputs, settings, job.store))
    fits = iter(job.stage("calibrate", execute, tasks))
    found: dict[str, dict[str, Output]] = {candidate: {} for candidate in LAWS}
    for symbol in measured:
        for candidate in LAWS:
            found[candidate][symbol] = next(fits)
    return found


def _learning(job: Job, tape: Tape) -> LearnSettings:
    return LearnSettings(tape.scope, Boosting(**job.config.learn.model_dump()))


def _pool(fits: Fits, tape: Tape) -> list[PooledSymbol]:
    """Let the laws that the comparison exports borrow from each other."""
    exported = tuple(
        (symbol, fits.laws[exported_law(selection.load())][symbol].load())
        for symbol, selection in fits.selected.items()
    )
    return pool_symbols(exported, PoolSettings(tape.scope.periods))


def _export(job: Job, tape: Tape, fits: Fits, pooled: list[PooledSymbol]) -> Params:
    scope, calendar = tape.scope, job.calendar
    past = [
        table
        for days in fits.measured.values()
        for table in past_content(tuple(day.load() for day in days), scope)
    ]
    created = datetime.now(UTC).isoformat(timespec="seconds")
    fitted = tuple(
        FittedSymbol(
            symbol=one.symbol,
            forecast=fits.forecasts[one.symbol].load(),
            calibration=one.calibration,
            profile=one.profile,
            found=_found(one.symbol, tape, fits, calendar.timezone),
        )
        for one in pooled
    )
    session = Calendar(
        name=calendar.name,
        timezone=calendar.timezone,
        periods=scope.periods,
        period_seconds=scope.period_seconds,
    )
    provenance = Provenance(created, code_version(), fingerprint(past))
    return export_params(fitted, session, scope.close, provenance)


def _found(symbol: str, tape: Tape, fits: Fits, timezone: str) -> pd.DataFrame:
    """Return code and message of what there is to say of a symbol's files and of their content."""
    files = pd.DataFrame(map(vars, tape.caveats[symbol]), columns=["code", "message"])
    return pd.concat([files, as_warnings(fits.findings[symbol], timezone)], ignore_index=True)


def _plan(
    config: Config, fits: Fits, pooled: list[PooledSymbol], params: Params, tape: Tape
) -> tuple[SymbolReport, ...]:
    """Plan every symbol's order: what can be refused is refused before anything is written."""
    order, reports = config.allocate, []
    for one in pooled:
        schedule = plan_order(params, one.symbol, order)
        planned = Planned(params, one.symbol, order, schedule.plan["optimal"].to_numpy(float))
        report = SymbolReport(
            symbol=one.symbol,
            forecast=fits.forecasts[one.symbol].load(),
            calibration=one.calibration,
            shrinkage=one.shrinkage,
            learned=fits.learned[one.symbol].load(),
            selection=fits.selected[one.symbol].load(),
            schedule=schedule,
            order=order,
            caveats=tape.caveats[one.symbol],
            findings=with_effects(fits.findings[one.symbol], one.calibration.without, planned),
        )
        reports.append(report)
    return tuple(reports)


def _facts(job: Job, tape: Tape, params: Params) -> RunFacts:
    return RunFacts(
        created=params.created,
        code_version=params.code_version,
        data_hash=params.data_hash,
        mlflow_run_id=params.mlflow_run_id,
        source=job.config.data.source,
        as_of=iso(tape.scope.as_of),
        stages=pd.DataFrame(job.stages),
    )


def _publish(job: Job, results: Results, name: str, out: str) -> RunResult:
    """Write the files, then log the run: its id stands in the files, so that it is opened first."""
    from pipeline.tracking import mlflow_store as tracking

    with tracking.tracked_run(job.config.track.experiment, name) as run_id:
        results = results.tracked(run_id)
        contents = render_files(results)
        files = publish_files(contents, out) | {"mlflow": tracking.ui_page()}
        tracking.log(run_record(name, results, contents))
    return RunResult(results, _summary(job, results, files))


def _summary(job: Job, results: Results, files: dict[str, str]) -> tuple[str, ...]:
    def total(name: str) -> int:
        return sum(int(stage[name]) for stage in job.stages)

    touched = results.quality.groupby("rule")["rows"].sum()
    counts = ", ".join(f"{rule} {rows:,}" for rule, rows in touched[touched > 0].items())
    return (
        f"{total('computed')} stage outputs computed, {total('reused')} reused from "
        f"{job.store.root}",
        f"rows touched by cleaning rules: {counts or 'none'}",
        *(
            f"{one.symbol}: {caveat.code}: {caveat.message}"
            for one in results.symbols
            for caveat in one.caveats
        ),
        *(report_text(one.symbol, one.order, one.schedule) for one in results.symbols),
        *_findings(job, results),
        f"report:     {files['report.html']}",
        f"parameters: {files['params.json']} (table: {files['params.parquet']})",
        f"schedule:   {files['schedule.csv']}",
        f"quality:    {files['quality.csv']}",
        f"MLflow:     run `impact ui` and open http://127.0.0.1:5000{files['mlflow']}",
    )


def _findings(job: Job, results: Results) -> list[str]:
    return [
        f"found: {one.symbol} {row.code}: {told(row, job.calendar.timezone)}"
        + (f" ({row.effect})" if row.effect else "")
        for one in results.symbols
        for row in one.findings.itertuples(index=False)
    ]
