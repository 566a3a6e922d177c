"""One run's means: configuration, store, calendar, executor, and the count of what stages did."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pipeline.engine.config import Config
from pipeline.engine.errors import Refused
from pipeline.engine.executor import Executor, choose_workers
from pipeline.engine.run_log import LOG, RunTally, begin_run, new_run_id
from pipeline.engine.sessions import SessionCalendar
from pipeline.engine.stage import Output, Task, execute
from pipeline.engine.store import Store

Result = TypeVar("Result")


@dataclass
class Job:
    """What every stage of one run shares; `stages` counts what each of them did.

    symbols: of the tape, once it is open; tally: what the run counts, its id among it; since: the
    first day of the history of symbols that do not have all of it; sizes: of orders by symbol, at
    which its days are measured already.
    """

    config: Config
    store: Store
    calendar: SessionCalendar
    executor: Executor
    stages: list[dict[str, Any]] = field(default_factory=list)
    symbols: set[str] = field(default_factory=set)
    tally: RunTally = field(default_factory=lambda: RunTally(new_run_id()))
    since: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def refused(self) -> dict[str, str]:
        """Why symbols are left out, by symbol, whether their files or a stage told."""
        return self.tally.left_out

    def without_refused(self, work: Callable[[], Result]) -> Result:
        """Return what `work` comes to, begun anew without the symbols that it refuses: what is done
        is found.

        Raises: Refused, where such a symbol was asked for, or no other is left.
        """
        while True:
            try:
                return work()
            except Refused as error:
                self.leave_out(error)

    def leave_out(self, error: Refused) -> None:
        """Count the symbols that were refused as left out.

        Raises: the error, where one was asked for, no other is left, or it is of no symbol.
        """
        refused = {self._symbol_of(label): reason for label, reason in error.reasons.items()}
        asked = set(self.config.data.symbols)
        if not refused or None in refused or asked & set(refused) or self.symbols <= set(refused):
            raise error
        for symbol, reason in refused.items():
            LOG.info("%s is left out: %s", symbol, reason)
            self.refused[str(symbol)] = reason
        self.stages.clear()

    def left_out(self) -> tuple[str, ...]:
        """Return how many symbols are left out, and each with its reason, as lines."""
        if not self.refused:
            return ()
        every = len(self.symbols | set(self.refused))
        return (
            f"{len(self.refused)} of {every} symbols left out",
            *(f"{symbol} is left out: {reason}" for symbol, reason in self.refused.items()),
        )

    def _symbol_of(self, label: str) -> str | None:
        """Return the symbol of a piece's label, the longest that fits."""
        fit = [symbol for symbol in self.symbols if f"{label} ".startswith(f"{symbol} ")]
        return max(fit, key=len, default=None)

    def stage(self, name: str, work: Callable[[Any], Result], tasks: Sequence[Any]) -> list[Result]:
        """Run one stage's tasks and count those computed and those found."""
        outputs: list[Any] = self.executor.map(work, tasks, name)
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
        self, name: str, run: Callable[..., Any], settings: Any, *inputs: Mapping[str, Any]
    ) -> dict[str, Output]:
        """Run `run(*one symbol's inputs, settings)` for every symbol of the inputs, by symbol.

        What `run` is annotated to return is the kind of table that the stage stores.
        """
        symbols = list(inputs[0])
        tasks = [
            Task(name, one, run, tuple(each[one] for each in inputs), settings, self.store)
            for one in symbols
        ]
        return dict(zip(symbols, self.stage(name, execute, tasks), strict=True))


@contextmanager
def open_job(config: Config, out: str, raw_bytes: int) -> Iterator[Job]:
    """Open a run that caches under `out` and reads `raw_bytes` of tape; its workers end with it.

    Raises: InputError when calendar or scheduler is wrong.
    """
    calendar = SessionCalendar(config.data.calendar, config.data.period_seconds)
    workers = choose_workers(config.executor.workers, raw_bytes)
    with Executor(workers, config.executor.scheduler) as executor:
        job = Job(config, cache_of(out), calendar, executor)
        begin_run(job.tally)
        yield job


def cache_of(out: str) -> Store:
    """Return the store below an output folder."""
    return Store(f"{out.rstrip('/')}/cache")
