"""The one seam through which work is spread: in process, over local workers, or on a Dask
cluster.
"""

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.engine.errors import InputError
from pipeline.engine.run_log import LOG, as_json

Task = TypeVar("Task")
Result = TypeVar("Result")

MANY_BYTES = (
    200_000_000  # of raw tape: below it, starting worker processes costs more than it saves
)
RETRIES = 3
CONNECT_SECONDS = 10


def choose_workers(workers: str | int, raw_bytes: int) -> int:
    """Return the number of worker processes: as asked, or none for a small tape and one a core for
    a large one.
    """
    if workers != "auto":
        return int(workers)
    return 0 if raw_bytes < MANY_BYTES else len(os.sched_getaffinity(0))


class Executor(AbstractContextManager["Executor"]):
    """Maps a function over tasks, in order, with a progress bar.

    `workers` = 0 runs in this process; n > 0 starts a local Dask cluster of n processes on
    127.0.0.1; `scheduler` uses a running cluster. A worker that dies costs a retry of its task, not
    the run.
    Raises: InputError when the scheduler does not answer.
    """

    def __init__(
        self, workers: int = 0, scheduler: str = "", console: Console | None = None
    ) -> None:
        self._console = console or Console(stderr=True)
        self._cluster: Any = None
        self._client: Any = None
        if scheduler or workers:
            self._connect(workers, scheduler)

    def _connect(self, workers: int, scheduler: str) -> None:
        import dask
        from distributed import Client, LocalCluster

        dask.config.set({"distributed.admin.tick.limit": "60s"})
        if not scheduler:
            self._cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
            )
        try:
            self._client = Client(self._cluster or scheduler, timeout=CONNECT_SECONDS)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"scheduler {scheduler}: no Dask scheduler answers there ({error}); "
                "start one with `dask scheduler`, or leave --scheduler out"
            ) from None

    @property
    def address(self) -> str:
        """Return the scheduler's address, empty in process."""
        return "" if self._client is None else str(self._client.scheduler.address)

    def map(
        self, work: Callable[[Task], Result], tasks: Sequence[Task], label: str
    ) -> list[Result]:
        """Return `[work(task) for task in tasks]`; the first failure cancels the rest and is
        raised.
        """
        columns = (
            TextColumn("{task.description:<10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        bars = self._console.is_terminal and not as_json()
        with Progress(*columns, console=self._console, disable=not bars) as progress:
            bar = progress.add_task(label, total=len(tasks))
            if self._client is None:
                results = [_advance(work(task), progress, bar) for task in tasks]
            else:
                results = self._map_distributed(work, tasks, lambda: progress.advance(bar))
        if not bars:
            LOG.info("%s: %d done", label, len(tasks))
        return results

    def _map_distributed(
        self, work: Callable[[Task], Result], tasks: Sequence[Task], advance: Callable[[], None]
    ) -> list[Result]:
        from distributed import as_completed

        futures = [self._client.submit(work, task, pure=False, retries=RETRIES) for task in tasks]
        try:
            for future in as_completed(futures):
                if future.status == "error":
                    future.result()
                advance()
            return [future.result() for future in futures]
        finally:
            self._client.cancel(futures)

    def __exit__(self, *exception: object) -> None:
        if self._client is not None:
            self._client.close()
        if self._cluster is not None:
            self._cluster.close()


def _advance(result: Result, progress: Progress, bar: Any) -> Result:
    progress.advance(bar)
    return result
