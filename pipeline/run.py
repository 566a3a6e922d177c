"""The whole pipeline: every stage over every symbol, one MLflow run, one folder of results."""

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pandas as pd

from models.learners.regressors import Boosting
from pipeline.engine.config import Config
from pipeline.engine.executor import Executor, choose_workers
from pipeline.engine.job import Job, ingest_files, open_job
from pipeline.engine.scope import Scope, make_scope
from pipeline.engine.stage import Output, Task, execute
from pipeline.engine.store import code_version, fingerprint
from pipeline.engine.tables import Calibration
from pipeline.parameters import export
from pipeline.parameters.schema import Calendar, Params
from pipeline.report.publish import Results, publish_files, publish_run, render_files
from pipeline.report.record import RunFacts, SymbolReport
from pipeline.stages import allocate, calibrate, forecast, learn, pool, select
from pipeline.stages.history import content
from pipeline.stages.measure import measure_days
from pipeline.tape.days import DayInput
from pipeline.tape.simulate import simulate_to

PARAMETRIC = {
    "law": None,
    "square_root": "spread_sqrt",
}  # candidate -> family; None is the family asked for


@dataclass(frozen=True)
class SymbolWork:
    """One symbol's published stage outputs, in the order they are made; `laws` as in PARAMETRIC."""

    symbol: str
    days: tuple[Output, ...]
    forecast: Output
    laws: tuple[Output, ...]


@dataclass(frozen=True)
class ComparedWork:
    """The same with the candidates fitted and compared."""

    work: SymbolWork
    learned: Output
    selection: Output

    @property
    def exported(self) -> Calibration:
        """Return the calibration that the selection exports."""
        scores = self.selection.load().scores
        candidate = scores.loc[scores["exported"], "candidate"].iloc[0]
        return self.work.laws[list(PARAMETRIC).index(candidate)].load()


@dataclass(frozen=True)
class RunResult:
    """What a run leaves: its results and the lines that tell where everything is."""

    results: Results
    summary: tuple[str, ...]


def run_pipeline(config: Config, out: str) -> RunResult:
    """Take a tape to parameters, schedules and a report under `out`, tracked in MLflow.

    Raises: InputError for anything the user can mend; nothing under `out` but the cache has changed
    then.
    """
    with ExitStack() as stack:
        job, raw = open_job(config, out, stack)
        days, quality = ingest_files(job, raw)
        scope = make_scope([day.date for day in days], job.calendar, config)
        works = compare(job, calibrate_symbols(job, days, scope), scope)
        results = _results(job, works, quality, scope)
        from pipeline.tracking import mlflow_store as tracking

        name = f"{config.data.source} {scope.date}"
        results = results.tracked(
            stack.enter_context(tracking.tracked_run(config.track.experiment, name))
        )
        contents = render_files(results)
        publish_run(results, contents)
        files = publish_files(contents, out) | {"mlflow": tracking.ui_page()}
        return RunResult(results, _summary(job, results, files))


def simulate_tape(config: Config, out: str) -> str:
    """Write a simulated tape into the folder `out` and return it."""
    with Executor(choose_workers(config.executor.workers, 0)) as executor:
        simulate_to(Path(out), config.simulate, partial(executor.map, label="simulate"))
    return out


def ingest_tape(config: Config, out: str) -> list[str]:
    """Read a tape into the store under `out` and return where each day is and what the rules
    touched, as lines.
    """
    with ExitStack() as stack:
        job, raw = open_job(config, out, stack)
        days, quality = ingest_files(job, raw)
        touched = quality[quality["rows"] > 0]
        lines = [f"{day.symbol} {day.date}: {', '.join(day.urls)}" for day in days]
        return [*lines, "", "rows touched by each rule:", touched.to_string(index=False)]


def calibrate_symbols(job: Job, days: list[DayInput], scope: Scope) -> list[SymbolWork]:
    """Measure every symbol-day, then forecast every symbol and fit its parametric laws."""
    config = job.config
    measured = measure_days(job, days)
    symbols = sorted({day.symbol for day in days})
    past = [
        tuple(output for output, day in zip(measured, days, strict=True) if day.symbol == name)
        for name in symbols
    ]
    forecasts = job.per_symbol("forecast", symbols, forecast.run, scope, past)
    fits = job.stage(
        "calibrate",
        execute,
        [
            Task(
                "calibrate",
                f"{name} {candidate}",
                Calibration,
                calibrate.run,
                inputs,
                calibrate.CalibrateSettings(
                    scope, family or config.calibrate.family, config.calibrate.slices
                ),
                job.store,
            )
            for name, *inputs in zip(symbols, past, forecasts, strict=True)
            for candidate, family in PARAMETRIC.items()
        ],
    )
    laws = [tuple(fits[i : i + len(PARAMETRIC)]) for i in range(0, len(fits), len(PARAMETRIC))]
    return [SymbolWork(*parts) for parts in zip(symbols, past, forecasts, laws, strict=True)]


