"""How every stage runs: inputs read, outputs cached under the key of their content, and timed."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pipeline.engine.code import code_key
from pipeline.engine.digests import digest
from pipeline.engine.errors import InputError, Refused
from pipeline.engine.store import Store, load_tables, save_tables

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Output:
    """A published stage output: a dataclass of tables at `url`; fresh: computed in this run."""

    kind: type
    key: str
    url: str
    label: str
    fresh: bool
    seconds: float

    def load(self) -> Any:
        """Return the tables."""
        return load_tables(self.url, self.kind)


@dataclass(frozen=True)
class Task:
    """One piece of a stage: `run(*loaded inputs, settings)` returns the tables to be stored.

    An input has a content `key` and a `load()`; one that is a tuple is loaded element by element
    into a tuple. `run` is annotated with the kind of tables that it returns.
    """

    stage: str
    label: str
    run: Callable[..., Any]
    inputs: tuple[Any, ...]
    settings: Any
    store: Store

    @property
    def kind(self) -> type:
        """Return the kind of tables that the stage stores."""
        return self.run.__annotations__["return"]

    @property
    def key(self) -> str:
        """Return the hash of the stage, the code it reaches, its settings and its inputs."""
        code = code_key(self.run.__module__, __name__)
        parts = [
            part.key
            for group in self.inputs
            for part in (group if isinstance(group, tuple) else (group,))
        ]
        shape = [str(len(group)) if isinstance(group, tuple) else "" for group in self.inputs]
        return digest(self.stage, code, repr(self.settings), *shape, *parts)


def execute(task: Task) -> Output:
    """Return the task's output, from the store where it is there, else computed and published.

    Raises: Refused, of the task's label, when the stage refuses its input.
    """
    key = task.key
    if task.store.has(task.stage, key):
        return Output(task.kind, key, task.store.url(task.stage, key), task.label, False, 0.0)
    started = time.perf_counter()
    with _one_thread():
        loaded = [
            tuple(part.load() for part in group) if isinstance(group, tuple) else group.load()
            for group in task.inputs
        ]
        try:
            tables = task.run(*loaded, task.settings)
        except ValueError as error:  # an estimator cannot use what it was given
            where = "" if isinstance(error, InputError) else f"{task.stage} {task.label}: "
            message = f"{where}{error}"
            raise Refused(message, {task.label: message}) from error
    url = task.store.publish(task.stage, key, lambda directory: save_tables(tables, directory))
    return Output(task.kind, key, url, task.label, True, time.perf_counter() - started)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Hold libraries to one thread: their number must not change a bit of the result, and two that
    waited for each other on busy cores took 5.3 s of processor time to fit trees, one took .08 s.
    """
    from threadpoolctl import threadpool_limits

    kept = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))  # for those that are loaded meanwhile
    try:
        with threadpool_limits(1):
            yield
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
