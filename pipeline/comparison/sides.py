"""What is compared: a parameter file, or the one of a tracked run with that run's metrics."""

import json
from pathlib import Path

from pipeline.comparison.changes import Side
from pipeline.parameters.schema import params_of, read_params


def read_side(source: str) -> Side:
    """Return a side by the path or URL of its params.json, or by a tracked run's id (that in its
    params.json, or MLflow's).

    Raises: InputError when it cannot be read.
    """
    if "/" in source or source.endswith(".json") or Path(source).is_file():
        return Side(source, read_params(source))
    from pipeline.tracking.mlflow_reading import read_run

    run = read_run(source, "params.json")
    params = params_of(json.loads(run.content), f"params.json of run {source}")
    return Side(f"{run.name} ({source})", params, run.metrics)
