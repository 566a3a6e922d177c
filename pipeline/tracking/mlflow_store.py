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

from pipeline.engine.errors import InputError
from pipeline.tracking.record import ModelRecord, Record

DEFAULT_FOLDER = Path("mlruns")
URI_VARIABLE = "MLFLOW_TRACKING_URI"
LONGEST_PARAMETER = 6000  # characters that MLflow takes
TRUSTED = [  # types of scikit-learn's and SciPy's own that skops does not know
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "scipy.interpolate._bsplines.BSpline",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
]
COST = Schema([ColSpec("double")])
LAW_SIGNATURE = ModelSignature(
    Schema([ColSpec("long", "period"), ColSpec("double", "shares")]), COST
)


def tracking_uri() -> str:
    """Return where runs go: MLFLOW_TRACKING_URI, or the database in `mlruns/`."""
    return os.environ.get(URI_VARIABLE) or f"sqlite:///{(DEFAULT_FOLDER / 'mlflow.db').resolve()}"


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
        _open_experiment(
            uri, experiment, None if given else (DEFAULT_FOLDER / "artifacts").resolve()
        )
        with mlflow.start_run(run_name=name) as run:
            yield run.info.run_id
    finally:
        if not given:
            os.environ.pop(URI_VARIABLE, None)  # mlflow leaves its own choice there


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


def ui_page() -> str:
    """Return the active experiment's list of runs, below the address that `impact ui` prints."""
    return f"/#/experiments/{mlflow.active_run().info.experiment_id}/runs"


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
