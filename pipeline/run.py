"""The whole pipeline: every stage over every symbol, one MLflow run, one folder of results."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from models.regressors import Boosting
from pipeline import allocate, calibrate, export, features, forecast, learn, select
from pipeline.config import Config
from pipeline.executor import Executor, choose_workers
from pipeline.history import past_periods
from pipeline.ingest import Day
from pipeline.params import Calendar, Params
from pipeline.publish import Results, publish_files, publish_run
from pipeline.report import RunFacts, SymbolReport
from pipeline.scope import Scope, make_scope
from pipeline.sessions import Session, SessionCalendar
from pipeline.simulate import simulate_to
from pipeline.sources import RawFile
from pipeline.stage import Output, Task, execute
from pipeline.store import Store, code_version, digest, fingerprint
from pipeline.tables import Calibration, Features, Forecast, Learned, Selection
from pipeline.tape import DayInput, IngestTask, discover, group_days, ingest, quality_table

PARAMETRIC = {"law": None, "square_root": "spread_sqrt"}  # candidate -> family; None is the family asked for


@dataclass(frozen=True)
class DaySettings:
    """How one symbol-day is measured."""

    session: Session
    sizes: tuple[float, ...]
    label: str


@dataclass
class Job:
    """One run's means: configuration, the source that reads its tape, store, executor, and what each stage did."""

    config: Config
    reader: str
    store: Store
    calendar: SessionCalendar
    executor: Executor
    stages: list[dict[str, object]] = field(default_factory=list)

    def stage(self, name: str, work: Callable[[Any], Any], tasks: Sequence[Any]) -> list[Any]:
        """Run one stage's tasks and count them."""
        outputs = self.executor.map(work, tasks, name)
        fresh = [output for output in outputs if output.fresh]
        self.stages.append({"stage": name, "tasks": len(outputs), "computed": len(fresh),
                            "reused": len(outputs) - len(fresh),
                            "seconds": sum(output.seconds for output in fresh)})
        return outputs


@dataclass(frozen=True)
class SymbolWork:
    """One symbol's published stage outputs, in the order they are made."""

    symbol: str
    days: tuple[Output, ...]
    forecast: Output
    laws: tuple[Output, ...]
    learned: Output
    selection: Output

    def fitted(self, scope: Scope) -> export.Fitted:
        """Return the forecast and the calibration that the selection exports."""
        scores = self.selection.load().scores
        exported = scores.loc[scores["exported"], "candidate"].iloc[0]
        law = self.laws[list(PARAMETRIC).index(exported)]
        return export.Fitted(self.symbol, self.forecast.load(), law.load(), scope.buckets)


@dataclass(frozen=True)
class RunResult:
    """What a run leaves: its results and the lines that tell where everything is."""

    results: Results
    summary: tuple[str, ...]


def run_pipeline(config: Config, out: str) -> RunResult:
    """Take a tape to parameters, schedules and a report under `out`, tracked in MLflow.

    Raises: InputError for anything the user can mend; nothing under `out` but the cache has changed then.
    """
    with ExitStack() as stack:
        job, raw = _open(config, out, stack)
        days = _days(job, raw)
        scope = make_scope([day.date for day in days], job.calendar, config)
        works = _symbol_works(job, days, scope)
        from pipeline import tracking

        name = f"{config.data.source} {scope.date}"
        run_id = stack.enter_context(tracking.tracked_run(config.track.experiment, name))
        params = _export(job, works, scope, run_id)
        results = _results(job, works, params, quality_table(days), scope)
        publish_run(results)
        files = publish_files(results, out)
        return RunResult(results, _summary(job, results, files))


def simulate_tape(config: Config, out: str) -> str:
    """Write a simulated tape into the folder `out` and return it."""
    with Executor(choose_workers(config.executor.workers, 0)) as executor:
        simulate_to(Path(out), config.simulate, partial(executor.map, label="simulate"))
    return out


def ingest_tape(config: Config, out: str) -> list[str]:
    """Read a tape into the store under `out` and return where each day is and what the rules touched, as lines."""
    with ExitStack() as stack:
        job, raw = _open(config, out, stack)
        days = _days_on_tape(job, raw)
        quality = quality_table(days)
        touched = quality[quality["rows"] > 0]
        lines = [f"{day.symbol} {day.date}: {', '.join(day.urls)}" for day in days]
        return [*lines, "", "rows touched by each rule:", touched.to_string(index=False)]


def _open(config: Config, out: str, stack: ExitStack) -> tuple[Job, list[RawFile]]:
    store = Store(f"{out.rstrip('/')}/cache")
    calendar = SessionCalendar(config.data.calendar, config.data.period_seconds)
    reader, location = config.data.source, config.data.location
    if reader == "simulate":
        reader, location = "databento", _simulated(config, store)
    raw = discover(reader, location)
    workers = choose_workers(config.executor.workers, sum(file.bytes for file in raw))
    executor = stack.enter_context(Executor(workers, config.executor.scheduler))
    return Job(config, reader, store, calendar, executor), raw