def compare(job: Job, works: list[SymbolWork], scope: Scope) -> list[ComparedWork]:
    """Fit the regressors and compare all candidates on held-out periods."""
    symbols = [work.symbol for work in works]
    past, forecasts = [work.days for work in works], [work.forecast for work in works]
    boosting = Boosting(**job.config.learn.model_dump())
    learned = job.per_symbol(
        "learn", symbols, learn.run, learn.LearnSettings(scope, boosting), past, forecasts
    )
    selected = job.per_symbol(
        "select",
        symbols,
        select.run,
        select.SelectSettings(scope),
        past,
        forecasts,
        [work.laws[0] for work in works],
        learned,
    )
    return [ComparedWork(*parts) for parts in zip(works, learned, selected, strict=True)]


def _export(
    job: Job, works: list[ComparedWork], fitted: list[export.Fitted], scope: Scope
) -> Params:
    past = [
        table
        for one in works
        for table in content(tuple(day.load() for day in one.work.days), scope)
    ]
    created = datetime.now(UTC).isoformat(timespec="seconds")
    provenance = export.Provenance(created, code_version(), fingerprint(past))
    calendar = Calendar(
        name=job.calendar.name,
        timezone=job.calendar.timezone,
        periods=scope.periods,
        period_seconds=scope.period_seconds,
    )
    return export.run(tuple(fitted), calendar, scope.close, provenance)


def _results(job: Job, works: list[ComparedWork], quality: pd.DataFrame, scope: Scope) -> Results:
    """Plan every symbol's order: all that can be refused is refused before anything is tracked or
    written.
    """
    pooled = pool.run(
        tuple((one.work.symbol, one.exported) for one in works), pool.PoolSettings(scope.periods)
    )
    fitted = [
        export.Fitted(one.symbol, work.work.forecast.load(), one.calibration, one.profile)
        for work, one in zip(works, pooled, strict=True)
    ]
    params, order = _export(job, works, fitted, scope), job.config.allocate
    reports = [
        SymbolReport(
            symbol=one.symbol,
            forecast=one.forecast,
            calibration=one.calibration,
            shrinkage=shared.shrinkage,
            learned=work.learned.load(),
            selection=work.selection.load(),
            schedule=allocate.run(params.symbols[one.symbol], order),
            order=order,
        )
        for work, one, shared in zip(works, fitted, pooled, strict=True)
    ]
    facts = RunFacts(
        created=params.created,
        code_version=params.code_version,
        data_hash=params.data_hash,
        mlflow_run_id=params.mlflow_run_id,
        source=job.config.data.source,
        as_of=export.iso(scope.as_of),
        stages=pd.DataFrame(job.stages),
    )
    return Results(job.config, params, tuple(reports), quality, facts)


def _summary(job: Job, results: Results, files: dict[str, str]) -> tuple[str, ...]:
    computed = sum(int(str(stage["computed"])) for stage in job.stages)
    reused = sum(int(str(stage["reused"])) for stage in job.stages)
    lines = [f"{computed} stage outputs computed, {reused} reused from {job.store.root}"]
    touched = results.quality.groupby("rule")["rows"].sum()
    counts = ", ".join(f"{rule} {rows:,}" for rule, rows in touched[touched > 0].items())
    lines.append(f"rows touched by cleaning rules: {counts or 'none'}")
    lines += [allocate.report_text(one.symbol, one.order, one.schedule) for one in results.symbols]
    lines += [
        f"report:     {files['report.html']}",
        f"parameters: {files['params.json']} (table: {files['params.parquet']})",
        f"schedule:   {files['schedule.csv']}",
        f"quality:    {files['quality.csv']}",
        f"MLflow:     run `impact ui` and open http://127.0.0.1:5000{files['mlflow']}",
    ]
    return tuple(lines)
