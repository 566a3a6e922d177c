"""The only file that talks to MLflow: where runs go, how records become runs, registered models."""

import io
import logging
import math
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")

import lightgbm
import mlflow
import pandas as pd
import skops.io
from mlflow.entities import Metric, Param
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from pipeline.tracking.connection import artifacts_of, tracking_uri
from pipeline.tracking.record import ModelRecord, Record
from pipeline.tracking.waiting import Waiting

LONGEST_PARAMETER = 6000  # characters that MLflow takes
TRUSTED = [  # types of scikit-learn's and SciPy's own that skops does not know
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "scipy.interpolate._bsplines.BSpline",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
]
ARTIFACT_ROOT = "_MLFLOW_SERVER_ARTIFACT_ROOT"  # else it makes a folder of its own where it works
COST = Schema([ColSpec("double")])
LAW_SIGNATURE = ModelSignature(
    Schema([ColSpec("long", "period"), ColSpec("double", "shares")]), COST
)


def track(waiting: Waiting) -> str:
    """Log a record as a run of its experiment; return where the experiment's runs are listed,
    below the address that `impact ui` prints.

    What an attempt before this one left of it is deleted. A failure marks the run failed.
    Raises: whatever MLflow and its store do.
    """
    for logger in ("mlflow", "alembic", "sqlalchemy"):
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    uri = tracking_uri()
    with _environment(artifacts_of(uri)):
        mlflow.set_tracking_uri(uri)
        experiment = _open_experiment(waiting.experiment, artifacts_of(uri))
        _forget(experiment, waiting.run_id)
        run = mlflow.MlflowClient().create_run(
            experiment, start_time=waiting.made, run_name=waiting.record.name
        )
        with mlflow.start_run(run_id=run.info.run_id):
            log(waiting.record)
    return f"/#/experiments/{experiment}/runs"


@contextmanager
def _environment(artifacts: str | None) -> Iterator[None]:
    """Keep out what would send runs elsewhere, and leave the environment as it was."""
    kept = dict(os.environ)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    os.environ.pop("MLFLOW_RUN_ID", None)
    if artifacts is not None:
        os.environ[ARTIFACT_ROOT] = artifacts
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


def _open_experiment(name: str, artifacts: str | None) -> str:
    """Return the experiment's id, made with its artifacts there where it is not yet."""
    if mlflow.get_experiment_by_name(name) is None:
        mlflow.create_experiment(name, artifacts)
    return str(mlflow.set_experiment(name).experiment_id)


def _forget(experiment: str, run_id: str) -> None:
    """Delete the runs, and the versions of registered models, that are tagged with a run's id."""
    client = mlflow.MlflowClient()
    for run in client.search_runs([experiment], f"tags.run_id = '{run_id}'"):
        for made in client.search_model_versions(f"run_id = '{run.info.run_id}'"):
            client.delete_model_version(made.name, made.version)
        client.set_terminated(run.info.run_id, "FAILED")
        client.delete_run(run.info.run_id)


def log(record: Record) -> None:
    """Log a record to the active run, and its parts as runs nested in it."""
    _log_facts(record.parameters, record.metrics)
    mlflow.set_tags(dict(record.tags))
    for name, figure in record.figures.items():
        mlflow.log_figure(figure, f"{name}.png")
    texts = {f"{name}.csv": table.to_csv(index=False) for name, table in record.tables.items()}
    _log_files({**record.files, **{name: text.encode() for name, text in texts.items()}})
    for model in record.models:
        _log_model(model)
    for part in record.parts:
        with mlflow.start_run(run_name=part.name, nested=True):
            log(part)


def _log_facts(parameters: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
    """Log in one batch: longer texts are cut, and what is not finite left out (MLflow's database
    would hold 1.8e308 for infinity).
    """
    finite = {
        name: float(value)
        for name, value in metrics.items()
        if pd.notna(value) and math.isfinite(value)
    }
    mlflow.MlflowClient().log_batch(
        mlflow.active_run().info.run_id,
        params=[Param(name, str(value)[:LONGEST_PARAMETER]) for name, value in parameters.items()],
        metrics=[Metric(name, value, 0, 0) for name, value in finite.items()],
    )


def _log_files(files: Mapping[str, bytes]) -> None:
    if not files:
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        mlflow.log_artifacts(folder)


def _log_model(model: ModelRecord) -> None:
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):  # it chats about registrations
        warnings.filterwarnings("ignore", message=".*input example was not provided")
        if model.form == "law":
            _log_law(model)
        else:
            _log_regressor(model)


def _log_law(model: ModelRecord) -> None:
    """Log the law as JSON behind code that reads it, so that no project class is pickled."""
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "law.json"
        stored.write_bytes(model.content)
        mlflow.pyfunc.log_model(
            name=model.name,
            python_model=_source("pipeline.parameters.registered_law"),
            artifacts={"law": str(stored)},
            code_paths=[str(Path(_source("solver")).parent)],
            signature=LAW_SIGNATURE,
            registered_model_name=model.registered,
            pip_requirements=_requirements("mlflow", "numpy", "scipy", "pandas"),
        )


def _source(module: str) -> str:
    """Return the file that a module of this project is written in, without importing it."""
    return str(find_spec(module).origin)


def _log_regressor(model: ModelRecord) -> None:
    signature = ModelSignature(Schema([ColSpec("double", name) for name in model.features]), COST)
    if model.form == "lightgbm-text":
        mlflow.lightgbm.log_model(
            lightgbm.Booster(model_str=model.content.decode()),
            name=model.name,
            signature=signature,
            registered_model_name=model.registered,
            pip_requirements=_requirements("mlflow", "lightgbm", "numpy"),
        )
    else:
        mlflow.sklearn.log_model(
            skops.io.loads(model.content, trusted=TRUSTED),
            name=model.name,
            signature=signature,
            registered_model_name=model.registered,
            serialization_format="skops",
            skops_trusted_types=TRUSTED,
            pip_requirements=_requirements("mlflow", "scikit-learn", "skops", "numpy"),
        )


def _requirements(*names: str) -> list[str]:
    return [f"{name}=={version(name)}" for name in names]
