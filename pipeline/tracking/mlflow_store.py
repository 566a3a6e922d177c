"""Where runs go: the store, its experiments, and one run opened and closed."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")

import mlflow

from pipeline.engine.commit import CHECKOUT
from pipeline.engine.errors import InputError
from pipeline.tracking.mlflow_content import log
from pipeline.tracking.process import PROCESS_TAG, is_gone, this_process
from pipeline.tracking.record import Record

URI_VARIABLE = "MLFLOW_TRACKING_URI"
SQLITE = "sqlite:///"
MODE = "workflowType=machine_learning"  # of the UI: runs and charts, not traces and prompts
IN_CHECKOUT = (CHECKOUT / "pyproject.toml").is_file()
DEFAULT_FOLDER = (CHECKOUT if IN_CHECKOUT else Path.home()) / "mlruns"


def tracking_uri() -> str:
    """Return where runs go: MLFLOW_TRACKING_URI, or the database in the checkout's `mlruns/`
    (an installed package's is in the home folder), wherever the command is run.
    """
    return os.environ.get(URI_VARIABLE) or f"sqlite:///{DEFAULT_FOLDER / 'mlflow.db'}"


def track(record: Record, experiment: str) -> None:
    """Log a record as a run of an experiment.

    Raises: InputError when the tracking store cannot be reached.
    """
    with tracked_run(experiment, record.name):
        log(record)


@contextmanager
def tracked_run(experiment: str, name: str) -> Iterator[str]:
    """Open a run and yield its id; a failure marks the run failed.

    Raises: InputError when the tracking store cannot be reached.
    """
    for logger in ("mlflow", "alembic"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    uri, given = tracking_uri(), os.environ.get(URI_VARIABLE)
    try:
        _open_experiment(uri, experiment, _artifacts(uri))
        _end_abandoned(experiment)
        with mlflow.start_run(run_name=name, tags={PROCESS_TAG: this_process()}) as run:
            yield run.info.run_id
    finally:
        if not given:
            os.environ.pop(URI_VARIABLE, None)  # mlflow leaves its own choice there


def _artifacts(uri: str) -> Path | None:
    """Return where a SQLite store's artifacts go: beside it. A server knows that itself."""
    database = uri.removeprefix(SQLITE)
    return None if database == uri else Path(database).resolve().parent / "artifacts"


def _open_experiment(uri: str, experiment: str, artifacts: Path | None) -> None:
    try:
        if artifacts:
            artifacts.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(uri)
        if mlflow.get_experiment_by_name(experiment) is None:
            mlflow.create_experiment(experiment, artifacts.as_uri() if artifacts else None)
        mlflow.set_experiment(experiment)
    except Exception as error:  # mlflow wraps whatever its store raises
        reason = str(error).splitlines()[0]
        raise InputError(f"MLflow at {uri}: {reason}; check MLFLOW_TRACKING_URI") from error


def _end_abandoned(experiment: str) -> None:
    """Mark the runs as killed whose process is gone: nobody else will ever end them."""
    client = mlflow.MlflowClient()
    known = client.get_experiment_by_name(experiment)
    for run in client.search_runs([known.experiment_id], "attributes.status = 'RUNNING'"):
        if is_gone(run.data.tags.get(PROCESS_TAG, "")):
            client.set_terminated(run.info.run_id, "KILLED")


def ui_page() -> str:
    """Return the active experiment's list of runs, below the address that `impact ui` prints; the
    UI opens in its generative mode where the address does not name the other.
    """
    return f"/#/experiments/{mlflow.active_run().info.experiment_id}/runs?{MODE}"
