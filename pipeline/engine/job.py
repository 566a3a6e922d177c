"""One run's means: configuration, store, calendar, executor, and the count of what stages did."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pipeline.engine.config import Config
from pipeline.engine.errors import Refused
from pipeline.engine.executor import Executor, choose_workers
from pipeline.engine.sessions import SessionCalendar
from pipeline.engine.stage import Output, Task, execute
from pipeline.engine.store import Store

Result = TypeVar("Result")


@dataclass
class Job:
    """What every stage of one run shares; `stages` counts what each of them did.

    symbols: of the tape, once it is open; refused: why some are left out, by symbol; since: the
    first day of the history of symbols that do not have all of it.
    """

    config: Config
    store: Store
    calendar: SessionCalendar
    executor: Executor
    stages: list[dict[str, Any]] = field(default_factory=list)
    symbols: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    since: Mapping[str, str] = field(default_factory=dict)

    def leave_out(self, error: Refused) -> None:
        """Go on without the symbol that a stage refused, from the start: what is done is found.

        Raises: the error, where that symbol was asked for, or no other is left.
        """
        for symbol in sorted(self.symbols, key=len, reverse=True):
            if f"{error.label} ".startswith(f"{symbol} "):
                if symbol in self.config.data.symbols or len(self.symbols) == 1:
                    break
                self.refused[symbol] = str(error)
                self.stages.clear()
                return
        raise error

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
        yield Job(config, cache_of(out), calendar, executor)


def cache_of(out: str) -> Store:
    """Return the store below an output folder."""
    return Store(f"{out.rstrip('/')}/cache")
