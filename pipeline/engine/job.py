"""One run's means: configuration, store, executor, the tape opened, and the count of what each
stage did.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pandas as pd

from pipeline.engine.config import Config
from pipeline.engine.executor import Executor, choose_workers
from pipeline.engine.scope import make_scope
from pipeline.engine.sessions import SessionCalendar
from pipeline.engine.stage import Output, Task, execute
from pipeline.engine.store import Store, code_version, digest
from pipeline.tape.days import DayInput, IngestTask, discover, group_days, ingest, quality_table
from pipeline.tape.simulate import simulate_to
from pipeline.tape.sources.source import RawFile


@dataclass
class Job:
    """Configuration, the source that reads the tape, store, calendar, executor, and what each stage
    did.
    """

    config: Config
    reader: str
    store: Store
    calendar: SessionCalendar
    executor: Executor
    stages: list[dict[str, Any]] = field(default_factory=list)

    def stage(self, name: str, work: Callable[[Any], Any], tasks: Sequence[Any]) -> list[Any]:
        """Run one stage's tasks and count them."""
        outputs = self.executor.map(work, tasks, name)
        fresh = [output for output in outputs if output.fresh]
        self.stages.append(
            {
                "stage": name,
                "tasks": len(outputs),
                "computed": len(fresh),
                "reused": len(outputs) - len(fresh),
                "seconds": sum(output.seconds for output in fresh),
            }
        )
        return outputs

    def per_symbol(
        self,
        stage: str,
        symbols: Sequence[str],
        run: Callable[..., Any],
        settings: Any,
        *inputs: Sequence[Any],
    ) -> list[Output]:
        """Run `run(*one of each input, settings)` for every symbol; its annotation names what it
        returns.
        """
        kind = run.__annotations__["return"]
        return self.stage(
            stage,
            execute,
            [
                Task(stage, name, kind, run, group, settings, self.store)
                for name, *group in zip(symbols, *inputs, strict=True)
            ],
        )


def open_job(config: Config, out: str, stack: ExitStack) -> tuple[Job, list[RawFile]]:
    """Return the job and the raw files of its tape, simulated first where that is the source.

    Raises: InputError when source, location, calendar or scheduler is wrong.
    """
    store = Store(f"{out.rstrip('/')}/cache")
    calendar = SessionCalendar(config.data.calendar, config.data.period_seconds)
    reader, location = config.data.source, config.data.location
    if reader == "simulate":
        reader, location = "databento", simulated(config, store)
    raw = discover(reader, location, config.data.columns)
    workers = choose_workers(config.executor.workers, sum(file.bytes for file in raw))
    executor = stack.enter_context(Executor(workers, config.executor.scheduler))
    return Job(config, reader, store, calendar, executor), raw


def simulated(config: Config, store: Store) -> str:
    """Return where the configured simulated tape lies in the store, written now if it is
    not there.
    """
    key = digest("simulate", code_version(), repr(config.simulate))
    if not store.has("simulate", key):
        with Executor() as executor:
            spread = partial(executor.map, label="simulate")
            store.publish(
                "simulate",
                key,
                lambda folder: simulate_to(folder, config.simulate, spread) and None,
            )
    return store.url("simulate", key)


def ingest_files(job: Job, raw: list[RawFile]) -> tuple[list[DayInput], pd.DataFrame]:
    """Return the symbol-days that the run may use (with `as_of`, none of a later session), and the
    quality table.
    """
    tasks = [IngestTask(file, job.reader, job.calendar, job.store) for file in raw]
    asked = job.config.data.symbols
    outputs = job.stage("ingest", ingest, tasks)
    days, quality = group_days(outputs, asked), quality_table(outputs, asked)
    if job.config.data.as_of:
        as_of = make_scope([day.date for day in days], job.calendar, job.config).as_of
        days = [day for day in days if job.calendar.session(day.date).open_ns < as_of]
    return days, quality
