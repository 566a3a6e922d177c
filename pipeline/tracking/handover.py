"""From published results to tracked runs: a record waits in a file until the store has it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fsspec.implementations.local import LocalFileSystem

from pipeline.engine.errors import InputError, first_cause, reason_of
from pipeline.engine.places import place
from pipeline.engine.run_log import new_run_id
from pipeline.engine.store import write_file
from pipeline.publication.locks import held
from pipeline.publication.versions import settled, waiting_of
from pipeline.tracking.connection import DEFAULT_FOLDER, lock_of, tracking_uri
from pipeline.tracking.record import Moved, Record
from pipeline.tracking.waiting import Waiting, of_run, read_waiting

PATIENCE = 120.0  # seconds that other runs may take to track theirs
PAGES = "/#/experiments"
LEFT_BEHIND = DEFAULT_FOLDER / "untracked"  # of studies, which publish no folder


@dataclass(frozen=True)
class Tracked:
    """page: where the runs are listed, below the address of the UI, empty where it was not tracked;
    said: what there is to say.
    """

    page: str
    said: tuple[str, ...] = ()


def waiting_for(record: Record, experiment: str, run_id: str) -> Waiting:
    """Return the record as it waits to be tracked."""
    return Waiting(run_id, experiment, int(time.time() * 1000), of_run(record, run_id))


def track_all(own: str, waiting: Callable[[], Sequence[str]]) -> Tracked:
    """Track the record in the file `own` after what earlier runs left behind, so that versions of
    models follow each other as the runs did; a tracked one's file goes.

    waiting: lists the files, asked while no other run is at them. What cannot be tracked stays for
    the next run, and is said.
    """
    from pipeline.tracking.mlflow_store import track  # takes seconds

    said, page = [], ""
    try:
        with _alone(own):
            files = list(waiting())
            for one in files:
                if one == own:
                    continue
                try:
                    _track_file(one, track)
                    said.append(f"tracked too, left behind by an earlier run: {one}")
                except Exception as error:
                    said.append(f"{one}: still not tracked ({reason_of(first_cause(error))})")
            # another run may have tracked this one's record with its own
            page = _track_file(own, track) if own in files else PAGES
    except Exception as error:  # MLflow raises whatever its store does; the results are out
        said.append(
            f"not tracked at {tracking_uri()} ({reason_of(first_cause(error))}); the record waits "
            f"in {own}, and the next run there tracks it"
        )
    return Tracked(page, tuple(said))


def track_study(record: Record, experiment: str) -> Tracked:
    """Track what a study found, and what earlier ones left behind."""
    run_id = new_run_id()
    waiting = waiting_for(record, experiment, run_id)
    own = write_file(str(LEFT_BEHIND.resolve() / f"{run_id}.json"), waiting.dump())
    return track_all(own, lambda: sorted(map(str, LEFT_BEHIND.resolve().glob("*.json"))))


def move_aliases(out: str, moved: Moved) -> tuple[str, ...]:
    """Let the registry's aliases follow what is in force under `out`; return what there is to say.

    Where the store does not take it the next night does.
    """
    from pipeline.tracking.mlflow_aliases import align  # takes seconds

    try:
        with _alone(waiting_of(out, moved.in_force)):
            return tuple(f"MLflow:     {line}" for line in align(moved))
    except Exception as error:  # MLflow raises whatever its store does; the files are in force
        return (
            f"MLflow:     aliases not moved at {tracking_uri()} ({reason_of(error)}); the next "
            "night moves them",
        )


def run_of_model(name: str, number: int) -> str:
    """Return the run whose files a version of a registered model is of.

    Raises: InputError when the store does not answer, or knows no such version.
    """
    from pipeline.tracking.mlflow_aliases import run_of_version  # takes seconds

    try:
        found = run_of_version(name, number)
    except Exception as error:
        raise InputError(
            f"MLflow at {tracking_uri()}: {reason_of(error)}; mend the store, or give "
            "a run id of `versions/` as --version"
        ) from None
    if found is None:
        raise InputError(
            f"--version {number}: {name} has no such version at {tracking_uri()}; `impact ui` "
            "lists them"
        )
    return found


def _track_file(url: str, track: Callable[[Waiting], str]) -> str:
    page = track(read_waiting(url))
    settled(url)
    return page


@contextmanager
def _alone(own: str) -> Iterator[None]:
    """Hold off other runs that would track the same files, or migrate the same database."""
    fs, path = place(own, "--out")
    lock = lock_of(tracking_uri())
    with ExitStack() as locks:
        if isinstance(fs, LocalFileSystem):
            locks.enter_context(held(Path(path).parents[1] / ".tracking", PATIENCE))
        if lock is not None:
            locks.enter_context(held(lock, PATIENCE))
        yield
