"""What was tracked, read back: one file of a run and the metrics of its symbols."""

import logging
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow.entities import Run

from pipeline.engine.errors import InputError, reason_of
from pipeline.tracking.connection import tracking_uri


@dataclass(frozen=True)
class TrackedRun:
    """A run's name, the content of the file asked for, and the metrics by symbol."""

    name: str
    content: bytes
    metrics: dict[str, dict[str, float]]


def read_run(run_id: str, file: str) -> TrackedRun:
    """Return a run of the pipeline with one of its files.

    Raises: InputError when there is no such run, or it has no such file.
    """
    for logger in ("mlflow", "alembic"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    uri = tracking_uri()
    client = mlflow.MlflowClient(uri)
    try:
        run = _run_of(client, run_id)
        content = Path(client.download_artifacts(run.info.run_id, file)).read_bytes()
        inside = client.search_runs(
            [run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'"
        )
    except Exception as error:  # mlflow wraps whatever its store raises
        raise InputError(
            f"{run_id}: no file, and MLflow at {uri} has no run of that id with {file} "
            f"({reason_of(error)}); give the id of a pipeline run, or the path of its file"
        ) from None
    metrics = {one.data.tags["symbol"]: dict(one.data.metrics) for one in inside}
    return TrackedRun(str(run.info.run_name), content, metrics)


def _run_of(client: mlflow.MlflowClient, run_id: str) -> Run:
    """Return a pipeline run by its own id, which its files bear, or by MLflow's."""
    known = [one.experiment_id for one in client.search_experiments()]
    asked = f"tags.run_id = '{run_id}' and tags.level = 'run'"
    found = client.search_runs(known, asked, max_results=1)
    return found[0] if found else client.get_run(run_id)
