"""How a record becomes an MLflow run: facts, tables, files, datasets, models, nested runs."""

import json
import math
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.utils.mlflow_tags import (
    MLFLOW_DATASET_CONTEXT,
    MLFLOW_GIT_COMMIT,
    MLFLOW_LOGGED_ARTIFACTS,
    MLFLOW_RUN_NOTE,
)

from pipeline.tracking.mlflow_registry import log_model
from pipeline.tracking.process import PROCESS_TAG, this_process
from pipeline.tracking.record import DatasetRecord, Record

LONGEST_PARAMETER = 6000  # characters that MLflow takes
LONGEST_DIGEST = 36
MOST_METRICS = 1000  # in a batch
KIND = {"mlflow.experimentKind": "custom_model_development"}  # opens the UI on runs and charts
IDENTITY = "identity"
UNCHANGED = "unchanged_since"


def log(record: Record) -> None:
    """Log a record to the active run, and its parts as runs nested in it.

    A record equal to an earlier one of the experiment says so, and its models are not logged again.
    """
    run = mlflow.active_run().info
    _describe_experiment(run.experiment_id, record.about)
    before = _equal_run(run.experiment_id, record.identity, run.run_id)
    _log(record, before)


def _log(record: Record, before: Any) -> None:
    same = {UNCHANGED: before.info.run_id} if before else {}
    note = f"Nothing changed since {before.info.run_name}. " if before else ""
    _log_facts(record, {MLFLOW_RUN_NOTE: f"{note}{record.description}"} | same)
    for name, figure in record.figures.items():
        mlflow.log_figure(figure, f"{name}.png")
    tables = {f"{name}.json": _table_text(table) for name, table in record.tables.items()}
    _log_files({**record.files, **{name: text.encode() for name, text in tables.items()}})
    for model in () if before else record.models:
        log_model(model)
    for part in record.parts:
        with mlflow.start_run(run_name=part.name, nested=True, tags=owned(part)):
            _log(part, before)


def owned(record: Record) -> dict[str, str]:
    """Return the tags that a run is created with: a store that is lost in the next moment still
    knows whose it is, so that it is ended or forgotten.
    """
    tags = {name: str(value) for name, value in record.tags.items()}
    return tags | {PROCESS_TAG: this_process()}


def said_of_experiment(about: str) -> dict[str, str]:
    """Return an experiment's tags: which pages it opens on, and what its runs are."""
    return KIND | ({MLFLOW_RUN_NOTE: about} if about else {})


def _describe_experiment(experiment_id: str, about: str) -> None:
    client = mlflow.MlflowClient()
    known = client.get_experiment(experiment_id).tags
    for name, value in said_of_experiment(about).items():
        if known.get(name) != value:
            client.set_experiment_tag(experiment_id, name, value)


def _equal_run(experiment_id: str, identity: str, own: str) -> Any:
    """Return the latest finished run of the same identity, None where there is none."""
    if not identity:
        return None
    asked = f"tags.{IDENTITY} = '{identity}' and attributes.status = 'FINISHED'"
    found = mlflow.MlflowClient().search_runs([experiment_id], asked, max_results=1)
    return next((run for run in found if run.info.run_id != own), None)


def _log_facts(record: Record, notes: Mapping[str, str]) -> None:
    """Log facts in few batches: longer texts are cut, and what is not finite left out (MLflow's
    database would hold 1.8e308 for infinity).
    """
    client, run_id = mlflow.MlflowClient(), mlflow.active_run().info.run_id
    tags = dict(notes)
    if record.commit:
        tags[MLFLOW_GIT_COMMIT] = record.commit
    if record.identity:
        tags[IDENTITY] = record.identity
    if record.tables:
        listed = [{"path": f"{name}.json", "type": "table"} for name in record.tables]
        tags[MLFLOW_LOGGED_ARTIFACTS] = json.dumps(listed)
    metrics = list(_metrics(record))
    client.log_batch(
        run_id,
        params=[
            Param(name, str(value)[:LONGEST_PARAMETER]) for name, value in record.parameters.items()
        ],
        metrics=metrics[:MOST_METRICS],
        tags=[RunTag(name, str(value)) for name, value in tags.items()],
    )
    for first in range(MOST_METRICS, len(metrics), MOST_METRICS):
        client.log_batch(run_id, metrics=metrics[first : first + MOST_METRICS])
    if record.datasets:
        client.log_inputs(run_id, [_input(one) for one in record.datasets])


def _metrics(record: Record) -> Iterator[Metric]:
    now = round(1000 * time.time())
    for name, value in record.metrics.items():
        if pd.notna(value) and math.isfinite(value):
            yield Metric(name, float(value), now, 0)
    if record.steps is None:
        return
    for name in record.steps.columns.drop("step"):
        for step, value in zip(record.steps["step"], record.steps[name], strict=True):
            if pd.notna(value) and math.isfinite(value):
                yield Metric(name, float(value), now, int(step))


def _input(dataset: DatasetRecord) -> DatasetInput:
    entity = Dataset(
        name=dataset.name,
        digest=dataset.fingerprint[:LONGEST_DIGEST],
        source_type="local",
        source=json.dumps({"uri": dataset.source}),
        profile=json.dumps({"fingerprint": dataset.fingerprint, **dataset.facts}),
    )
    return DatasetInput(entity, [InputTag(MLFLOW_DATASET_CONTEXT, "read")])


def _table_text(table: pd.DataFrame) -> str:
    """Return a table in the form of `mlflow.log_table`, which the UI opens; that call would look
    the artifact up before it writes.
    """
    return str(table.to_json(orient="split", index=False, date_format="iso", double_precision=12))


def _log_files(files: Mapping[str, bytes]) -> None:
    if not files:
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        mlflow.log_artifacts(folder)
