"""Where runs go: the store, its experiments, and one run opened and closed."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")

import mlflow

from pipeline.tracking.connection import MODE, artifacts_of, tracking_uri
from pipeline.tracking.mlflow_content import log, owned, said_of_experiment
from pipeline.tracking.process import PROCESS_TAG, is_gone
from pipeline.tracking.waiting import Waiting

ARTIFACT_ROOT = "_MLFLOW_SERVER_ARTIFACT_ROOT"  # else it makes a folder of its own where it works


def track(waiting: Waiting) -> str:
    """Log a record as a run of its experiment; return where the experiment's runs are listed,
    below the address that `impact ui` prints, in the mode for models.

    What an attempt before this one left of it is deleted. A failure marks the run failed.
    Raises: whatever MLflow and its store do.
    """
    for logger in ("mlflow", "alembic", "sqlalchemy"):
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    uri = tracking_uri()
    with environment(artifacts_of(uri)):
        mlflow.set_tracking_uri(uri)
        experiment = _open_experiment(waiting, artifacts_of(uri))
        _forget(experiment, waiting.run_id)
        _end_abandoned(experiment)
        run = mlflow.MlflowClient().create_run(
            experiment,
            start_time=waiting.made,
            run_name=waiting.record.name,
            tags=owned(waiting.record),
        )
        with mlflow.start_run(run_id=run.info.run_id):
            log(waiting.record)
    return f"/#/experiments/{experiment}/runs?{MODE}"


@contextmanager
def environment(artifacts: str | None = None) -> Iterator[None]:
    """Keep out what would send runs elsewhere, and minutes of patience with a server that is lost;
    leave the environment as it was.
    """
    kept = dict(os.environ)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"  # it has the server's password
    os.environ.pop("MLFLOW_RUN_ID", None)
    if artifacts is not None:
        os.environ[ARTIFACT_ROOT] = artifacts
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


def _open_experiment(waiting: Waiting, artifacts: str | None) -> str:
    """Return the experiment's id, made with its artifacts there where it is not yet."""
    name, tags = waiting.experiment, said_of_experiment(waiting.record.about)
    if mlflow.get_experiment_by_name(name) is None:
        try:
            mlflow.create_experiment(name, artifacts, tags)
        except mlflow.MlflowException:
            if mlflow.get_experiment_by_name(name) is None:  # no other run made it just now
                raise
    return str(mlflow.set_experiment(name).experiment_id)


def _forget(experiment: str, run_id: str) -> None:
    """Delete the runs, and the versions of registered models, that are tagged with a run's id."""
    client = mlflow.MlflowClient()
    for run in client.search_runs([experiment], f"tags.run_id = '{run_id}'"):
        for made in client.search_model_versions(f"run_id = '{run.info.run_id}'"):
            client.delete_model_version(made.name, made.version)
        client.set_terminated(run.info.run_id, "FAILED")
        client.delete_run(run.info.run_id)


def _end_abandoned(experiment: str) -> None:
    """Mark the runs as killed whose process is gone: nobody else will ever end them."""
    client = mlflow.MlflowClient()
    for run in client.search_runs([experiment], "attributes.status = 'RUNNING'"):
        if is_gone(run.data.tags.get(PROCESS_TAG, "")):
            client.set_terminated(run.info.run_id, "KILLED")