def _simulated(config: Config, store: Store) -> str:
    key = digest("simulate", code_version(), repr(config.simulate))
    if not store.has("simulate", key):
        with Executor() as executor:
            spread = partial(executor.map, label="simulate")
            store.publish("simulate", key, lambda folder: simulate_to(folder, config.simulate, spread) and None)
    return store.url("simulate", key)


def _days_on_tape(job: Job, raw: list[RawFile]) -> list[DayInput]:
    tasks = [IngestTask(file, job.reader, job.calendar, job.store) for file in raw]
    return group_days(job.stage("ingest", ingest, tasks), job.config.data.symbols)


def _days(job: Job, raw: list[RawFile]) -> list[DayInput]:
    """Return the symbol-days that a run may use: with `as_of`, none of a later session."""
    days = _days_on_tape(job, raw)
    if not job.config.data.as_of:
        return days
    as_of = make_scope([day.date for day in days], job.calendar, job.config).as_of
    return [day for day in days if job.calendar.session(day.date).open_ns < as_of]


def _measure(day: Day, settings: DaySettings) -> Features:
    return features.run(day, settings.session, settings.sizes, settings.label)


def _symbol_works(job: Job, days: list[DayInput], scope: Scope) -> list[SymbolWork]:
    config, store = job.config, job.store
    measured = job.stage("features", execute, [
        Task("features", f"{day.symbol} {day.date}", Features, _measure, (day,),
             DaySettings(job.calendar.session(day.date), config.features.sizes, f"{day.symbol} {day.date}"), store)
        for day in days])
    symbols = sorted({day.symbol for day in days})
    past = [tuple(output for output, day in zip(measured, days, strict=True) if day.symbol == name)
            for name in symbols]

    def per_symbol(
        stage: str, kind: type, run: Callable[..., Any], settings: Any, *inputs: Sequence[Any]
    ) -> list[Output]:
        return job.stage(stage, execute, [
            Task(stage, name, kind, run, group, settings, store)
            for name, *group in zip(symbols, *inputs, strict=True)])

    forecasts = per_symbol("forecast", Forecast, forecast.run, scope, past)
    fits = job.stage("calibrate", execute, [
        Task("calibrate", f"{name} {candidate}", Calibration, calibrate.run, (days_, forecast_),
             calibrate.CalibrateSettings(scope, family or config.calibrate.family), store)
        for candidate, family in PARAMETRIC.items()
        for name, days_, forecast_ in zip(symbols, past, forecasts, strict=True)])
    laws = list(zip(fits[: len(symbols)], fits[len(symbols) :], strict=True))
    boosting = Boosting(**config.learn.model_dump())
    learned = per_symbol("learn", Learned, learn.run, learn.LearnSettings(scope, boosting), past, forecasts)
    selected = per_symbol("select", Selection, select.run, select.SelectSettings(scope), past, forecasts,
                          [asked for asked, _ in laws], learned)
    return [SymbolWork(*parts) for parts in zip(symbols, past, forecasts, laws, learned, selected, strict=True)]


def _export(job: Job, works: list[SymbolWork], scope: Scope, run_id: str) -> Params:
    past = [past_periods(tuple(day.load() for day in work.days), scope) for work in works]
    created = datetime.now(UTC).isoformat(timespec="seconds")
    provenance = export.Provenance(created, code_version(), fingerprint(past), run_id)
    calendar = Calendar(name=job.calendar.name, timezone=job.calendar.timezone, periods=scope.periods,
                        period_seconds=scope.period_seconds)
    return export.run(tuple(work.fitted(scope) for work in works), calendar, provenance)


def _results(job: Job, works: list[SymbolWork], params: Params, quality: pd.DataFrame, scope: Scope) -> Results:
    order = job.config.allocate
    reports = []
    for work in works:
        fitted = work.fitted(scope)
        reports.append(SymbolReport(
            symbol=work.symbol, forecast=fitted.forecast, calibration=fitted.calibration,
            learned=work.learned.load(), selection=work.selection.load(),
            schedule=allocate.run(params.symbols[work.symbol], order), order=order))
    facts = RunFacts(
        created=params.created, code_version=params.code_version, data_hash=params.data_hash,
        mlflow_run_id=params.mlflow_run_id, source=job.config.data.source, as_of=export.iso(scope.as_of),
        stages=pd.DataFrame(job.stages))
    return Results(job.config, params, tuple(reports), quality, facts)


def _summary(job: Job, results: Results, files: dict[str, str]) -> tuple[str, ...]:
    computed = sum(int(str(stage["computed"])) for stage in job.stages)
    reused = sum(int(str(stage["reused"])) for stage in job.stages)
    lines = [f"{computed} stage outputs computed, {reused} reused from {job.store.root}"]
    for one in results.symbols:
        lines.append(allocate.report_text(one.symbol, one.order, one.schedule))
    lines += [f"report:     {files['report.html']}",
              f"parameters: {files['params.json']} (table: {files['params.parquet']})",
              f"schedule:   {files['schedule.csv']}",
              "MLflow:     run `impact ui` and open http://127.0.0.1:5000"]
    return tuple(lines)
